import { NodeHttpClient } from "@effect/platform-node"
import { Cause, Context, Effect, Exit, Layer, Logger, Metric, Redacted, References, Tracer } from "effect"
import { inspect } from "node:util"
import type { CatalogAsset } from "../../src/domain/assets/CatalogAsset.ts"
import * as Alpaca from "../../src/exchanges/alpaca/Alpaca.ts"
import { ExchangeClient } from "../../src/exchanges/ExchangeClient.ts"
import * as SandboxExchange from "../../src/exchanges/sandbox/SandboxExchange.ts"
import * as SandboxOrders from "../../src/exchanges/sandbox/SandboxOrders.ts"
import * as TestCatalog from "./TestCatalog.ts"
import * as TestSettings from "./TestSettings.ts"

export const KEY_ID = "PK0123456789ABCDEFGH"
export const SECRET_KEY = "s3cretAlpacaKey0123456789abcdef+/"

/** Assets of the catalogue of {@link connect}. */
export const ASSETS: ReadonlyArray<CatalogAsset> = [
  TestCatalog.asset("BTC", "crypto", { exchangeSymbol: "BTC/USD" }),
  TestCatalog.asset("AAPL", "stock"),
  TestCatalog.asset("BRK.B", "stock")
]

/** Connects the adapter to an API at `baseUrl`. Records its logs, spans and metrics. */
export const connect = Effect.fnUntraced(function* (baseUrl: string) {
  const logs: Array<string> = []
  const spans: Array<Tracer.NativeSpan> = []
  const telemetry = Layer.mergeAll(
    Logger.layer([Logger.map(Logger.formatJson, (line) => logs.push(line))]),
    Layer.succeed(References.MinimumLogLevel, "All"),
    Layer.succeed(Metric.MetricRegistry, new Map()),
    Layer.succeed(
      Tracer.Tracer,
      Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
    )
  )
  const context = yield* Layer.build(
    Layer.effect(
      ExchangeClient,
      Alpaca.make({
        name: "alpaca",
        baseUrl,
        keyId: Redacted.make(KEY_ID),
        secretKey: Redacted.make(SECRET_KEY)
      })
    ).pipe(
      Layer.provide(NodeHttpClient.layerUndici),
      Layer.provide(TestCatalog.layer(ASSETS).pipe(Layer.provide(TestSettings.layerOnly({})))),
      Layer.provideMerge(telemetry)
    )
  )
  const withTelemetry = Effect.provide(context)
  const { account, cancel, find, name, submit, terms } = Context.get(context, ExchangeClient)
  return {
    client: ExchangeClient.of({
      name,
      submit: (order) => withTelemetry(submit(order)),
      find: (clientOrderId) => withTelemetry(find(clientOrderId)),
      cancel: (clientOrderId) => withTelemetry(cancel(clientOrderId)),
      terms: (code) => withTelemetry(terms(code)),
      account: withTelemetry(account)
    }),
    /** Runs an effect with the telemetry of the client. */
    withTelemetry,
    /** Everything that was logged and traced. */
    telemetry: () => [...logs, ...spans.map(spanText)].join("\n")
  }
})

/** Runs a sandbox exchange whose orders are in memory, and connects the adapter to it. */
export const sandbox = Effect.fnUntraced(function* (orders = SandboxOrders.makeMemory()) {
  const { apiUrl, exchange, sandbox } = yield* SandboxExchange.listen({
    host: "127.0.0.1",
    port: 0,
    orders
  })
  return { ...(yield* connect(apiUrl)), apiUrl, baseUrl: sandbox.baseUrl, ...exchange }
})

const spanText = ({ attributes, events, name, status }: Tracer.NativeSpan) =>
  [
    name,
    inspect([attributes, events], { depth: Infinity }),
    status._tag === "Ended" && Exit.isFailure(status.exit) ? Cause.pretty(status.exit.cause) : ""
  ].join(" ")
