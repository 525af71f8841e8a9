import { Effect, Option } from "effect"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import type { SandboxOrder } from "./SandboxOrder.ts"

/** Storage of the orders that a sandbox exchange accepted. */
export interface SandboxOrders {
  /** Stores an order. Returns false if its client order id was used before. */
  readonly insert: (order: SandboxOrder) => Effect.Effect<boolean, StoreUnavailable>
  readonly find: (clientOrderId: string) => Effect.Effect<Option.Option<SandboxOrder>, StoreUnavailable>
  /** Ends an order early, unless it has an end already. */
  readonly end: (
    clientOrderId: string,
    end: NonNullable<SandboxOrder["end"]>
  ) => Effect.Effect<void, StoreUnavailable>
}

/** Keeps the orders in memory. */
export const makeMemory = (): SandboxOrders => {
  const orders = new Map<string, SandboxOrder>()
  return {
    insert: (order) =>
      Effect.sync(() => {
        if (orders.has(order.clientOrderId)) return false
        orders.set(order.clientOrderId, order)
        return true
      }),
    find: (clientOrderId) => Effect.sync(() => Option.fromUndefinedOr(orders.get(clientOrderId))),
    end: (clientOrderId, end) =>
      Effect.sync(() => {
        const order = orders.get(clientOrderId)
        if (order !== undefined && order.end === undefined) orders.set(clientOrderId, { ...order, end })
      })
  }
}
