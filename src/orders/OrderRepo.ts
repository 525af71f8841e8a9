import { Array, Context, DateTime, Effect, Layer, Option } from "effect"
import type { SqlError, Statement } from "effect/sql"
import type { AssetCode } from "../domain/money/Asset.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { BatchId } from "../domain/orders/Batch.ts"
import type { Order, OrderEvent, OrderId, OrderPool, OrderState } from "../domain/orders/Order.ts"
import type { OrderSide } from "../domain/orders/OrderSide.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import { Database } from "../platform/postgres/Database.ts"
import * as PgArray from "../platform/postgres/PgArray.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as OrderRows from "./OrderRows.ts"

/** An order before it is stored. */
export type NewOrder = Omit<Order, "state" | "reason" | "batchId" | "filled" | "charged" | "updatedAt">

/** A new order with its hold. */
export interface HeldOrder extends NewOrder {
  /** An administrator decides on it before it is executed. */
  readonly isReviewed: boolean
}

/** Filter of a list of orders. */
export interface OrderFilter {
  readonly state?: OrderState | undefined
  readonly asset?: AssetCode | undefined
}

/** Orders in PostgreSQL. Methods that fail with `SqlError` run in the open transaction of the caller. */
export class OrderRepo extends Context.Service<
  OrderRepo,
  {
    /** Stores new orders, and returns them in any order. */
    readonly insert: (
      orders: ReadonlyArray<HeldOrder>
    ) => Effect.Effect<ReadonlyArray<Order>, SqlError.SqlError>
    /**
     * Returns the statement that stores new orders which are not reviewed. It runs with `Ledger.postWith`, in the order of the
     * postings, and stores those whose posting was posted and is no replay.
     */
    readonly insertPosted: (orders: ReadonlyArray<NewOrder>) => Statement.Fragment
    /** Cancels an order that waits in a pool or is held for review, and returns it. None in any other state. */
    readonly cancel: (
      wallet: WalletId,
      id: OrderId,
      reason: string | null,
      at: DateTime.Utc
    ) => Effect.Effect<Option.Option<Order>, SqlError.SqlError>
    /** Returns true if the wallet has the order. */
    readonly existsWithin: (wallet: WalletId, id: OrderId) => Effect.Effect<boolean, SqlError.SqlError>
    readonly byId: (wallet: WalletId, id: OrderId) => Effect.Effect<Option.Option<Order>, StoreUnavailable>
    /** Returns the ids of those new orders whose `client_order_id` a stored order of their wallet has. */
    readonly withUsedClientOrderId: (
      orders: ReadonlyArray<NewOrder>
    ) => Effect.Effect<ReadonlySet<OrderId>, SqlError.SqlError>
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
    /** The orders of batches, by id. */
    readonly ofBatches: (
      batches: ReadonlyArray<BatchId>
    ) => Effect.Effect<ReadonlyArray<OrderRows.BatchMember>, StoreUnavailable>
  }
>()("effex/orders/OrderRepo") {
  static readonly layer = Layer.effect(
    OrderRepo,
    Effect.gen(function* () {
      const { execute, read, sql } = yield* Database
      const columns = sql.literal(OrderRows.ORDER_COLUMNS)
      const first = Effect.flatMap((rows: unknown) => Effect.map(OrderRows.decodeOrders(rows), Array.head))

      /** The statement that stores new orders. `n` is the number of an order, from 1. */
      const insertOf = (orders: ReadonlyArray<HeldOrder>, condition: Statement.Fragment) => {
        const amounts = (name: "amount" | "price" | "total") =>
          PgArray.of(orders.map((order) => Decimal.format(order[name])))
        return sql`
          INSERT INTO customer_order (id, wallet_id, client_order_id, asset, side, amount, rate_id, price, total, hold_id,
            is_aggregated, state, version, created_at, updated_at)
          SELECT id, wallet_id, client_order_id, asset, side, amount, rate_id, price, total, hold_id, is_aggregated,
            CASE WHEN is_reviewed THEN 'held-for-review' WHEN is_aggregated THEN 'aggregated' ELSE 'pending' END, 1, created_at, created_at
          FROM unnest(
            ${PgArray.of(orders.map(({ id }) => id))}::uuid[],
            ${PgArray.of(orders.map(({ walletId }) => walletId))}::uuid[],
            ${PgArray.ofTexts(orders.map(({ clientOrderId }) => clientOrderId))}::text[],
            ${PgArray.ofTexts(orders.map(({ asset }) => asset))}::text[],
            ${PgArray.of(orders.map(({ side }) => side))}::text[], ${amounts("amount")}::numeric[],
            ${PgArray.of(orders.map(({ rateId }) => rateId))}::uuid[], ${amounts("price")}::numeric[],
            ${amounts("total")}::numeric[], ${PgArray.of(orders.map(({ holdId }) => holdId))}::uuid[],
            ${PgArray.of(orders.map(({ isAggregated }) => isAggregated))}::boolean[],
            ${PgArray.of(orders.map(({ isReviewed }) => isReviewed))}::boolean[],
            ${PgArray.of(orders.map(({ createdAt }) => DateTime.formatIso(createdAt)))}::timestamptz[]
          ) WITH ORDINALITY AS placed (id, wallet_id, client_order_id, asset, side, amount, rate_id, price, total, hold_id,
            is_aggregated, is_reviewed, created_at, n)
          WHERE ${condition}
          RETURNING ${columns}`
      }

      const insert = Effect.fn("OrderRepo.insert")(function* (orders: ReadonlyArray<HeldOrder>) {
        return yield* OrderRows.decodeOrders(yield* insertOf(orders, sql`true`))
      })

      const insertPosted: OrderRepo["Service"]["insertPosted"] = (orders) =>
        insertOf(
          orders.map((order) => ({ ...order, isReviewed: false })),
          sql`n IN (SELECT posted.n FROM posted WHERE posted.outcome = 'posted' AND NOT posted.replayed)`
        )

      const cancel = (wallet: WalletId, id: OrderId, reason: string | null, at: DateTime.Utc) =>
        first(sql`
          UPDATE customer_order
          SET state = 'cancelled', reason = ${reason}, version = version + 1, updated_at = ${DateTime.toDateUtc(at)}
          WHERE id = ${id} AND wallet_id = ${wallet} AND state IN ('aggregated', 'held-for-review')
          RETURNING ${columns}`)

      const existsWithin = (wallet: WalletId, id: OrderId) =>
        Effect.map(
          sql`SELECT 1 FROM customer_order WHERE id = ${id} AND wallet_id = ${wallet}`,
          (rows) => rows.length > 0
        )

      const byId = (wallet: WalletId, id: OrderId) =>
        first(execute(sql`SELECT ${columns} FROM customer_order WHERE id = ${id} AND wallet_id = ${wallet}`))

      const withUsedClientOrderId = Effect.fn("OrderRepo.withUsedClientOrderId")(function* (
        orders: ReadonlyArray<NewOrder>
      ) {
        const named = orders.filter(({ clientOrderId }) => clientOrderId !== null)
        if (named.length === 0) return new Set<OrderId>()
        const rows = yield* sql<{ id: OrderId }>`
          SELECT placed.id FROM unnest(
            ${PgArray.of(named.map(({ id }) => id))}::uuid[],
            ${PgArray.of(named.map(({ walletId }) => walletId))}::uuid[],
            ${PgArray.ofTexts(named.map(({ clientOrderId }) => clientOrderId))}::text[]
          ) AS placed (id, wallet_id, client_order_id)
          JOIN customer_order USING (wallet_id, client_order_id)`
        return new Set(rows.map(({ id }) => id))
      })

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
        const rows = yield* read(
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
          SELECT count(*)::int AS orders, sum(total) AS total, min(updated_at) AS oldest_at FROM customer_order
          WHERE state = 'aggregated' AND asset = ${asset} AND side = ${side}`)
        const [found] = yield* OrderRows.decodePools(rows)
        return found === undefined || found.total === null || found.oldestAt === null
          ? Option.none<OrderPool>()
          : Option.some<OrderPool>({ orders: found.orders, total: found.total, oldestAt: found.oldestAt })
      })

      const ofBatches = Effect.fn("OrderRepo.ofBatches")(function* (batches: ReadonlyArray<BatchId>) {
        const rows = yield* execute(sql`
          SELECT ${sql.literal(OrderRows.MEMBER_COLUMNS)} FROM unnest(${PgArray.of(batches)}::uuid[]) AS settled (batch_id)
          JOIN customer_order USING (batch_id) ORDER BY id`)
        return yield* OrderRows.decodeMembers(rows)
      })

      return OrderRepo.of({
        insert,
        insertPosted,
        cancel,
        existsWithin,
        byId,
        withUsedClientOrderId,
        page,
        history,
        pool,
        ofBatches
      })
    })
  )
}
