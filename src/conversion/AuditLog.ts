import { Context, Deferred, Duration, Effect, Layer, Metric, type Option, Queue } from "effect"
import type { SqlError } from "effect/sql"
import type { AuditId, AuditRecord } from "../domain/AuditRecord.ts"
import { DEADLINE, StoreUnavailable } from "../platform/Database.ts"
import * as Metrics from "../platform/Metrics.ts"
import { timed } from "../platform/MetricSeries.ts"
import { type Append, type Appended, AuditRepo } from "./AuditRepo.ts"

/** The most records that one statement commits. */
const MAX_BATCH = 256
/** The longest that a caller waits for its record to be committed. */
const APPEND_DEADLINE = Duration.sum(DEADLINE, Duration.seconds(1))

/** How often more a key is looked for that was not there a moment ago, and is there now. */
const LOOKS = 3

const lost: Appended = { _tag: "QuoteLost" }

const isTaken = (error: StoreUnavailable | SqlError.SqlError) =>
  error._tag === "SqlError" && error.reason._tag === "UniqueViolation"

interface Pending {
  readonly append: Append
  readonly outcome: Deferred.Deferred<Appended, StoreUnavailable>
  /** Nobody waits for it any more. */
  abandoned: boolean
}

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
    readonly byId: (id: AuditId) => Effect.Effect<Option.Option<AuditRecord>, StoreUnavailable>
    /** At most `limit` records before an id, newest first. */
    readonly page: AuditRepo["Service"]["page"]
    /** Every record, newest first, read from the database as it is taken. */
    readonly stream: AuditRepo["Service"]["stream"]
  }
>()("effex/conversion/AuditLog") {
  static readonly layer = Layer.effect(
    AuditLog,
    Effect.gen(function* () {
      const repo = yield* AuditRepo
      const queue = yield* Queue.unbounded<Pending>()

      const settle = Effect.fnUntraced(function* (batch: ReadonlyArray<Pending>) {
        yield* Metric.update(Metrics.auditBatchSize, batch.length)
        return yield* repo.append(batch.map(({ append }) => append)).pipe(
          Effect.flatMap((outcomes) =>
            Effect.forEach(batch, ({ outcome }, i) => Deferred.succeed(outcome, outcomes[i] ?? lost), {
              discard: true
            })
          )
        )
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
                SqlError: (error) => Deferred.die(pending.outcome, error),
                StoreUnavailable: (error) => Deferred.fail(pending.outcome, error)
              })
            ),
          { discard: true }
        )

      const commit = (batch: ReadonlyArray<Pending>) =>
        settle(batch).pipe(
          Effect.catchTags({
            SqlError: () => settleEach(batch),
            StoreUnavailable: (error) =>
              Effect.forEach(batch, ({ outcome }) => Deferred.fail(outcome, error), { discard: true })
          }),
          Effect.catchDefect((defect) =>
            Effect.forEach(batch, ({ outcome }) => Deferred.die(outcome, defect), { discard: true })
          )
        )

      yield* Queue.takeBetween(queue, 1, MAX_BATCH).pipe(
        Effect.map((taken) => taken.filter(({ abandoned }) => !abandoned)),
        Effect.flatMap((batch) => (batch.length === 0 ? Effect.void : commit(batch))),
        Effect.forever,
        Effect.forkScoped
      )

      const append = Effect.fn("AuditLog.append")(function* (item: Append) {
        const outcome = yield* Deferred.make<Appended, StoreUnavailable>()
        const pending: Pending = { append: item, outcome, abandoned: false }
        yield* Queue.offer(queue, pending)
        return yield* Deferred.await(pending.outcome).pipe(
          Effect.timeoutOrElse({
            duration: APPEND_DEADLINE,
            orElse: () => Effect.fail(new StoreUnavailable({ cause: "the record was not committed in time" }))
          }),
          Effect.tapError(() => Metric.update(Metrics.lostCommits, 1)),
          timed(Metrics.commitDuration),
          Effect.ensuring(
            Effect.sync(() => {
              pending.abandoned = true
            })
          )
        )
      })

      return AuditLog.of({ append, byId: repo.byId, page: repo.page, stream: repo.stream })
    })
  )
}
