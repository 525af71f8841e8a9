import type { DateTime } from "effect"
import type { CurrencyPair } from "./CurrencyPair.ts"

/** A pair that a poll could not refresh. */
export interface PollFailure {
  readonly pair: CurrencyPair
  /** What kind of failure, such as `Unreachable` or `StoreUnavailable`. */
  readonly reason: string
  /** In words, for an operator. */
  readonly detail: string
}

/** A poll that has ended. */
export interface PollRun {
  readonly id: string
  readonly startedAt: DateTime.Utc
  readonly finishedAt: DateTime.Utc
  /** How many pairs it asked for. */
  readonly pairs: number
  readonly failures: ReadonlyArray<PollFailure>
}

/** What the readers of a stream are told of a poll. */
export interface PollSummary {
  readonly id: string
  readonly startedAt: DateTime.Utc
  readonly finishedAt: DateTime.Utc
  /** How many pairs it asked for, and of how many it got no rate. */
  readonly pairs: number
  readonly failed: number
}

export const summaryOf = ({ failures, finishedAt, id, pairs, startedAt }: PollRun): PollSummary => ({
  id,
  startedAt,
  finishedAt,
  pairs,
  failed: failures.length
})
