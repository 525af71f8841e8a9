import { NodeHttpClient } from "@effect/platform-node"
import { Cause, Clock, Context, type Duration, Effect, Exit, Fiber } from "effect"
import { Layer, Logger, Metric, References, Tracer } from "effect"
import { SecureRandom } from "effect/crypto"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import * as ProviderMetrics from "../../../src/platform/metrics/ProviderMetrics.ts"
import { FlutterwaveClient } from "../../../src/providers/flutterwave/FlutterwaveClient.ts"
import { RateSource } from "../../../src/providers/RateSource.ts"
import type * as TableSource from "../../../src/providers/table/TableSource.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import { pairOf } from "../../support/RateTicks.ts"

export const SECRET_KEY = "FLWSECK-0123456789abcdef-X"

const flutterwave = Effect.map(Layer.build(FlutterwaveClient.layer), Context.get(FlutterwaveClient))

/**
 * A client of the Flutterwave at `baseUrl`, or of another provider, for tests on the test clock. Time stands still while
 * a request is under way, so that no timeout passes because a machine is slow, and runs while the client waits.
 */
export const connect = Effect.fnUntraced(function* (
  baseUrl: string,
  env: Readonly<Record<string, string>> = {},
  make: Effect.Effect<RateSource["Service"], never, TableSource.Needs> = flutterwave
) {
  /** When each request was sent, in milliseconds of the test clock. */
  const sentAt: Array<number> = []
  const logs: Array<string> = []
  const spans: Array<Tracer.NativeSpan> = []
  let underWay = 0

  const http = Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) =>
      HttpClient.transform(client, (response) =>
        Effect.gen(function* () {
          sentAt.push(yield* Clock.currentTimeMillis)
          underWay++
          return yield* response
        }).pipe(Effect.ensuring(Effect.sync(() => underWay--)))
      )
    )
  ).pipe(Layer.provide(NodeHttpClient.layerUndici))

  const settings = {
    FLUTTERWAVE_BASE_URL: baseUrl,
    FLUTTERWAVE_SECRET_KEY: SECRET_KEY,
    POLL_SPACING: "0 millis"
  }
  const watching = Layer.mergeAll(
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
      Layer.provideMerge(watching)
    )
  )

  const settle = Effect.fnUntraced(function* <A, E>(effect: Effect.Effect<A, E>) {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    while (fiber.pollUnsafe() === undefined) {
      yield* breathe(2)
      if (underWay === 0) yield* TestClock.adjust("100 millis")
    }
    return yield* Fiber.join(fiber)
  })

  const ask = (from: string, to: string) =>
    Effect.flatMap(RateSource, ({ rate }) => rate(pairOf(from, to))).pipe(Effect.provide(context))
  const recent = Effect.fnUntraced(function* (from: string, to: string, maxAge: Duration.Duration) {
    const source = Context.get(context, RateSource)
    return yield* source.recent?.(pairOf(from, to), maxAge) ?? Effect.die("it has one rate in an answer")
  }, Effect.provide(context))

  return {
    sentAt,
    logs,
    /** What a tracer would send away. */
    traced: () => spans.map(exported).join("\n"),
    /** Asks, without moving the clock. */
    ask,
    /** Asks, with the clock running. */
    rate: (from = "USD", to = "NGN") => settle(ask(from, to)),
    /** Asks for an answer of some age, with the clock running. */
    recent: (from: string, to: string, maxAge: Duration.Duration) => settle(recent(from, to, maxAge)),
    settle,
    /** Runs with the loggers and the tracer of the client. */
    watched: Effect.provide(context),
    /** Asks a server that hangs: the clock jumps on whenever one more request has arrived there. */
    rateAlthough: Effect.fnUntraced(function* (arrived: Effect.Effect<number>) {
      const fiber = yield* Effect.forkChild(ask("USD", "NGN"), { startImmediately: true })
      while (fiber.pollUnsafe() === undefined) {
        yield* breathe(2)
        if ((yield* arrived) === sentAt.length) yield* TestClock.adjust("1 second")
      }
      return yield* Fiber.join(fiber)
    }),
    /** How many requests came to what. */
    requests: (outcome: string) =>
      Metric.value(ProviderMetrics.requests.of({ provider: "flutterwave", outcome })).pipe(
        Effect.map(({ count }) => count),
        Effect.provide(context)
      ),
    inverseAnswers: Metric.value(ProviderMetrics.inverseConvention).pipe(
      Effect.map(({ count }) => count),
      Effect.provide(context)
    )
  }
})

const exported = ({ attributes, events, name, status }: Tracer.NativeSpan) =>
  [
    name,
    inspect([attributes, events], { depth: Infinity }),
    status._tag === "Ended" && Exit.isFailure(status.exit) ? Cause.pretty(status.exit.cause) : ""
  ].join(" ")

/** Real time for sockets, while the test clock stands. */
export const breathe = (millis: number) =>
  Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, millis)))
