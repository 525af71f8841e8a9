import { Array, Context, DateTime, Effect, Layer, type Option } from "effect"
import type { SqlError } from "effect/sql"
import type { Order, OrderId } from "../domain/orders/Order.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as OrderRows from "./OrderRows.ts"

/** Orders that are held for review, in PostgreSQL. Lock the review of an order before it changes. */
export class HeldOrderRepo extends Context.Service<
  HeldOrderRepo,
  {
    readonly byId: (id: OrderId) => Effect.Effect<Option.Option<Order>, StoreUnavailable>
    /** At most `limit` orders after an id whose review has expired, by id, so the one that was placed first is first. */
    readonly expired: (
      at: DateTime.Utc,
      after: OrderId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Order>, StoreUnavailable>
    /** Lets a held order continue, alone or in its pool. None if it is not held any more. */
    readonly release: (
      id: OrderId,
      at: DateTime.Utc
    ) => Effect.Effect<Option.Option<Order>, SqlError.SqlError>
    /** Fails a held order. None if it is not held any more. */
    readonly fail: (
      id: OrderId,
      reason: string,
      at: DateTime.Utc
    ) => Effect.Effect<Option.Option<Order>, SqlError.SqlError>
  }
>()("effex/orders/HeldOrderRepo") {
  static readonly layer = Layer.effect(
    HeldOrderRepo,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const columns = sql.literal(OrderRows.ORDER_COLUMNS)
      const first = Effect.flatMap((rows: unknown) => Effect.map(OrderRows.decodeOrders(rows), Array.head))

      const expired = Effect.fn("HeldOrderRepo.expired")(function* (
        at: DateTime.Utc,
        after: OrderId | undefined,
        limit: number
      ) {
        const rows = yield* execute(sql`
          SELECT ${columns} FROM customer_order
          JOIN (SELECT id AS review_id, expires_at FROM risk_review) AS review ON review_id = id
          WHERE state = 'held-for-review' AND expires_at <= ${DateTime.toDateUtc(at)}
            AND ${after === undefined ? sql`true` : sql`id > ${after}`}
          ORDER BY id LIMIT ${limit}`)
        return yield* OrderRows.decodeOrders(rows)
      })

      return HeldOrderRepo.of({
        byId: (id) => first(execute(sql`SELECT ${columns} FROM customer_order WHERE id = ${id}`)),
        expired,
        release: (id, at) =>
          first(sql`
            UPDATE customer_order SET state = CASE WHEN is_aggregated THEN 'aggregated' ELSE 'pending' END,
              version = version + 1, updated_at = ${DateTime.toDateUtc(at)}
            WHERE id = ${id} AND state = 'held-for-review' RETURNING ${columns}`),
        fail: (id, reason, at) =>
          first(sql`
            UPDATE customer_order SET state = 'failed', reason = ${reason}, filled = 0, charged = 0, version = version + 1,
              updated_at = ${DateTime.toDateUtc(at)}
            WHERE id = ${id} AND state = 'held-for-review' RETURNING ${columns}`)
      })
    })
  )
}
