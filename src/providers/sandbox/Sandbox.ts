import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import * as FixerSandbox from "../fixer/FixerSandbox.ts"
import * as FlutterwaveSandbox from "../flutterwave/FlutterwaveSandbox.ts"
import * as FlutterwaveV4Sandbox from "../flutterwave/FlutterwaveV4Sandbox.ts"
import * as FrankfurterSandbox from "../frankfurter/FrankfurterSandbox.ts"
import * as OpenExchangeRatesSandbox from "../openexchangerates/OpenExchangeRatesSandbox.ts"
import { FaultOrder } from "./SandboxFaults.ts"
import * as SandboxMidRates from "./SandboxMidRates.ts"
import * as SandboxRates from "./SandboxRates.ts"

/** Stands on every answer, so that what the sandbox feeds is marked as such wherever it goes. */
export const HEADER = "x-effex-sandbox"
/** A key to ask it with. It takes every key. */
export const SECRET_KEY = "FLWSECK_TEST-sandbox"

/** Who is played. */
export type Provider = "flutterwave" | "flutterwave-v4" | "fixer" | "openexchangerates" | "frankfurter"

/** A running sandbox. */
export interface Sandbox {
  readonly baseUrl: string
  /** Misbehaves from now on, until told otherwise: each provider in at most one way. */
  readonly order: (order: FaultOrder) => Effect.Effect<void>
  /** Behaves again, all of it. */
  readonly clear: Effect.Effect<void>
  /** How many rates Flutterwave's v3 was asked for. */
  readonly requests: Effect.Effect<number>
  /** How many answers with rates a provider was asked for. */
  readonly requestsTo: (provider: Provider) => Effect.Effect<number>
}

/**
 * Plays all the providers, with made-up rates that move in small steps, for as long as the scope is open: Flutterwave's
 * v3 at its own path, its v4 under `/v4`, the others under their names. `PUT /faults` with
 * `{"provider":"flutterwave","fault":"500","pairs":["USD:NGN"],"times":3}` makes one misbehave, `DELETE /faults` all
 * behave again.
 */
export const listen = Effect.fn("Sandbox.listen")(function* (options: {
  readonly host: string
  readonly port: number
  readonly seed?: string
}) {
  const seed = options.seed ?? "effex"
  const rates = SandboxRates.make(seed)
  const mids = SandboxMidRates.make(seed)
  const providers = {
    flutterwave: FlutterwaveSandbox.make(rates),
    "flutterwave-v4": FlutterwaveV4Sandbox.make(rates),
    fixer: FixerSandbox.make(mids),
    openexchangerates: OpenExchangeRatesSandbox.make(mids),
    frankfurter: FrankfurterSandbox.make(mids)
  }

  const order = (given: FaultOrder): Effect.Effect<void> => {
    switch (given.provider) {
      case "flutterwave-v4":
        return providers["flutterwave-v4"].order(given)
      case "fixer":
        return providers.fixer.order(given)
      case "openexchangerates":
        return providers.openexchangerates.order(given)
      case "frankfurter":
        return providers.frankfurter.order(given)
      default:
        return providers.flutterwave.order(given)
    }
  }
  const clear = Effect.forEach(Object.values(providers), (provider) => provider.clear, { discard: true })

  const putFaults = HttpServerRequest.schemaBodyJson(FaultOrder).pipe(
    Effect.flatMap(order),
    Effect.as(HttpServerResponse.empty()),
    Effect.catchTag(["SchemaError", "HttpServerError"], (problem) =>
      Effect.succeed(
        HttpServerResponse.jsonUnsafe({ status: "error", message: problem.message }, { status: 400 })
      )
    )
  )

  const played = Object.values(providers).flatMap(({ routes }) => routes)
  const routes = HttpRouter.addAll([
    ...played.map((route) =>
      HttpRouter.route(
        route.method,
        route.path,
        Effect.map(route.handler, HttpServerResponse.setHeader(HEADER, "true"))
      )
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
    order,
    clear,
    requests: providers.flutterwave.requests,
    requestsTo: (provider) => providers[provider].requests
  } satisfies Sandbox
})
