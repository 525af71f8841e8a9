import { Array, Context, DateTime, Effect, Layer, type Option } from "effect"
import type { SqlError } from "effect/sql"
import type { Batch, BatchEvent, BatchId, BatchState } from "../../domain/orders/Batch.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as OrderRows from "../OrderRows.ts"

/** Filter of a list of batches. */
export interface BatchFilter {
  readonly state?: BatchState | undefined
  /** True: only batches that were given up. */
  readonly dead?: boolean | undefined
}

/** Reads batches from PostgreSQL. `SettlementRepo` writes them. */
export class BatchRepo extends Context.Service<
  BatchRepo,
  {
    readonly byId: (id: BatchId) => Effect.Effect<Option.Option<Batch>, StoreUnavailable>
    /** At most `limit` batches before an id, newest first. */
    readonly page: (
      filter: BatchFilter,
      before: BatchId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Batch>, StoreUnavailable>
    /** Every state that a batch had, oldest first. */
    readonly history: (id: BatchId) => Effect.Effect<ReadonlyArray<BatchEvent>, StoreUnavailable>
    /** At most `limit` batches that are not allocated or given up, and are due at a time. */
    readonly due: (at: DateTime.Utc, limit: number) => Effect.Effect<ReadonlyArray<Batch>, StoreUnavailable>
    /**
     * Makes a batch that is not allocated due now, and forgets its failures. Returns false in any other state. In the open
     * transaction of the caller.
     */
    readonly retry: (id: BatchId, at: DateTime.Utc) => Effect.Effect<boolean, SqlError.SqlError>
  }
>()("effex/orders/settlement/BatchRepo") {
  static readonly layer = Layer.effect(
    BatchRepo,
    Effect.gen(function* () {
      const { execute, read, sql } = yield* Database
      const columns = sql.literal(OrderRows.BATCH_COLUMNS)

      const byId = Effect.fn("BatchRepo.byId")(function* (id: BatchId) {
        const rows = yield* execute(sql`SELECT ${columns} FROM settlement_batch WHERE id = ${id}`)
        return Array.head(yield* OrderRows.decodeBatches(rows))
      })

      const page = Effect.fn("BatchRepo.page")(function* (
        { dead, state }: BatchFilter,
        before: BatchId | undefined,
        limit: number
      ) {
        const conditions = sql.and([
          sql`true`,
          ...(state === undefined ? [] : [sql`state = ${state}`]),
          ...(dead === undefined ? [] : [dead ? sql`dead_at IS NOT NULL` : sql`dead_at IS NULL`]),
          ...(before === undefined ? [] : [sql`id < ${before}`])
        ])
        const rows = yield* read(
          sql`SELECT ${columns} FROM settlement_batch WHERE ${conditions} ORDER BY id DESC LIMIT ${limit}`
        )
        return yield* OrderRows.decodeBatches(rows)
      })

      const history = Effect.fn("BatchRepo.history")(function* (id: BatchId) {
        const rows = yield* execute(sql`
          SELECT version, state, term, reason, detail, at FROM settlement_event WHERE batch_id = ${id} ORDER BY version`)
        return yield* OrderRows.decodeBatchEvents(rows)
      })

      const due = Effect.fn("BatchRepo.due")(function* (at: DateTime.Utc, limit: number) {
        const rows = yield* execute(sql`
          SELECT ${columns} FROM settlement_batch
          WHERE state <> 'allocated' AND dead_at IS NULL AND next_attempt_at <= ${DateTime.toDateUtc(at)}
          ORDER BY next_attempt_at, id LIMIT ${limit}`)
        return yield* OrderRows.decodeBatches(rows)
      })

      const retry = Effect.fn("BatchRepo.retry")(function* (id: BatchId, at: DateTime.Utc) {
        const rows = yield* sql`
          UPDATE settlement_batch SET failures = 0, dead_at = NULL, next_attempt_at = ${DateTime.toDateUtc(at)}
          WHERE id = ${id} AND state <> 'allocated' RETURNING 1`
        return rows.length > 0
      })

      return BatchRepo.of({ byId, page, history, due, retry })
    })
  )
}
