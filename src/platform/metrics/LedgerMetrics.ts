import { FAST_SECONDS } from "./Buckets.ts"
import { counterBy, gauge, histogram } from "./MetricSeries.ts"

export const batchSize = histogram(
  "effex_ledger_batch_size",
  "Number of transfers posted by one statement",
  [1, 2, 4, 8, 16, 32, 64, 128, 256]
)

export const postDuration = histogram(
  "effex_ledger_post_duration_seconds",
  "Time from queueing a transfer to its outcome",
  FAST_SECONDS
)

export const postings = counterBy("effex_ledger_postings_total", "Transfers by outcome, without replays", {
  outcome: [
    "Posted",
    "Held",
    "InsufficientFunds",
    "AccountNotFound",
    "AccountFrozen",
    "HoldNotFound",
    "HoldEnded",
    "HoldExpired",
    "ExceedsHold",
    "GateRefused",
    "KeyMismatch"
  ]
})

export const deadAccountRows = gauge(
  "effex_ledger_account_dead_rows",
  "Dead row versions of ledger accounts. Many of them slow every posting down: look for old transactions and for autovacuum"
)

export const openHolds = gauge("effex_ledger_open_holds", "Holds that have not ended")

export const oldestHold = gauge(
  "effex_ledger_oldest_hold_seconds",
  "Age of the oldest hold that has not ended"
)

export const verifications = counterBy(
  "effex_ledger_verifications_total",
  "Complete verifications of the ledger, by outcome",
  { outcome: ["whole", "broken"] }
)

export const isBroken = gauge(
  "effex_ledger_broken",
  "1 if the last verification found something that does not fit, else 0"
)
