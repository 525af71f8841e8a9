import { plural } from "../plural.ts"

/** Texts of the overview. */
export const texts = {
  attention: "What needs attention",
  well: "All is well",
  wellText: "Nothing fails, and nothing waits for you.",
  look: "Look at it",
  since: (age: string) => `Oldest: ${age}.`,
  severity: { critical: "Critical", warning: "Warning", waiting: "Waiting" },
  waiting: {
    quarantine: {
      title: (count: number) =>
        plural(count, "quarantined rate awaits a decision", "quarantined rates await a decision"),
      detail: "The pair keeps its last good rate until you decide.",
      action: "Decide"
    },
    reviews: {
      title: (count: number) => plural(count, "movement is held for review", "movements are held for review"),
      detail: "The money is held. Undecided movements are rejected when they expire.",
      action: "Review"
    },
    withdrawals: {
      title: (count: number) => plural(count, "withdrawal is pending", "withdrawals are pending"),
      detail: "The money is held until the payment is confirmed or refused.",
      action: "Confirm or refuse"
    },
    deposits: {
      title: (count: number) => plural(count, "deposit is pending", "deposits are pending"),
      detail: "The user waits for the money.",
      action: "Confirm or refuse"
    },
    adjustments: {
      title: (count: number) =>
        plural(count, "adjustment needs a second administrator", "adjustments need a second administrator"),
      detail: "Whoever requested it cannot approve it.",
      action: "Decide"
    },
    deadBatches: {
      title: (count: number) =>
        plural(count, "batch of orders was given up", "batches of orders were given up"),
      detail: "Its orders wait with their money held. Find the reason, then retry it.",
      action: "Retry"
    },
    openOrders: {
      title: (count: number) => plural(count, "open order", "open orders"),
      detail: "",
      action: "Look"
    }
  },
  alertAdvice: {
    EffexRatesStale: "Check that the provider answers. Conversions use the last known rates.",
    EffexRatesMissing: "The failures of the last poll name the pairs without a rate.",
    EffexPollsFail: "Check the provider, its key, and the network.",
    EffexProviderFails: "A rejected request points to the key; no response points to the network.",
    EffexClockSkew: "Synchronize the clocks of the node and of the database with NTP.",
    EffexDatabaseFails: "Rates are served from memory. Check that PostgreSQL is up and reachable.",
    EffexRedisDown: "Rates and conversions continue. Check REDIS_URL.",
    EffexAuditSealRefused:
      "The audit contradicts a signed head. Read docs/audit.md before you change anything.",
    EffexAuditNotSealed: "Conversions are committed, but their receipts wait.",
    EffexLedgerBroken:
      "Stop movements of money, and keep a copy of the database before you correct anything.",
    EffexOrdersUnsettled: "Check that the exchange answers."
  } as Readonly<Record<string, string>>,
  facts: {
    oldest: "Oldest rate",
    none: "none",
    pairs: (known: number, expected: number) => `${known} of ${expected} pairs have a rate`,
    provider: "Provider",
    answering: (answering: number, all: number) => `${answering} of ${all} answering`,
    lastPoll: "Last poll",
    every: (interval: string) => `every ${interval}`,
    off: "polling is off",
    unknown: "not known: the database does not respond"
  },
  polls: (count: number, median: number) => `Last ${count} polls, median ${median} ms`,
  health: "Health of this node",
  checks: {
    database: "PostgreSQL",
    redis: "Redis",
    provider: (name: string) => `Provider ${name}`,
    rates: "Rates",
    known: (known: number, expected: number, age: string) =>
      `${known} of ${expected}${age === "" ? "" : `, the oldest is ${age} old`}`,
    clock: "Clock",
    skew: (seconds: string) => `${seconds} s ahead of the database`,
    audit: "Audit"
  },
  status: { ok: "ok", degraded: "degraded", down: "down", off: "not used" },
  version: (version: string, exchange: string) => `effex ${version}, orders at: ${exchange}`
} as const
