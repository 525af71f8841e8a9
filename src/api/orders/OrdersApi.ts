import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { OrderState } from "../../domain/orders/Order.ts"
import { RequireUser } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import {
  AllocationMessage,
  OrderDetailMessage,
  OrderMessage,
  OrderPage,
  OrderTermsMessage,
  PlaceOrderBody
} from "./OrderMessage.ts"

const order = { order_id: Schema.String }
const notFound = [Problem.NotFound, Problem.StoreUnavailable] as const

/** Orders for crypto and stocks. */
export class OrdersApi extends HttpApiGroup.make("orders")
  .add(
    HttpApiEndpoint.post("place", "/orders", {
      headers: { "idempotency-key": Schema.optionalKey(Schema.String) },
      payload: PlaceOrderBody,
      success: [OrderMessage.pipe(HttpApiSchema.status(201)), OrderMessage.pipe(HttpApiSchema.status(202))],
      error: [
        Problem.InsufficientFunds,
        Problem.LimitExceeded,
        Problem.AssetUnavailable,
        Problem.OrderTooSmall,
        Problem.IdempotencyMismatch,
        Problem.RateTooOld,
        Problem.RateUnavailable,
        Problem.StoreUnavailable
      ]
    }).annotateMerge(
      describe(
        "Place an order",
        "Locks the latest price, and holds the total of a buy, or the amount of a sell. Send `asset`, `side`, and either `amount` or `notional`; older clients send `crypto` and `amount`. An order of at least `AGGREGATION_THRESHOLD` is `pending` until it is sent to the exchange at once; a smaller one is `aggregated` in a pool. If a rule of the operator holds it for review, the answer is 202 with the state `held-for-review`: it keeps its price and its hold, can be cancelled, and continues once an administrator approves it. A retry with the same `Idempotency-Key`, or without one with the same `client_order_id`, gets the first outcome."
      )
    ),
    HttpApiEndpoint.get("list", "/orders", {
      query: {
        state: Schema.optionalKey(OrderState),
        asset: Schema.optionalKey(Schema.String),
        ...PageMessage.query
      },
      success: OrderPage,
      error: [Problem.UnsupportedCurrency, Problem.StoreUnavailable]
    }).annotateMerge(
      describe("List your orders", "Returns the orders, newest first. Follow `next` for more pages.")
    ),
    HttpApiEndpoint.get("terms", "/orders/terms", {
      query: { asset: Schema.String },
      success: OrderTermsMessage,
      error: [Problem.AssetUnavailable, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Get the terms of orders for an asset",
        "Returns the spread, the smallest order, when an order is pooled, and whether the market is open now. An asset that cannot be ordered, also an unknown one, is refused as by `POST /orders`: `asset-unavailable`."
      )
    ),
    HttpApiEndpoint.get("find", "/orders/:order_id", {
      params: order,
      success: OrderDetailMessage,
      error: notFound
    }).annotateMerge(
      describe(
        "Get an order",
        "Returns the order with its history, why it waits until it has ended, and in a pool, the progress of the pool."
      )
    ),
    HttpApiEndpoint.get("allocation", "/orders/:order_id/allocation", {
      params: order,
      success: AllocationMessage,
      error: notFound
    }).annotateMerge(
      describe(
        "Prove the share of an order",
        "Returns how the fill of the exchange was divided among the orders of the batch, with all numbers that are needed to compute it again. Not found before the order is settled."
      )
    ),
    HttpApiEndpoint.delete("cancel", "/orders/:order_id", {
      params: order,
      success: OrderMessage,
      error: [...notFound, Problem.OrderNotCancellable]
    }).annotateMerge(
      describe(
        "Cancel an order",
        "Cancels an order that waits in a pool, or is held for review, and gives its money back. An order in any other state is not changed."
      )
    )
  )
  .prefix("/api/v1")
  .middleware(RequireUser)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Orders",
      description:
        "Orders for cryptocurrencies and stocks, paid in US dollars. For a user who is signed in, or an API key with the scope `wallets` that acts for one."
    })
  ) {}
