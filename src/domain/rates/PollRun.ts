import { DateTime, Option, Schema } from "effect"
import type { CurrencyPair } from "../money/CurrencyPair.ts"

/** Identifies one poll. A UUIDv7. */
export const PollId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("PollId"))
export type PollId = typeof PollId.Type

/** Why a poll was made: its time had come, an operator asked for it, or `effex poll` did. */
export const PollTrigger = Schema.Literals(["schedule", "demand", "command-line"])
export type PollTrigger = typeof PollTrigger.Type

/** `interrupted`: its process ended, or lost the database, before the poll was done; what it brought until then stays. */
export const PollStatus = Schema.Literals(["running", "finished", "interrupted"])
export type PollStatus = typeof PollStatus.Type

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
  readonly id: PollId
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

/** All that is kept of a poll, whether it has ended or not. */
export interface PollRecord {
  readonly id: PollId
  readonly status: PollStatus
  readonly trigger: PollTrigger
  /** Which operator asked for it: the id of a key, or a word that is none; null where nobody did. */
  readonly requestedBy: string | null
  /** The term of the leader whose poll it was; null for one that nobody leads. */
  readonly term: number | null
  readonly startedAt: DateTime.Utc
  /** None while it runs, and for ever where it was interrupted. */
  readonly finishedAt: Option.Option<DateTime.Utc>
  readonly pairs: number
  /** Null until it is finished. */
  readonly succeeded: number | null
  readonly failed: number | null
}

/** One poll, with the pairs that it could not refresh. */
export interface PollDetails extends PollRecord {
  readonly failures: ReadonlyArray<PollFailure>
}

/** No poll has the id. */
export class PollNotFound extends Schema.TaggedError<PollNotFound>()("PollNotFound", { id: PollId }) {
  override get message(): string {
    return `No poll has the id ${this.id}`
  }
}

/** A poll, as everybody is told of it: not which key asked for it. */
export const pollFields = (poll: PollRecord) => ({
  run_id: poll.id,
  status: poll.status,
  trigger: poll.trigger,
  term: poll.term,
  started_at: DateTime.formatIso(poll.startedAt),
  finished_at: Option.getOrNull(Option.map(poll.finishedAt, DateTime.formatIso)),
  pairs: poll.pairs,
  succeeded: poll.succeeded,
  failed: poll.failed
})

/** A poll, as operators are told of it. */
export const pollFieldsForOperators = (poll: PollRecord) => ({
  ...pollFields(poll),
  requested_by: poll.requestedBy
})

/** A poll with its failures, as everybody is told of it. */
export const pollDetails = (poll: PollDetails) => ({
  ...pollFields(poll),
  failures: poll.failures.map(({ detail, pair, reason }) => ({
    from: pair.from,
    to: pair.to,
    reason,
    detail
  }))
})
