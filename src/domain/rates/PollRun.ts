import { DateTime, Option, Schema } from "effect"
import type { AssetPair } from "../money/AssetPair.ts"

/** Identifies one poll. A UUIDv7. */
export const PollId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("PollId"))
export type PollId = typeof PollId.Type

/** Cause of a poll: the schedule, an operator's request to the API (`demand`), or `effex poll` (`command-line`). */
export const PollTrigger = Schema.Literals(["schedule", "demand", "command-line"])
export type PollTrigger = typeof PollTrigger.Type

/** Pairs of a poll: the configured pairs of currencies, or the prices of other assets, which have a schedule of their own. */
export const PairSet = Schema.Literals(["currencies", "prices"])
export type PairSet = typeof PairSet.Type

/** `interrupted`: the process exited or lost the database during the poll. Rates stored until then are kept. */
export const PollStatus = Schema.Literals(["running", "finished", "interrupted"])
export type PollStatus = typeof PollStatus.Type

/** A pair that a poll failed to refresh. */
export interface PollFailure {
  readonly pair: AssetPair
  /** Error type, such as `Unreachable` or `StoreUnavailable`. */
  readonly reason: string
  /** Message for the operator. */
  readonly detail: string
}

/** A finished poll. */
export interface PollRun {
  readonly id: PollId
  readonly startedAt: DateTime.Utc
  readonly finishedAt: DateTime.Utc
  /** Number of pairs requested. */
  readonly pairs: number
  readonly failures: ReadonlyArray<PollFailure>
}

/** A finished poll, as published to stream subscribers. */
export interface PollSummary {
  readonly id: string
  readonly startedAt: DateTime.Utc
  readonly finishedAt: DateTime.Utc
  /** Number of pairs requested. */
  readonly pairs: number
  /** Number of pairs that were not refreshed. */
  readonly failed: number
}

export const summarize = ({ failures, finishedAt, id, pairs, startedAt }: PollRun): PollSummary => ({
  id,
  startedAt,
  finishedAt,
  pairs,
  failed: failures.length
})

/** The stored record of a poll, running or ended. */
export interface PollRecord {
  readonly id: PollId
  readonly status: PollStatus
  readonly trigger: PollTrigger
  readonly pairSet: PairSet
  /** Principal of the operator that requested it: an API key id or a label. Null for scheduled polls. */
  readonly requestedBy: string | null
  /** Leader term of a scheduled poll. Null for polls without a leader. */
  readonly term: number | null
  readonly startedAt: DateTime.Utc
  /** None while the poll runs, and permanently if it was interrupted. */
  readonly finishedAt: Option.Option<DateTime.Utc>
  readonly pairs: number
  /** Null until the poll is finished. */
  readonly succeeded: number | null
  /** Null until the poll is finished. */
  readonly failed: number | null
}

/** A poll with the pairs that it failed to refresh. */
export interface PollDetails extends PollRecord {
  readonly failures: ReadonlyArray<PollFailure>
}

/** No poll has the id. */
export class PollNotFound extends Schema.TaggedError<PollNotFound>()("PollNotFound", { id: PollId }) {
  override get message(): string {
    return `No poll has the id ${this.id}`
  }
}

/** Public JSON fields of a poll. Omits the principal that requested it. */
export const pollFields = (poll: PollRecord) => ({
  run_id: poll.id,
  status: poll.status,
  trigger: poll.trigger,
  pair_set: poll.pairSet,
  term: poll.term,
  started_at: DateTime.formatIso(poll.startedAt),
  finished_at: Option.getOrNull(Option.map(poll.finishedAt, DateTime.formatIso)),
  pairs: poll.pairs,
  succeeded: poll.succeeded,
  failed: poll.failed
})

/** JSON fields of a poll in the admin API. */
export const adminPollFields = (poll: PollRecord) => ({
  ...pollFields(poll),
  requested_by: poll.requestedBy
})

/** Public JSON fields of a poll with its failures. */
export const pollDetails = (poll: PollDetails) => ({
  ...pollFields(poll),
  failures: poll.failures.map(({ detail, pair, reason }) => ({
    from: pair.from,
    to: pair.to,
    reason,
    detail
  }))
})
