import { Schema } from "effect"
import { PollId, PollStatus, type PollSummary, PollTrigger } from "../../domain/rates/PollRun.ts"
import * as PageMessage from "../PageMessage.ts"

/** A poll that has finished. */
export const PollMessage = Schema.Struct({
  runId: Schema.String,
  startedAt: Schema.DateTimeUtcFromString,
  finishedAt: Schema.DateTimeUtcFromString,
  /** How many pairs it asked for. */
  pairs: Schema.Int,
  succeeded: Schema.Int,
  failed: Schema.Int
})
  .pipe(Schema.encodeKeys({ runId: "run_id", startedAt: "started_at", finishedAt: "finished_at" }))
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

/** A poll as it stands, whether it has ended or not. */
export const PollRecordMessage = Schema.Struct({
  run_id: PollId,
  /** `interrupted`: its process ended, or lost the database, before the poll was done. */
  status: PollStatus,
  trigger: PollTrigger,
  /** The term of the leader whose poll it was; null where nobody led it. */
  term: Schema.NullOr(Schema.Int),
  started_at: Schema.String,
  finished_at: Schema.NullOr(Schema.String),
  /** How many pairs it asked for. */
  pairs: Schema.Int,
  /** Null until it is finished. */
  succeeded: Schema.NullOr(Schema.Int),
  failed: Schema.NullOr(Schema.Int)
}).annotate({ identifier: "PollRecord" })

/** The same for operators. */
export const OperatorPollMessage = Schema.Struct({
  ...PollRecordMessage.fields,
  /** Which operator asked for it: the id of a key, or a word that is none. */
  requested_by: Schema.NullOr(Schema.String)
}).annotate({ identifier: "OperatorPoll" })

/** As everybody is told of it, with the pairs that it could not refresh. */
export const PollDetailsMessage = Schema.Struct({
  ...PollRecordMessage.fields,
  failures: Schema.Array(
    Schema.Struct({ from: Schema.String, to: Schema.String, reason: Schema.String, detail: Schema.String })
  )
}).annotate({ identifier: "PollDetails" })

export const PollPage = Schema.Struct(PageMessage.page(PollRecordMessage)).annotate({
  identifier: "PollPage"
})
