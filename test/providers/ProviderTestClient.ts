import { NodeHttpClient } from "@effect/platform-node"
import { Cause, Clock, Context, type Duration, Effect, Exit, Fiber } from "effect"
import { Layer, Logger, Metric, References, Tracer } from "effect"
import { SecureRandom } from "effect/crypto"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import * as ProviderMetrics from "../../src/platform/metrics/ProviderMetrics.ts"
import { FlutterwaveClient } from "../../src/providers/flutterwave/FlutterwaveClient.ts"
import { type ProviderDependencies, type RateRequest, RateSource } from "../../src/providers/RateSource.ts"
import * as TestSettings from "../support/TestSettings.ts"
import { pairOf } from "../support/RateTicks.ts"

export const SECRET_KEY = "FLWSECK-0123456789abcdef-X"

const flutterwave = Effect.map(Layer.build(FlutterwaveClient.layer), Context.get(FlutterwaveClient))

/**
 * Makes a client for Flutterwave at `baseUrl`, or for another provider, that runs on the test clock. The clock stops while
 * a request is in flight, so that a slow machine causes no timeouts, and advances while the client waits.
 */
export const connect = Effect.fnUntraced(function* (
  baseUrl: string,
  env: Readonly<Record<string, string>> = {},
  make: Effect.Effect<RateSource["Service"], never, ProviderDependencies> = flutterwave
) {
  /** Time of each request, in milliseconds of the test clock. */
  const sentAt: Array<number> = []
  const logs: Array<string> = []
  const spans: Array<Tracer.NativeSpan> = []
  let inFlight = 0

  const http = Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) =>
      HttpClient.transform(client, (response) =>
        Effect.gen(function* () {
          sentAt.push(yield* Clock.currentTimeMillis)
          inFlight++
          return yield* response
        }).pipe(Effect.ensuring(Effect.sync(() => inFlight--)))
      )
    )
  ).pipe(Layer.provide(NodeHttpClient.layerUndici))

  const settings = {
    FLUTTERWAVE_BASE_URL: baseUrl,
    FLUTTERWAVE_SECRET_KEY: SECRET_KEY,
    POLL_SPACING: "0 millis"
  }
  const telemetry = Layer.mergeAll(
    Logger.layer(
      [Logger.formatJson, Logger.formatLogFmt].map((format) => Logger.map(format, (line) => logs.push(line)))
    ),
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
    Layer.effect(RateSource, make).pipe(
      Layer.provide([http, SecureRandom.layerWebCrypto]),
      Layer.provide(TestSettings.layer({ ...settings, ...env })),
      Layer.provideMerge(telemetry)
    )
  )

  const settle = Effect.fnUntraced(function* <A, E>(effect: Effect.Effect<A, E>) {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    while (fiber.pollUnsafe() === undefined) {
      yield* realSleep(2)
      if (inFlight === 0) yield* TestClock.adjust("100 millis")
    }
    return yield* Fiber.join(fiber)
  })

  const requestRate = (from: string, to: string, request?: RateRequest) =>
    Effect.flatMap(RateSource, ({ rate }) => rate(pairOf(from, to), request)).pipe(Effect.provide(context))
  const recent = Effect.fnUntraced(function* (from: string, to: string, maxAge: Duration.Duration) {
    const source = Context.get(context, RateSource)
    return yield* source.recent?.(pairOf(from, to), maxAge) ?? Effect.die("the source has no rate tables")
  }, Effect.provide(context))

  return {
    sentAt,
    logs,
    /** Text of all spans, as exported. */
    exportedSpans: () => spans.map(spanText).join("\n"),
    /** Requests a rate without advancing the clock. */
    requestRate,
    /** Requests a rate while the clock advances. */
    rate: (from = "USD", to = "NGN") => settle(requestRate(from, to)),
    /** Requests a rate for a poll while the clock advances. */
    poll: (from = "USD", to = "NGN") => settle(requestRate(from, to, { isPoll: true })),
    /** Returns true if the source quotes the pair. */
    quotes: Context.get(context, RateSource).quotes ?? (() => true),
    /** Reports that the last response was refused. */
    refuse: Context.get(context, RateSource).refuse ?? Effect.void,
    /** Requests a rate of a maximum age while the clock advances. */
    recent: (from: string, to: string, maxAge: Duration.Duration) => settle(recent(from, to, maxAge)),
    /** Runs an effect while the clock advances. */
    settle,
    /** Provides the loggers and the tracer of the client. */
    withTelemetry: Effect.provide(context),
    /** Requests a rate from a server that hangs: the clock advances once the server has received each request. */
    rateFromHanging: Effect.fnUntraced(function* (received: Effect.Effect<number>) {
      const fiber = yield* Effect.forkChild(requestRate("USD", "NGN"), { startImmediately: true })
      while (fiber.pollUnsafe() === undefined) {
        yield* realSleep(2)
        if ((yield* received) === sentAt.length) yield* TestClock.adjust("1 second")
      }
      return yield* Fiber.join(fiber)
    }),
    /** Number of requests with an outcome. */
    requests: (outcome: string) =>
      Metric.value(ProviderMetrics.requests.of({ provider: "flutterwave", outcome })).pipe(
        Effect.map(({ count }) => count),
        Effect.provide(context)
      ),
    inverseResponses: Metric.value(ProviderMetrics.inverseConvention).pipe(
      Effect.map(({ count }) => count),
      Effect.provide(context)
    )
  }
})

const spanText = ({ attributes, events, name, status }: Tracer.NativeSpan) =>
  [
    name,
    inspect([attributes, events], { depth: Infinity }),
    status._tag === "Ended" && Exit.isFailure(status.exit) ? Cause.pretty(status.exit.cause) : ""
  ].join(" ")

/** Waits in real time, for sockets, without advancing the test clock. */
export const realSleep = (millis: number) =>
  Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, millis)))
