import { Clock, Context, Duration, Effect, Exit, Layer, Metric, Option } from "effect"
import type { SqlError } from "effect/sql"
import type { AuditId, AuditRecord } from "../domain/conversion/AuditRecord.ts"
import { DEADLINE, StoreUnavailable } from "../platform/postgres/Database.ts"
import * as Metrics from "../platform/telemetry/Metrics.ts"
import * as Batcher from "../platform/Batcher.ts"
import * as ExportedSpans from "../platform/telemetry/ExportedSpans.ts"
import { type Append, type Appended, AuditRepo } from "./AuditRepo.ts"
import { UnsealedRecords } from "./UnsealedRecords.ts"

/** The most records that one statement commits. */
const MAX_BATCH = 256
/** So many statements are under way at once: one is made while another one's records reach the disk. */
const LANES = 2
/** The longest that a caller waits for its record to be committed. */
const APPEND_DEADLINE = Duration.sum(DEADLINE, Duration.seconds(1))

/** How often more a key is looked for that was not there a moment ago, and is there now. */
const LOOKS = 3

const lost: Appended = { _tag: "QuoteLost" }

const isTaken = (error: StoreUnavailable | SqlError.SqlError) =>
  error._tag === "SqlError" && error.reason._tag === "UniqueViolation"

type Pending = Batcher.Waiting<Append, Appended, StoreUnavailable>
type Outcome = Exit.Exit<Appended, StoreUnavailable>

/** The record of every conversion, appended to and read, never changed. */
export class AuditLog extends Context.Service<
  AuditLog,
  {
    /**
     * Commits a record. Records that arrive while others are being committed travel together in the next statement;
     * nobody waits for a timer, and each caller learns its own outcome. With `StoreUnavailable` the outcome is unknown:
     * the same key tells it later.
     */
    readonly append: (append: Append) => Effect.Effect<Appended, StoreUnavailable>
    /** As {@link append}, of several: what came of each, in their order. */
    readonly appendAll: (appends: ReadonlyArray<Append>) => Effect.Effect<ReadonlyArray<Outcome>>
    readonly byId: (id: AuditId) => Effect.Effect<Option.Option<AuditRecord>, StoreUnavailable>
    /** At most `limit` records before an id, newest first. */
    readonly page: AuditRepo["Service"]["page"]
    /** Every record, newest first, read from the database as it is taken. */
    readonly stream: AuditRepo["Service"]["stream"]
  }
>()("effex/audit/AuditLog") {
  static readonly layer = Layer.effect(
    AuditLog,
    Effect.gen(function* () {
      const repo = yield* AuditRepo
      const unsealed = yield* UnsealedRecords
      const clock = yield* Clock.Clock
      const context = yield* Effect.context<never>()
      const traced = yield* ExportedSpans.make

      const conclude = (batch: ReadonlyArray<Pending>, outcomeOf: (i: number) => Outcome) => {
        const now = clock.monotonicTimeNanosUnsafe()
        batch.forEach(({ isAbandoned, settle, since }, i) => {
          if (isAbandoned) return
          Metrics.commitDuration.updateUnsafe(Number(now - since) / 1e9, context)
          settle(outcomeOf(i))
        })
      }
      const concludeWith = (batch: ReadonlyArray<Pending>, outcome: Outcome) =>
        Effect.sync(() => conclude(batch, () => outcome))

      const settle = Effect.fnUntraced(function* (batch: ReadonlyArray<Pending>) {
        yield* Metric.update(Metrics.auditBatchSize, batch.length)
        const outcomes = yield* repo.append(batch.map(({ item }) => item))
        conclude(batch, (i) => Exit.succeed(outcomes[i] ?? lost))
        batch.forEach(({ item }, i) => {
          if (outcomes[i]?._tag === "Committed") unsealed.keep(item.record)
        })
      })

      /**
       * One record that the database refuses must not fail the others. A key that another process uses at this moment is
       * found by the next look.
       */
      const settleEach = (batch: ReadonlyArray<Pending>) =>
        Effect.forEach(
          batch,
          (pending) =>
            settle([pending]).pipe(
              Effect.retry({ while: isTaken, times: LOOKS }),
              Effect.catchTags({
                SqlError: (error) => concludeWith([pending], Exit.die(error)),
                StoreUnavailable: (error) => concludeWith([pending], Exit.fail(error))
              })
            ),
          { discard: true }
        )

      const commit = (batch: ReadonlyArray<Pending>) =>
        settle(batch).pipe(
          Effect.catchTags({
            SqlError: () => settleEach(batch),
            StoreUnavailable: (error) => concludeWith(batch, Exit.fail(error))
          }),
          Effect.catchDefect((defect) => concludeWith(batch, Exit.die(defect)))
        )

      const deadline = {
        after: APPEND_DEADLINE,
        late: () => {
          Metrics.commitDuration.updateUnsafe(Duration.toSeconds(APPEND_DEADLINE), context)
          return Exit.fail(new StoreUnavailable({ cause: "the record was not committed in time" }))
        }
      }
      const together = yield* Batcher.make(MAX_BATCH, commit, deadline, LANES)
      const countLost = (outcomes: ReadonlyArray<Outcome>) => {
        const failed = outcomes.filter((outcome) => Option.isSome(Exit.findErrorOption(outcome)))
        if (failed.length > 0) Metrics.lostCommits.updateUnsafe(failed.length, context)
      }
      const append = (item: Append) =>
        traced("AuditLog.append")(
          Effect.onExit(together.one(item), (outcome) => Effect.sync(() => countLost([outcome])))
        )
      const appendAll = (items: ReadonlyArray<Append>) =>
        traced("AuditLog.append")(
          Effect.map(together.all(items), (outcomes) => {
            countLost(outcomes)
            return outcomes
          })
        )

      return AuditLog.of({ append, appendAll, byId: repo.byId, page: repo.page, stream: repo.stream })
    })
  )
}
