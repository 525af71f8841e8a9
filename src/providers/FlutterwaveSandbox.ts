import { NodeHttpServer } from "@effect/platform-node"
import { BigDecimal, Context, Effect, Layer, Option, Ref } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import * as Decimal from "../domain/Decimal.ts"
import { answer, error, faulty, type FaultOrder, FaultOrder as FaultOrderSchema } from "./SandboxFaults.ts"
import * as SandboxRates from "./SandboxRates.ts"

/** Stands on every answer, so that what the sandbox feeds is marked as such wherever it goes. */
export const HEADER = "x-effex-sandbox"
/** A key to ask it with. It takes every key. */
export const SECRET_KEY = "FLWSECK_TEST-sandbox"

/** Enough for the amounts to lead back to the rate, digit for digit. */
const AMOUNT_DIGITS = 18

/** A running sandbox. */
export interface Sandbox {
  readonly baseUrl: string
  /** Misbehaves from now on, until told otherwise. */
  readonly order: (order: FaultOrder) => Effect.Effect<void>
  /** Behaves again. */
  readonly clear: Effect.Effect<void>
  /** How many rates it was asked for. */
  readonly requests: Effect.Effect<number>
}

/**
 * Serves Flutterwave's `GET /v3/transfers/rates` with made-up rates that move in small steps, for as long as the scope
 * is open. `PUT /faults` with `{"fault":"500","pairs":["USD:NGN"],"times":3}` makes it misbehave, `DELETE /faults`
 * behave again.
 */
export const listen = Effect.fn("FlutterwaveSandbox.listen")(function* (options: {
  readonly host: string
  readonly port: number
  readonly seed?: string
}) {
  const rates = SandboxRates.make(options.seed ?? "effex")
  const orders = yield* Ref.make<Option.Option<FaultOrder>>(Option.none())
  const requests = yield* Ref.make(0)

  const takeFault = (pair: string) =>
    Ref.modify(orders, (current) => {
      if (Option.isNone(current)) return [undefined, current]
      const { fault, pairs, times } = current.value
      if (pairs !== undefined && !pairs.includes(pair)) return [undefined, current]
      if (times === undefined) return [fault, current]
      return [fault, times > 1 ? Option.some({ ...current.value, times: times - 1 }) : Option.none()]
    })

  const quote = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const query = yield* HttpServerRequest.ParsedSearchParams
    yield* Ref.update(requests, (count) => count + 1)
    if (!/^Bearer \S+$/.test(request.headers["authorization"] ?? ""))
      return error(401, "Authorization required")
    for (const name of ["amount", "source_currency", "destination_currency"]) {
      if (typeof query[name] !== "string" || query[name] === "") return error(400, `${name} is required`)
    }
    const [from, to] = [String(query["source_currency"]), String(query["destination_currency"])]
    const amount = Option.filter(Decimal.parse(String(query["amount"])), BigDecimal.isPositive)
    if (Option.isNone(amount)) return error(400, "amount must be a positive number")
    const rate = yield* rates.next(from, to)
    if (Option.isNone(rate)) return error(400, `${from} to ${to} is not supported`)
    const sourceAmount = Decimal.quotient(amount.value, rate.value, AMOUNT_DIGITS)
    const quotation = { from, to, sourceAmount, destinationAmount: amount.value, rate: rate.value }
    const fault = yield* takeFault(`${from}:${to}`)
    return fault === undefined ? answer(quotation) : yield* faulty(fault, quotation)
  })

  const putFaults = HttpServerRequest.schemaBodyJson(FaultOrderSchema).pipe(
    Effect.flatMap((order) => Ref.set(orders, Option.some(order))),
    Effect.as(HttpServerResponse.empty()),
    Effect.catchTag(["SchemaError", "HttpServerError"], (problem) =>
      Effect.succeed(error(400, problem.message))
    )
  )
  const clear = Ref.set(orders, Option.none())

  const routes = HttpRouter.addAll([
    HttpRouter.route(
      "GET",
      "/v3/transfers/rates",
      Effect.map(quote, HttpServerResponse.setHeader(HEADER, "true"))
    ),
    HttpRouter.route("PUT", "/faults", putFaults),
    HttpRouter.route("DELETE", "/faults", Effect.as(clear, HttpServerResponse.empty()))
  ])
  const context = yield* HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(
      NodeHttpServer.layer(createServer, {
        host: options.host,
        port: options.port,
        gracefulShutdownTimeout: "100 millis"
      })
    ),
    Layer.build
  )
  const { address } = Context.get(context, HttpServer.HttpServer)
  return {
    baseUrl: HttpServer.formatAddress(address),
    order: (order) => Ref.set(orders, Option.some(order)),
    clear,
    requests: Ref.get(requests)
  } satisfies Sandbox
})
