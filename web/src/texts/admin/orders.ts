import { plural } from "../plural.ts"

/** Texts of the batches of orders. */
export const texts = {
  lead: "Each batch is one order at the exchange, for one or more orders of users.",
  one: "Batch",
  back: "All batches",
  show: "Which batches",
  all: "All",
  dead: "Given up",
  empty: "No order has been sent yet.",
  noDead: "No batch was given up.",
  sides: { buy: "Buy", sell: "Sell" },
  states: {
    reserved: "reserved",
    sent: "sent",
    filled: "filled",
    rejected: "rejected",
    allocated: "allocated"
  },
  gaveUp: (failures: number) => `given up after ${plural(failures, "failure", "failures")}`,
  openLabel: (side: string, asset: string, id: string) => `${side} ${asset}, batch ${id}`,
  retry: "Retry…",
  retryTitle: (side: string, asset: string) => `Retry: ${side} ${asset}`,
  retryText: (error: string) =>
    `The exchange is asked for the order by its client order id before anything is sent again. Last error: ${error}`,
  retried: "The batch is retried",
  history: "History",
  sent: "Sent to the exchange",
  cost: "Cost",
  fee: "Fee",
  house: "Share of the house",
  exchange: "Exchange",
  exchangeOrder: "Order id at the exchange",
  submissions: "Submissions",
  failures: "Failures",
  lastError: "Last error",
  reason: "Reason",
  next: "Next attempt",
  columns: {
    batch: "Batch",
    orders: "Orders",
    amount: "Amount",
    total: "Locked total",
    filled: "Filled",
    at: "Created",
    state: "State",
    action: "Action"
  }
} as const
