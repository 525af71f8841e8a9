import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { BigDecimal, Clock, Effect, Option, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as UsMarketCalendar from "../../domain/markets/UsMarketCalendar.ts"
import type { RequestServices, Simulation } from "../../providers/sandbox/Sandbox.ts"
import type * as SandboxPrices from "../../providers/sandbox/SandboxPrices.ts"
import * as ExchangeFaults from "./ExchangeFaults.ts"
import * as SandboxAnswers from "./SandboxAnswers.ts"
import * as SandboxOrder from "./SandboxOrder.ts"
import type { SandboxOrders } from "./SandboxOrders.ts"
import * as SandboxSubmission from "./SandboxSubmission.ts"

/** Path of the simulated API, below which its own paths begin with `/v2`. */
export const PATH = "/alpaca"
/** Delay of `accept-late`, which is longer than the timeout of the client. */
const LATE = "15 seconds"
/** Begins the ids of orders, which the client order id completes. */
const ID_PREFIX = "sandbox-"
/** Delay of the next session while the market is always open. */
const DAY = 24 * 60 * 60 * 1000

const STOCK_DECIMALS = 2
const CRYPTO_DECIMALS = 8

const { respond, fail } = SandboxAnswers

/**
 * Simulates Alpaca's trading API v2, with the prices of the other sandboxes. It trades every symbol, fills market orders
 * completely at once, and has money and assets without limit. The market of stocks is always open, unless a fault closes
 * it. Any credentials are accepted.
 */
export const make = (prices: SandboxPrices.SandboxPrices, orders: SandboxOrders) => {
  const faults = ExchangeFaults.make()
  let requests = 0

  /** Price of a symbol: outside of market hours that of the last close, like the price provider of the sandbox. */
  const priceOf = (symbol: string, at: number) =>
    SandboxSubmission.isCrypto(symbol)
      ? prices.price(symbol.replace(/\/?USD$/, ""), at, CRYPTO_DECIMALS)
      : prices.price(
          symbol,
          UsMarketCalendar.isOpen(at) ? at : Math.max(0, UsMarketCalendar.lastClose(at)),
          STOCK_DECIMALS
        )

  /** Answers a request unless a fault replaces the answer. */
  const route = <E>(
    method: "GET" | "POST" | "DELETE",
    path: `/${string}`,
    operation: ExchangeFaults.Operation,
    answer: Effect.Effect<HttpServerResponse.HttpServerResponse, E, RequestServices>
  ) =>
    HttpRouter.route(
      method,
      `${PATH}/v2${path}`,
      Effect.gen(function* () {
        requests++
        const { headers } = yield* HttpServerRequest.HttpServerRequest
        const hasKey = [headers["apca-api-key-id"], headers["apca-api-secret-key"]].every(Boolean)
        const fault = yield* faults.nextOfRequest(operation)
        switch (hasKey ? fault?.fault : "unauthorized") {
          case "hang":
            return yield* Effect.never
          case "down":
            return HttpServerResponse.text("upstream connect error", { status: 503 })
          case "429":
            return HttpServerResponse.setHeader(
              fail(429, 42910000, "rate limit exceeded"),
              "x-ratelimit-reset",
              String(Math.ceil((yield* Clock.currentTimeMillis) / 1000) + 2)
            )
          case "500":
            return fail(500, 50010000, "internal server error occurred")
          case "html":
            return HttpServerResponse.html("<html><title>Welcome</title></html>")
          case "unauthorized":
            return fail(401, 40110000, "request is not authorized")
          default:
            return yield* Effect.orElseSucceed(answer, () =>
              HttpServerResponse.text("no database", { status: 503 })
            )
        }
      })
    )

  /** Accepts an order. Returns none if its client order id was used before. */
  const accept = Effect.fnUntraced(function* (
    { amount, clientOrderId, side, symbol }: SandboxSubmission.Submission,
    fault: Effect.Success<ReturnType<typeof faults.nextOfOrder>>
  ) {
    const now = yield* Clock.currentTimeMillis
    const isClosed = !SandboxSubmission.isCrypto(symbol) && (yield* faults.isClosed)
    const opensAt = isClosed ? UsMarketCalendar.nextOpen(now) : now
    const price = yield* priceOf(symbol, opensAt)
    const percent = fault?.fault === "price-move" ? (fault.percent ?? 10) : 0
    const order: SandboxOrder.SandboxOrder = {
      id: `${ID_PREFIX}${clientOrderId}`,
      clientOrderId,
      symbol,
      side,
      amount,
      price: BigDecimal.multiply(price, BigDecimal.make(BigInt(100 + percent), 2)),
      acceptedAt: now,
      ...SandboxOrder.plan(amount, now, opensAt, fault?.fault)
    }
    return (yield* orders.insert(order)) ? Option.some(SandboxAnswers.orderAt(order, now)) : Option.none()
  })

  const submit = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const body = yield* request.text
    const submission = SandboxSubmission.read(body)
    if (submission._tag === "Failure") return submission.failure
    const { amount, clientOrderId, side, symbol } = submission.success
    if (Option.isSome(yield* orders.find(clientOrderId))) return SandboxAnswers.usedId
    const value = BigDecimal.multiply(amount, yield* priceOf(symbol, yield* Clock.currentTimeMillis))
    const minimum = SandboxSubmission.minimumCostOf(symbol)
    if (side === "buy" && BigDecimal.isLessThan(value, minimum))
      return fail(403, 40310000, `cost basis must be >= minimal amount of order ${minimum.value}`)
    const fault = yield* faults.nextOfOrder(symbol)
    if (fault?.fault === "refuse") return fail(403, 40310000, "insufficient buying power")
    const accepted = yield* accept(submission.success, fault)
    if (Option.isNone(accepted)) return SandboxAnswers.usedId
    switch (fault?.fault) {
      case "accept-hang":
        return yield* Effect.never
      case "accept-late":
        return yield* Effect.delay(Effect.succeed(respond(accepted.value)), LATE)
      case "accept-500":
        return fail(500, 50010000, "internal server error occurred")
      case "accept-reset":
        NodeHttpServerRequest.toServerResponse(request).destroy()
        return yield* Effect.never
      case "hidden":
        return HttpServerResponse.text("stream timeout", { status: 504 })
      default:
        return respond(accepted.value)
    }
  })

  const show = (found: Option.Option<SandboxOrder.SandboxOrder>, id: string) =>
    Effect.map(Clock.currentTimeMillis, (now) =>
      Option.match(
        Option.filter(found, ({ visibleAt }) => visibleAt <= now),
        {
          onNone: () => fail(404, 40410000, `order not found for ${id}`),
          onSome: (order) => respond(SandboxAnswers.orderAt(order, now))
        }
      )
    )

  const findByClientId = Effect.gen(function* () {
    const { client_order_id } = yield* HttpServerRequest.ParsedSearchParams
    const id = String(client_order_id ?? "")
    return yield* show(yield* orders.find(id), id)
  })

  const findById = Effect.gen(function* () {
    const { id = "" } = yield* HttpRouter.params
    return yield* show(yield* orders.find(clientOrderIdOf(id)), id)
  })

  const cancel = Effect.gen(function* () {
    const { id = "" } = yield* HttpRouter.params
    const now = yield* Clock.currentTimeMillis
    const order = Option.getOrUndefined(yield* orders.find(clientOrderIdOf(id)))
    if (order === undefined || order.visibleAt > now) return fail(404, 40410000, `order not found for ${id}`)
    const { status } = SandboxOrder.stateAt(order, now)
    if (status !== "accepted" && status !== "partially_filled")
      return fail(422, 42210000, `order is not cancelable: it is already in "${status}" state`)
    yield* orders.end(order.clientOrderId, { at: now, status: "canceled" })
    return HttpServerResponse.empty({ status: 204 })
  })

  const clock = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    return respond(
      SandboxAnswers.clockAt(now, (yield* faults.isClosed) ? Option.none() : Option.some(now + DAY))
    )
  })

  const asset = Effect.gen(function* () {
    const { symbol = "" } = yield* HttpRouter.params
    return respond(SandboxAnswers.assetOf(symbol))
  })

  const simulation: Simulation = {
    name: "alpaca",
    inject: (injection) =>
      Effect.flatMap(Schema.decodeUnknownEffect(ExchangeFaults.ExchangeFault)(injection), faults.inject),
    clear: faults.clear,
    routes: [
      route("POST", "/orders", "submit", submit),
      route("GET", "/orders::by_client_order_id", "find", findByClientId),
      route("GET", "/orders/:id", "find", findById),
      route("DELETE", "/orders/:id", "cancel", cancel),
      route("GET", "/assets/:symbol", "asset", asset),
      route("GET", "/clock", "clock", clock),
      route("GET", "/account", "account", Effect.succeed(respond(SandboxAnswers.account)))
    ]
  }
  return { simulation, inject: faults.inject, clear: faults.clear, requests: Effect.sync(() => requests) }
}

const clientOrderIdOf = (id: string) => (id.startsWith(ID_PREFIX) ? id.slice(ID_PREFIX.length) : "")
