import { Array, Context, DateTime, Effect, Layer, Option } from "effect"
import type { SqlError } from "effect/sql"
import type { AssetCode } from "../domain/money/Asset.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { BatchId } from "../domain/orders/Batch.ts"
import type { Order, OrderEvent, OrderId, OrderPool, OrderSide, OrderState } from "../domain/orders/Order.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as OrderRows from "./OrderRows.ts"

/** An order before it is stored. */
export type NewOrder = Omit<Order, "state" | "reason" | "batchId" | "filled" | "charged" | "updatedAt">

/** Which orders to list. */
export interface OrderFilter {
  readonly state?: OrderState | undefined
  readonly asset?: AssetCode | undefined
}

/** Orders in PostgreSQL. Methods that fail with `SqlError` run in the open transaction of the caller. */
export class OrderRepo extends Context.Service<
  OrderRepo,
  {
    readonly insert: (order: NewOrder) => Effect.Effect<void, SqlError.SqlError>
    /** Cancels an order that waits in a pool, and returns it. None in any other state. */
    readonly cancel: (
      wallet: WalletId,
      id: OrderId,
      at: DateTime.Utc
    ) => Effect.Effect<Option.Option<Order>, SqlError.SqlError>
    readonly byId: (wallet: WalletId, id: OrderId) => Effect.Effect<Option.Option<Order>, StoreUnavailable>
    /** Returns true if the wallet has an order with this id of the client. */
    readonly isClientOrderIdUsed: (
      wallet: WalletId,
      clientOrderId: string
    ) => Effect.Effect<boolean, SqlError.SqlError>
    /** At most `limit` orders before an id, newest first. */
    readonly page: (
      wallet: WalletId,
      filter: OrderFilter,
      before: OrderId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Order>, StoreUnavailable>
    /** Every state that an order had, oldest first. */
    readonly history: (id: OrderId) => Effect.Effect<ReadonlyArray<OrderEvent>, StoreUnavailable>
    /** The orders that wait in a pool; none if it is empty. */
    readonly pool: (
      asset: AssetCode,
      side: OrderSide
    ) => Effect.Effect<Option.Option<OrderPool>, StoreUnavailable>
    /** The orders of a batch, by id. */
    readonly ofBatch: (batch: BatchId) => Effect.Effect<ReadonlyArray<Order>, StoreUnavailable>
  }
>()("effex/orders/OrderRepo") {
  static readonly layer = Layer.effect(
    OrderRepo,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const columns = sql.literal(OrderRows.ORDER_COLUMNS)
      const first = Effect.flatMap((rows: unknown) => Effect.map(OrderRows.decodeOrders(rows), Array.head))

      const insert = Effect.fn("OrderRepo.insert")(function* (order: NewOrder) {
        const at = DateTime.toDateUtc(order.createdAt)
        yield* sql`
          INSERT INTO customer_order (id, wallet_id, client_order_id, asset, side, amount, rate_id, price, total, hold_id,
            is_aggregated, state, version, created_at, updated_at)
          VALUES (${order.id}, ${order.walletId}, ${order.clientOrderId}, ${order.asset}, ${order.side},
            ${Decimal.format(order.amount)}::numeric, ${order.rateId}, ${Decimal.format(order.price)}::numeric,
            ${Decimal.format(order.total)}::numeric, ${order.holdId}, ${order.isAggregated},
            ${order.isAggregated ? "aggregated" : "pending"}, 1, ${at}, ${at})`
      })

      const cancel = (wallet: WalletId, id: OrderId, at: DateTime.Utc) =>
        first(sql`
          UPDATE customer_order SET state = 'cancelled', version = version + 1, updated_at = ${DateTime.toDateUtc(at)}
          WHERE id = ${id} AND wallet_id = ${wallet} AND state = 'aggregated' RETURNING ${columns}`)

      const byId = (wallet: WalletId, id: OrderId) =>
        first(execute(sql`SELECT ${columns} FROM customer_order WHERE id = ${id} AND wallet_id = ${wallet}`))

      const isClientOrderIdUsed = (wallet: WalletId, clientOrderId: string) =>
        Effect.map(
          sql`SELECT 1 FROM customer_order WHERE wallet_id = ${wallet} AND client_order_id = ${clientOrderId}`,
          (rows) => rows.length > 0
        )

      const page = Effect.fn("OrderRepo.page")(function* (
        wallet: WalletId,
        { asset, state }: OrderFilter,
        before: OrderId | undefined,
        limit: number
      ) {
        const conditions = sql.and([
          sql`wallet_id = ${wallet}`,
          ...(state === undefined ? [] : [sql`state = ${state}`]),
          ...(asset === undefined ? [] : [sql`asset = ${asset}`]),
          ...(before === undefined ? [] : [sql`id < ${before}`])
        ])
        const rows = yield* execute(
          sql`SELECT ${columns} FROM customer_order WHERE ${conditions} ORDER BY id DESC LIMIT ${limit}`
        )
        return yield* OrderRows.decodeOrders(rows)
      })

      const history = Effect.fn("OrderRepo.history")(function* (id: OrderId) {
        const rows = yield* execute(
          sql`SELECT version, state, reason, at FROM order_event WHERE order_id = ${id} ORDER BY version`
        )
        return yield* OrderRows.decodeOrderEvents(rows)
      })

      const pool = Effect.fn("OrderRepo.pool")(function* (asset: AssetCode, side: OrderSide) {
        const rows = yield* execute(sql`
          SELECT count(*)::int AS orders, sum(total) AS total, min(created_at) AS oldest_at FROM customer_order
          WHERE state = 'aggregated' AND asset = ${asset} AND side = ${side}`)
        const [found] = yield* OrderRows.decodePools(rows)
        return found === undefined || found.total === null || found.oldestAt === null
          ? Option.none<OrderPool>()
          : Option.some<OrderPool>({ orders: found.orders, total: found.total, oldestAt: found.oldestAt })
      })

      const ofBatch = Effect.fn("OrderRepo.ofBatch")(function* (batch: BatchId) {
        const rows = yield* execute(
          sql`SELECT ${columns} FROM customer_order WHERE batch_id = ${batch} ORDER BY id`
        )
        return yield* OrderRows.decodeOrders(rows)
      })

      return OrderRepo.of({ insert, cancel, byId, isClientOrderIdUsed, page, history, pool, ofBatch })
    })
  )
}
