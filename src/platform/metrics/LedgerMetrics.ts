import type { Context } from "effect"
import { FAST_SECONDS } from "./Buckets.ts"
import { counterBy, histogram } from "./MetricSeries.ts"

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
    "InsufficientFunds",
    "AccountNotFound",
    "AccountFrozen",
    "HoldNotFound",
    "HoldEnded",
    "HoldExpired",
    "ExceedsHold",
    "KeyMismatch"
  ]
})

/** Counts an outcome, unless it is a replay. */
export const count = (
  { _tag, replayed }: { readonly _tag: string; readonly replayed: boolean },
  context: Context.Context<never>
): void => {
  if (!replayed) postings.of({ outcome: _tag }).updateUnsafe(1, context)
}
