import { Clock, Context, Duration, Effect, Exit, Layer, Metric, Option } from "effect"
import type { SqlError } from "effect/sql"
import * as Batcher from "../platform/Batcher.ts"
import * as AuditMetrics from "../platform/metrics/AuditMetrics.ts"
import * as ConversionMetrics from "../platform/metrics/ConversionMetrics.ts"
import { DatabaseTimeout } from "../platform/postgres/DatabaseTimeout.ts"
import { isForeignKeyViolation } from "../platform/postgres/SqlFailures.ts"
import { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as ExportedSpans from "../platform/telemetry/ExportedSpans.ts"
import type { AppendOutcome, AuditAppend } from "./AuditAppend.ts"
import { AuditRepo } from "./AuditRepo.ts"
import { UnsealedRecords } from "./UnsealedRecords.ts"

const MAX_BATCH_SIZE = 256
/** Statements in flight: one is prepared while another one's records are flushed to disk. */
const CONCURRENT_BATCHES = 2
/** Time of a record in the queue, in addition to the database timeout. */
const MAX_QUEUE_TIME = Duration.seconds(1)
/** Retries of an append whose key another process inserted after the statement had looked for it. */
const DUPLICATE_KEY_RETRIES = 3

type AppendExit = Exit.Exit<AppendOutcome, StoreUnavailable>
type PendingAppend = Batcher.BatchItem<AuditAppend, AppendOutcome, StoreUnavailable>

/** Append-only log of all conversions. */
export class AuditLog extends Context.Service<
  AuditLog,
  {
    /**
     * Commits a record. Concurrent appends share one statement, without a timer, and each caller gets its own outcome.
     * After `StoreUnavailable` the outcome is unknown; a retry with the same idempotency key resolves it.
     */
    readonly append: (append: AuditAppend) => Effect.Effect<AppendOutcome, StoreUnavailable>
    /** Commits several records. Returns their outcomes in the order of the appends. */
    readonly appendAll: (appends: ReadonlyArray<AuditAppend>) => Effect.Effect<ReadonlyArray<AppendExit>>
    /**
     * Appends records in the open transaction of the caller, which commits them together with what they belong to. Returns
     * their outcomes in order; with an outcome other than `Committed`, the caller must roll back.
     */
    readonly appendWithin: (
      appends: ReadonlyArray<AuditAppend>
    ) => Effect.Effect<ReadonlyArray<AppendOutcome>, SqlError.SqlError>
    /** The response that was stored under an idempotency key. */
    readonly findResponse: AuditRepo["Service"]["findResponse"]
    readonly byId: AuditRepo["Service"]["byId"]
    /** At most `limit` records before an id, newest first. */
    readonly page: AuditRepo["Service"]["page"]
    /** Every record, newest first, read from the database on demand. */
    readonly stream: AuditRepo["Service"]["stream"]
  }
>()("effex/audit/AuditLog") {
  static readonly layerNoDeps = Layer.effect(
    AuditLog,
    Effect.gen(function* () {
      const {
        append: insert,
        appendWithin: insertWithin,
        byId,
        findResponse,
        page,
        stream
      } = yield* AuditRepo
      const unsealed = yield* UnsealedRecords
      const clock = yield* Clock.Clock
      const context = yield* Effect.context<never>()
      const traced = yield* ExportedSpans.make

      const settle = (batch: ReadonlyArray<PendingAppend>, exitOf: (index: number) => AppendExit) => {
        const now = clock.monotonicTimeNanosUnsafe()
        batch.forEach((pending, i) => {
          if (pending.isAbandoned) return
          ConversionMetrics.commitDuration.updateUnsafe(Number(now - pending.queuedAt) / 1e9, context)
          pending.settle(exitOf(i))
        })
      }
      const settleWith = (batch: ReadonlyArray<PendingAppend>, exit: AppendExit) =>
        Effect.sync(() => settle(batch, () => exit))

      const addUnsealed = (appends: ReadonlyArray<AuditAppend>, outcomes: ReadonlyArray<AppendOutcome>) =>
        appends.forEach(({ record }, i) => {
          if (outcomes[i]?._tag === "Committed") unsealed.add(record)
        })

      const commit = Effect.fnUntraced(function* (batch: ReadonlyArray<PendingAppend>) {
        yield* Metric.update(AuditMetrics.batchSize, batch.length)
        const outcomes = yield* insert(batch.map(({ item }) => item))
        settle(batch, (i) => Exit.succeed(outcomes[i] ?? quoteUnavailable))
        addUnsealed(
          batch.map(({ item }) => item),
          outcomes
        )
      })

      /** Commits records one by one, so that a record that the database rejects does not fail the others. */
      const commitEach = (batch: ReadonlyArray<PendingAppend>) =>
        Effect.forEach(
          batch,
          (pending) =>
            commit([pending]).pipe(
              Effect.retry({ while: isDuplicateKey, times: DUPLICATE_KEY_RETRIES }),
              Effect.catchTags({
                SqlError: (error) =>
                  settleWith(
                    [pending],
                    isForeignKeyViolation(error) ? Exit.succeed(unknownRate) : Exit.die(error)
                  ),
                StoreUnavailable: (error) => settleWith([pending], Exit.fail(error))
              })
            ),
          { discard: true }
        )

      const timeout = Duration.sum(yield* DatabaseTimeout, MAX_QUEUE_TIME)
      const batcher = yield* Batcher.make<AuditAppend, AppendOutcome, StoreUnavailable>({
        handle: (batch) =>
          commit(batch).pipe(
            Effect.catchTags({
              SqlError: () => commitEach(batch),
              StoreUnavailable: (error) => settleWith(batch, Exit.fail(error))
            }),
            Effect.catchDefect((defect) => settleWith(batch, Exit.die(defect)))
          ),
        maxBatchSize: MAX_BATCH_SIZE,
        concurrency: CONCURRENT_BATCHES,
        timeout,
        onTimeout: () => {
          ConversionMetrics.commitDuration.updateUnsafe(Duration.toSeconds(timeout), context)
          return Exit.fail(
            new StoreUnavailable({
              cause: `the record was not committed within ${Duration.format(timeout)}`
            })
          )
        }
      })

      const appendWithin: AuditLog["Service"]["appendWithin"] = (appends) =>
        Effect.catchIf(
          insertWithin(appends, (outcomes) => addUnsealed(appends, outcomes)),
          isForeignKeyViolation,
          () => Effect.succeed(appends.map(() => unknownRate))
        )

      const countFailures = (exits: ReadonlyArray<AppendExit>) =>
        Effect.sync(() => {
          const failed = exits.filter((exit) => Option.isSome(Exit.findErrorOption(exit)))
          if (failed.length > 0) ConversionMetrics.commitFailures.updateUnsafe(failed.length, context)
        })
      const append = (item: AuditAppend) =>
        traced("AuditLog.append")(Effect.onExit(batcher.run(item), (exit) => countFailures([exit])))
      const appendAll = (items: ReadonlyArray<AuditAppend>) =>
        traced("AuditLog.append")(Effect.tap(batcher.runAll(items), countFailures))

      return AuditLog.of({ append, appendAll, appendWithin, findResponse, byId, page, stream })
    })
  )

  static readonly layer = AuditLog.layerNoDeps.pipe(Layer.provide(AuditRepo.layer))
}

const quoteUnavailable: AppendOutcome = { _tag: "QuoteUnavailable" }
const unknownRate: AppendOutcome = { _tag: "UnknownRate" }

const isDuplicateKey = (error: StoreUnavailable | SqlError.SqlError) =>
  error._tag === "SqlError" && error.reason._tag === "UniqueViolation"
