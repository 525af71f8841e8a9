import { sendOnce } from "../IdempotentRequests.ts"
import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import * as Pages from "../Pages.ts"
import { CALL_OPTIONS, type CallOptions, send, type ServerAccess } from "../Requests.ts"
import type { Order, OrderAllocation, OrderDetail, OrderSide, OrderState, OrderTerms } from "./OrderValues.ts"

/** Amount to buy or sell: `amount` in units of the asset, or `notional`, at most this many US dollars. */
export interface OrderRequest {
  readonly asset: string
  readonly side: OrderSide
  readonly amount?: string | undefined
  readonly notional?: string | undefined
  /** Your own id of the order, once per wallet. It is the idempotency key too, unless there is another one. */
  readonly clientOrderId?: string | undefined
  /**
   * Requests with the same key place one order, and get the outcome of the first one. Default: a random key, which makes the
   * retries of this call safe. An error has the key as `idempotencyKey`.
   */
  readonly idempotencyKey?: string | undefined
}

/** Selects orders. */
export interface OrderFilter extends CallOptions {
  readonly state?: OrderState | undefined
  readonly asset?: string | undefined
  /** Rows per request, 1 to 1000. Default: 50. */
  readonly pageSize?: number | undefined
}

/** Orders for cryptocurrencies and stocks. */
export interface OrderCalls {
  /**
   * Places an order at the latest price, at once or after a review. Rejects with `InsufficientFunds` if the wallet has less. Retries
   * are safe.
   */
  place(request: OrderRequest, options?: CallOptions): Promise<Order>
  /** Returns the spread, the smallest order, when an order is pooled, and whether the market is open now. */
  terms(asset: string, options?: CallOptions): Promise<OrderTerms>
  /** Lists orders, newest first. */
  list(filter?: OrderFilter): Pages.PagedList<Order>
  /** Returns an order with its history, why it waits, and the progress of its pool. */
  get(orderId: string, options?: CallOptions): Promise<OrderDetail>
  /** Cancels an order that waits in a pool or for a review, and gives its money back. */
  cancel(orderId: string, options?: CallOptions): Promise<Order>
  /** Returns how the fill of the exchange was divided among the orders of the batch. */
  allocation(orderId: string, options?: CallOptions): Promise<OrderAllocation>
}

const ORDERS = "/api/v1/orders"
const REQUEST_FIELDS = ["asset", "side", "amount", "notional", "clientOrderId", "idempotencyKey"] as const

/** Makes the calls of orders. */
export const make = (access: ServerAccess): OrderCalls => ({
  async place(request, options = {}) {
    Options.requireKnown("orders.place", request, REQUEST_FIELDS)
    Options.requireKnown("orders.place", options, CALL_OPTIONS)
    const { amount, asset, clientOrderId, idempotencyKey = clientOrderId, notional, side } = request
    const body = {
      asset: Options.currency("asset", asset),
      side: Options.oneOf("side", side, ["buy", "sell"]),
      amount: amount === undefined ? undefined : Options.amount(amount),
      notional: notional === undefined ? undefined : Options.amount(notional, "notional"),
      client_order_id: clientOrderId
    }
    const input = { path: ORDERS, body, as: "user" } as const
    return Json.decode<Order>(await sendOnce(access, input, idempotencyKey, "side", options))
  },

  async terms(asset, options = {}) {
    Options.requireKnown("orders.terms", options, CALL_OPTIONS)
    const query = { asset: Options.currency("asset", asset) }
    const request = { path: `${ORDERS}/terms`, query, as: "user" } as const
    return Json.decode<OrderTerms>(await send(access, request, "spread", options))
  },

  list(filter = {}) {
    Options.requireKnown("orders.list", filter, ["state", "asset", "pageSize", ...CALL_OPTIONS])
    const { asset, pageSize, state } = filter
    const query = { state, asset, page_size: Options.pageSize(pageSize) }
    return Pages.read<Order>(access, { path: ORDERS, query, as: "user" }, filter)
  },

  async get(orderId, options = {}) {
    Options.requireKnown("orders.get", options, CALL_OPTIONS)
    return Json.decode<OrderDetail>(await send(access, requestOf(orderId), "history", options))
  },

  async cancel(orderId, options = {}) {
    Options.requireKnown("orders.cancel", options, CALL_OPTIONS)
    // A repeated request would find an order that can no longer be cancelled.
    const request = { ...requestOf(orderId), method: "DELETE", isUnsafe: true } as const
    return Json.decode<Order>(await send(access, request, "side", options))
  },

  async allocation(orderId, options = {}) {
    Options.requireKnown("orders.allocation", options, CALL_OPTIONS)
    const { as, path } = requestOf(orderId)
    const request = { path: `${path}/allocation`, as }
    return Json.decode<OrderAllocation>(await send(access, request, "orders", options))
  }
})

const requestOf = (orderId: string) =>
  ({ path: `${ORDERS}/${Options.pathId("orderId", orderId)}`, as: "user" }) as const
