import { Schema } from "effect"
import { PairSet, PollId, PollStatus, type PollSummary, PollTrigger } from "../../domain/rates/PollRun.ts"
import * as PageMessage from "../PageMessage.ts"
import { Timestamp, TimestampText } from "../../domain/Timestamp.ts"

/** Fields of {@link PollMessage}. */
export const pollFields = {
  runId: Schema.String,
  startedAt: Timestamp,
  finishedAt: Timestamp,
  /** Number of pairs requested. */
  pairs: Schema.Int,
  succeeded: Schema.Int,
  failed: Schema.Int
}

/** Names on the wire. */
export const names = { runId: "run_id", startedAt: "started_at", finishedAt: "finished_at" } as const

/** A finished poll. */
export const PollMessage = Schema.Struct(pollFields)
  .pipe(Schema.encodeKeys(names))
  .annotate({ identifier: "Poll" })
export type PollMessage = typeof PollMessage.Type

export const toMessage = ({ failed, finishedAt, id, pairs, startedAt }: PollSummary): PollMessage => ({
  runId: id,
  startedAt,
  finishedAt,
  pairs,
  succeeded: pairs - failed,
  failed
})

export const toSummary = ({ failed, finishedAt, pairs, runId, startedAt }: PollMessage): PollSummary => ({
  id: runId,
  startedAt,
  finishedAt,
  pairs,
  failed
})

/** A poll, running or ended. */
export const PollRecordMessage = Schema.Struct({
  run_id: PollId,
  /** `interrupted`: the process exited or lost the database during the poll. */
  status: PollStatus,
  trigger: PollTrigger,
  /** `prices`: prices of cryptocurrencies and stocks, which are polled by a schedule of their own. */
  pair_set: PairSet,
  /** Leader term of a scheduled poll. Null for polls without a leader. */
  term: Schema.NullOr(Schema.Int),
  started_at: TimestampText,
  finished_at: Schema.NullOr(TimestampText),
  /** Number of pairs requested. */
  pairs: Schema.Int,
  /** Null until the poll is finished. */
  succeeded: Schema.NullOr(Schema.Int),
  /** Null until the poll is finished. */
  failed: Schema.NullOr(Schema.Int)
}).annotate({ identifier: "PollRecord" })

/** A poll in the admin API. */
export const OperatorPollMessage = Schema.Struct({
  ...PollRecordMessage.fields,
  /** Principal of the operator that requested it: an API key id or a label. Null for scheduled polls. */
  requested_by: Schema.NullOr(Schema.String)
}).annotate({ identifier: "OperatorPoll" })

/** A poll with the pairs that it failed to refresh. */
export const PollDetailsMessage = Schema.Struct({
  ...PollRecordMessage.fields,
  failures: Schema.Array(
    Schema.Struct({ from: Schema.String, to: Schema.String, reason: Schema.String, detail: Schema.String })
  )
}).annotate({ identifier: "PollDetails" })

export const PollPage = Schema.Struct(PageMessage.page(PollRecordMessage)).annotate({
  identifier: "PollPage"
})
