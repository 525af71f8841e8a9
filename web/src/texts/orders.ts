/** Texts of markets and orders. */
export const texts = {
  markets: {
    title: "Markets",
    lead: "Crypto and stocks, priced in US dollars.",
    orders: "Your orders",
    crypto: "Crypto",
    stock: "Stocks",
    holding: (amount: string) => `You have ${amount}`,
    waiting: "No price yet",
    empty: "This service lists no crypto and no stocks yet.",
    notTradable: "Not tradable"
  },
  market: {
    unknownTitle: "This asset is not listed",
    unknown: "The service does not list an asset with this code.",
    all: "All markets",
    open: "Market open",
    closed: "Market closed",
    order: "Buy or sell",
    position: "Your position",
    positionNone: (code: string) => `You have no ${code} yet.`,
    worth: "Worth now",
    held: "On hold",
    orders: "Your orders",
    noOrders: "You have no orders for it yet."
  },
  ticket: {
    heading: "Order",
    side: "Buy or sell",
    buy: "Buy",
    sell: "Sell",
    amount: "Amount",
    unit: "Amount in",
    available: (amount: string) => `${amount} available`,
    midPrice: "Price now",
    spread: (percent: string) => `Spread ${percent}`,
    yourPrice: "Your price",
    units: { buy: "You get", sell: "You sell" },
    total: { buy: "You pay at most", sell: "You get at least" },
    minimum: "Smallest order",
    fee: "Fee",
    free: "None",
    happens: "What happens",
    atOnce: "It is sent to the exchange alone, at once. Nothing else has to happen.",
    pooled: (threshold: string, wait: string) =>
      `It is below ${threshold}, so it waits in a pool and is executed together with the orders of others: when the pool reaches ${threshold}, and at the latest after ${wait}. You can cancel it until then.`,
    closedMarket:
      "The market is closed, or the exchange does not answer. The order waits until it opens, at the last price.",
    sandbox: "Sandbox: the built-in exchange executes it. Nothing is bought on a market.",
    seconds: (count: number) => `${count} seconds`,
    minutes: (count: number) => `${count} minutes`,
    review: "Review the order",
    reviewTitle: { buy: "Check before you buy", sell: "Check before you sell" },
    lock: "Placing the order locks the price of that moment. It can differ a little from the one here.",
    confirm: (side: string, amount: string, total: string) => `${side} ${amount} for ${total}`,
    back: "Change",
    balanceAfter: "Available afterwards",
    belowMinimum: (minimum: string) => `The smallest order is ${minimum}.`,
    tooSmall: "This is too small to be traded. Choose a larger amount.",
    tooMuch: (available: string) =>
      `You have ${available} available. Choose a smaller amount, or deposit first.`,
    noPrice:
      "There is no price now, so nothing can be ordered. The price appears here when the provider answers.",
    notTradable: "This asset cannot be traded here.",
    retry: "Try again",
    rateTooOld: "The latest price is too old to trade at. Try again when there is a newer one.",
    rateUnavailable: "There is no price now. Try again when there is one."
  },
  orders: {
    title: "Orders",
    lead: "Everything you bought and sold, and what still waits.",
    markets: "All markets",
    state: "State",
    asset: "Asset",
    all: "All",
    clear: "Clear the filter",
    empty: "You have no orders yet.",
    emptyAction: "Go to the markets",
    none: "No order matches this filter.",
    more: "Show earlier ones",
    loading: "Loading…"
  },
  states: {
    "held-for-review": "Being checked",
    pending: "Being sent",
    aggregated: "In a pool",
    submitted: "At the exchange",
    completed: "Completed",
    failed: "Failed",
    cancelled: "Cancelled"
  },
  sides: { buy: "Buy", sell: "Sell" },
  reasons: {
    "account-frozen": "An account of yours was frozen while the order waited. Nothing was charged.",
    "price-moved": "The market moved too far before the order was sent. Everything was given back.",
    "not-filled": "The exchange filled nothing of it. Everything was given back.",
    "exchange-refused": "The exchange refused it. Everything was given back.",
    "not-tradable": "The exchange does not trade the asset now. Everything was given back.",
    "below-exchange-minimum": "The exchange sells no amount this small. Everything was given back.",
    "review-rejected": "An administrator refused it. Everything was given back.",
    "review-expired": "Nobody decided in time. Everything was given back.",
    "not-sent":
      "There was no price or no answer of the exchange for more than an hour. Everything was given back."
  } as Readonly<Record<string, string>>,
  order: {
    title: (side: string, code: string) => `${side} ${code}`,
    loadingTitle: "Order",
    missing: "You have no order with this id.",
    headings: {
      "held-for-review": "Your order is being checked",
      pending: "Your order is being sent",
      aggregated: "Your order waits in a pool",
      submitted: "Your order is at the exchange",
      completed: { buy: "You bought", sell: "You sold" },
      failed: "The order failed",
      cancelled: "You cancelled the order"
    },
    explanations: {
      "held-for-review":
        "A rule of this service asks a person to look at it first. The money is on hold, and the price is locked. You can cancel the order meanwhile. This page changes by itself when there is a decision.",
      pending: "The money is on hold. The exchange executes it in a moment.",
      aggregated: "The money is on hold. It is executed together with the orders of others.",
      submitted: "The money is on hold until the exchange reports the outcome.",
      completed: "",
      failed: "Everything was given back.",
      cancelled: "Everything was given back. No money moved."
    },
    ordered: "Ordered",
    price: "Locked price",
    total: { buy: "Locked total", sell: "Locked total" },
    filled: { buy: "Bought", sell: "Sold" },
    charged: { buy: "Paid", sell: "Received" },
    givenBack: "Given back",
    fee: "Fee",
    placed: "Placed",
    done: "Completed",
    id: "Order id",
    clientId: "Your own id",
    history: "History",
    pool: "Pool",
    poolProgress: (total: string, threshold: string) => `${total} of ${threshold}`,
    poolOrders: (count: number) => (count === 1 ? "Only your order waits." : `${count} orders wait.`),
    poolSettles: (time: string) => `It is executed at ${time} at the latest.`,
    cancel: "Cancel the order",
    cancelTitle: "Cancel this order?",
    cancelText: "It has not been sent to the exchange. Everything on hold becomes available again.",
    cancelConfirm: "Cancel the order",
    notCancellable: "It was just sent to the exchange and can no longer be cancelled.",
    cancelledToast: "The order is cancelled",
    again: "Place another order",
    all: "All orders"
  },
  allocation: {
    heading: "Your exact share",
    lead: (orders: number) =>
      orders === 1
        ? "The exchange filled this order alone."
        : `The exchange filled ${orders} orders together. What it filled was divided by the largest remainder.`,
    equal: (count: number) =>
      count === 1
        ? "Computed again in this page: the share is equal."
        : `Computed again in this page: all ${count} shares are equal.`,
    different: "Computed again in this page, a share is different. Tell the operator the batch id.",
    show: "Show every share",
    filled: "Filled by the exchange",
    cost: "Cost at the exchange",
    house: "Part of the house",
    caption: "Shares of the batch",
    order: "Order",
    yours: "yours",
    amount: "Ordered",
    exact: "Exact share",
    share: "Rounded share",
    extra: "with an extra unit",
    charged: "In US dollars",
    batch: "Batch id",
    exchangeOrder: "Order id at the exchange",
    rule: (unit: string) =>
      `Everybody gets the exact share rounded down to ${unit}. The units that are left go to the largest remainders, one each.`,
    waiting: "The share is computed when the order is settled."
  }
} as const
