import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer, Predicate, Schema } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import * as CoinGeckoSandbox from "../coingecko/CoinGeckoSandbox.ts"
import * as FixerSandbox from "../fixer/FixerSandbox.ts"
import * as FlutterwaveSandbox from "../flutterwave/FlutterwaveSandbox.ts"
import * as FlutterwaveV4Sandbox from "../flutterwave/FlutterwaveV4Sandbox.ts"
import * as FrankfurterSandbox from "../frankfurter/FrankfurterSandbox.ts"
import * as MassiveSandbox from "../massive/MassiveSandbox.ts"
import * as OpenExchangeRatesSandbox from "../openexchangerates/OpenExchangeRatesSandbox.ts"
import { FaultInjection } from "./SandboxFaults.ts"
import * as SandboxPrices from "./SandboxPrices.ts"
import * as SandboxMidRates from "./SandboxMidRates.ts"
import * as SandboxRates from "./SandboxRates.ts"

/** Response header that marks rates of the sandbox. */
export const HEADER = "x-effex-sandbox"
/** Key for requests to the sandbox, which accepts any key. */
export const SECRET_KEY = "FLWSECK_TEST-sandbox"

/** Providers that the sandbox simulates. */
export type Provider =
  | "flutterwave"
  | "flutterwave-v4"
  | "fixer"
  | "openexchangerates"
  | "frankfurter"
  | "coingecko"
  | "massive"

/** Services of the handler of a route. */
export type RequestServices =
  | HttpServerRequest.HttpServerRequest
  | HttpServerRequest.ParsedSearchParams
  | HttpRouter.RouteContext

/** Another service that the sandbox simulates, such as an exchange. */
export interface Simulation {
  /** Value of `provider` in an injection. */
  readonly name: string
  readonly routes: ReadonlyArray<HttpRouter.Route<never, RequestServices>>
  /** Injects a fault, which replaces the previous one. Fails if the injection is invalid. */
  readonly inject: (injection: unknown) => Effect.Effect<void, Schema.SchemaError>
  readonly clear: Effect.Effect<void>
}

/** A running sandbox. */
export interface Sandbox {
  readonly baseUrl: string
  /** Injects a fault, which replaces the previous fault of the same provider. */
  readonly injectFault: (injection: FaultInjection) => Effect.Effect<void>
  /** Clears the faults of all providers. */
  readonly clearFaults: Effect.Effect<void>
  /** Number of rate requests to Flutterwave's v3. */
  readonly requests: Effect.Effect<number>
  /** Number of rate requests to a provider. */
  readonly requestsTo: (provider: Provider) => Effect.Effect<number>
}

/**
 * Simulates all providers on one port until the scope closes, with generated rates that move in small steps. Flutterwave's
 * v3 has its original path, v4 is under `/v4`, and the others are under their names. `simulations` have their own paths. `PUT /faults` injects a fault, such
 * as `{"provider":"flutterwave","fault":"500","pairs":["USD:NGN"],"times":3}`; `DELETE /faults` clears all faults.
 */
export const listen = Effect.fn("Sandbox.listen")(function* (options: {
  readonly host: string
  readonly port: number
  readonly seed?: string
  readonly simulations?: ReadonlyArray<Simulation>
}) {
  const { seed = "effex", simulations = [] } = options
  const rates = SandboxRates.make(seed)
  const mids = SandboxMidRates.make(seed)
  const prices = SandboxPrices.make(seed)
  const providers = {
    flutterwave: FlutterwaveSandbox.make(rates),
    "flutterwave-v4": FlutterwaveV4Sandbox.make(rates),
    fixer: FixerSandbox.make(mids),
    openexchangerates: OpenExchangeRatesSandbox.make(mids),
    frankfurter: FrankfurterSandbox.make(mids),
    coingecko: CoinGeckoSandbox.make(prices),
    massive: MassiveSandbox.make(prices)
  }

  const injectFault = (injection: FaultInjection): Effect.Effect<void> => {
    switch (injection.provider) {
      case "flutterwave-v4":
        return providers["flutterwave-v4"].inject(injection)
      case "fixer":
        return providers.fixer.inject(injection)
      case "openexchangerates":
        return providers.openexchangerates.inject(injection)
      case "frankfurter":
        return providers.frankfurter.inject(injection)
      case "coingecko":
        return providers.coingecko.inject(injection)
      case "massive":
        return providers.massive.inject(injection)
      default:
        return providers.flutterwave.inject(injection)
    }
  }
  const clearFaults = Effect.forEach([...Object.values(providers), ...simulations], ({ clear }) => clear, {
    discard: true
  })

  const putFaults = HttpServerRequest.schemaBodyJson(Schema.Unknown).pipe(
    Effect.flatMap((injection) => {
      const simulation = simulations.find(
        ({ name }) => Predicate.hasProperty(injection, "provider") && injection.provider === name
      )
      return simulation === undefined
        ? Effect.flatMap(Schema.decodeUnknownEffect(FaultInjection)(injection), injectFault)
        : simulation.inject(injection)
    }),
    Effect.as(HttpServerResponse.empty()),
    Effect.catchTag(["SchemaError", "HttpServerError"], (problem) =>
      Effect.succeed(
        HttpServerResponse.jsonUnsafe({ status: "error", message: problem.message }, { status: 400 })
      )
    )
  )

  const providerRoutes = [...Object.values(providers), ...simulations].flatMap(({ routes }) => routes)
  const routes = HttpRouter.addAll([
    ...providerRoutes.map((route) =>
      HttpRouter.route(
        route.method,
        route.path,
        Effect.map(route.handler, HttpServerResponse.setHeader(HEADER, "true"))
      )
    ),
    HttpRouter.route("PUT", "/faults", putFaults),
    HttpRouter.route("DELETE", "/faults", Effect.as(clearFaults, HttpServerResponse.empty()))
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
    injectFault,
    clearFaults,
    requests: providers.flutterwave.requests,
    requestsTo: (provider) => providers[provider].requests
  } satisfies Sandbox
})
