import { Schema } from "effect"
import type { PollSummary } from "../domain/PollRun.ts"

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
