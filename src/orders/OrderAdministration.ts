import { Array, Context, Effect, Layer, Metric, Option } from "effect"
import { AdminActions } from "../accounts/AdminActions.ts"
import type { UserId } from "../domain/accounts/User.ts"
import { type Order, type OrderId, OrderNotCancellable, OrderNotFound } from "../domain/orders/Order.ts"
import * as PostingTransaction from "../ledger/PostingTransaction.ts"
import * as OrderMetrics from "../platform/metrics/OrderMetrics.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { HeldOrderRepo } from "./HeldOrderRepo.ts"
import * as OrderCancellation from "./OrderCancellation.ts"
import { type OrderFilter, OrderRepo } from "./OrderRepo.ts"
import * as OrderRows from "./OrderRows.ts"

/** An order with the name of its user. */
export interface UserOrder extends Order {
  readonly username: string
}

/** Reason that an order has that an administrator cancelled. */
const CANCELLED_BY_ADMINISTRATOR = "administrator"

/** Orders of all users, for administrators. */
export class OrderAdministration extends Context.Service<
  OrderAdministration,
  {
    /** Returns at most `limit` orders before an id, newest first. */
    readonly page: (
      filter: OrderFilter & { readonly user?: UserId | undefined },
      before: OrderId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<UserOrder>, StoreUnavailable>
    readonly find: (id: OrderId) => Effect.Effect<UserOrder, OrderNotFound | StoreUnavailable>
    readonly history: OrderRepo["Service"]["history"]
    /** Cancels an order that waits in a pool or for a review, gives its money back, and records who did it, in one transaction. */
    readonly cancel: (cancellation: {
      readonly id: OrderId
      readonly principal: string
      readonly reason: string
    }) => Effect.Effect<UserOrder, OrderNotFound | OrderNotCancellable | StoreUnavailable>
  }
>()("effex/orders/OrderAdministration") {
  static readonly layer = Layer.effect(
    OrderAdministration,
    Effect.gen(function* () {
      const { record } = yield* AdminActions
      const database = yield* Database
      const { execute, sql } = database
      const { history } = yield* OrderRepo
      const cancelWithin = yield* OrderCancellation.make
      const columns = sql.literal(OrderRows.ORDER_COLUMNS)
      const withUser = sql`
        SELECT ${columns}, (SELECT username FROM wallet JOIN app_user ON app_user.id = user_id
          WHERE wallet.id = wallet_id) AS username
        FROM customer_order`

      const page: OrderAdministration["Service"]["page"] = Effect.fn("OrderAdministration.page")(function* (
        { asset, state, user },
        before,
        limit
      ) {
        const conditions = sql.and([
          sql`true`,
          ...(user === undefined ? [] : [sql`wallet_id IN (SELECT id FROM wallet WHERE user_id = ${user})`]),
          ...(state === undefined ? [] : [sql`state = ${state}`]),
          ...(asset === undefined ? [] : [sql`asset = ${asset}`]),
          ...(before === undefined ? [] : [sql`id < ${before}`])
        ])
        const rows = yield* execute(sql`${withUser} WHERE ${conditions} ORDER BY id DESC LIMIT ${limit}`)
        return yield* OrderRows.decodeUserOrders(rows)
      })

      const find: OrderAdministration["Service"]["find"] = Effect.fn("OrderAdministration.find")(
        function* (id) {
          const rows = yield* execute(sql`${withUser} WHERE id = ${id}`)
          const found = Array.head(yield* OrderRows.decodeUserOrders(rows))
          return Option.isSome(found) ? found.value : yield* new OrderNotFound()
        }
      )

      const cancel: OrderAdministration["Service"]["cancel"] = Effect.fn("OrderAdministration.cancel")(
        function* ({ id, principal, reason }) {
          const { username, walletId } = yield* find(id)
          const work = Effect.gen(function* () {
            const cancelled = yield* cancelWithin(walletId, id, {
              principal,
              orderReason: CANCELLED_BY_ADMINISTRATOR,
              reviewReason: reason
            })
            if (Option.isNone(cancelled)) return cancelled
            const { asset, side } = cancelled.value
            yield* record({
              principal,
              action: "order.cancel",
              subject: id,
              reason,
              details: { username, asset, side }
            })
            return cancelled
          })
          const cancelled = yield* PostingTransaction.run(database, work)
          if (Option.isNone(cancelled))
            return yield* new OrderNotCancellable({ state: (yield* find(id)).state })
          yield* Metric.update(OrderMetrics.orders.of({ state: "cancelled" }), 1)
          return { ...cancelled.value, username }
        }
      )

      return OrderAdministration.of({ page, find, history, cancel })
    })
  ).pipe(Layer.provide(HeldOrderRepo.layer))
}
