import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Layer, Logger, Metric, Option, References } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { TestClock } from "effect/testing"
import type { RateTick } from "../../src/domain/rates/Rate.ts"
import { StoreUnavailable } from "../../src/platform/postgres/Database.ts"
import * as Metrics from "../../src/platform/telemetry/Metrics.ts"
import {
  CircuitOpen,
  ProviderError,
  type ProviderReason,
  Quarantined,
  Refused,
  Unreachable
} from "../../src/providers/ProviderError.ts"
import { RateProvider } from "../../src/providers/RateProvider.ts"
import type { RateSource } from "../../src/providers/RateSource.ts"
import { RateSources } from "../../src/providers/RateSources.ts"
import { pairOf, tick } from "../support/RateTicks.ts"

const pair = pairOf("USD", "NGN")
const gone = new Unreachable({ detail: "ECONNREFUSED" })
const refused = new Refused({ status: 401, detail: "Invalid authorization key" })

/** A source that answers, or fails as it is told, and counts how often it was asked. */
const source = (name: string) => {
  const state = { asked: 0, reason: undefined as ProviderReason | undefined }
  const rate: RateSource["Service"]["rate"] = (pair) =>
    Effect.suspend(() => {
      state.asked++
      return state.reason === undefined
        ? Effect.map(tick(pair.from, pair.to, "1500"), (made) => ({ ...made, provider: name }))
        : Effect.fail(new ProviderError({ provider: name, pair, reason: state.reason }))
    })
  return { state, name, rate }
}

const connect = Effect.fnUntraced(function* (sources: NonEmptyReadonlyArray<RateSource["Service"]>) {
  const logs: Array<string> = []
  const context = yield* Layer.build(
    RateProvider.layer.pipe(
      Layer.provide(Layer.succeed(RateSources, sources)),
      Layer.provideMerge(
        Layer.mergeAll(
          Logger.layer([Logger.make(({ logLevel, message }) => logs.push(`${logLevel} ${String(message)}`))]),
          Layer.succeed(References.MinimumLogLevel, "All"),
          Layer.succeed(Metric.MetricRegistry, new Map())
        )
      )
    )
  )
  const provider = Context.get(context, RateProvider)
  const rate = <A, E>(judge: (tick: RateTick) => Effect.Effect<A, Quarantined | E>) =>
    Effect.provide(provider.rate(pair, judge), context)
  return {
    logs,
    rate,
    /** Who supplies a rate that is believed. */
    supplier: rate((tick) => Effect.succeed(tick.provider)),
    reference: (besides: string) =>
      Effect.provide(provider.reference(pair, besides, Duration.minutes(1)), context),
    health: provider.health,
    ticks: (name: string) =>
      Metric.value(Metrics.providerTicks.of({ provider: name })).pipe(
        Effect.map(({ count }) => count),
        Effect.provide(context)
      )
  }
})

const three = Effect.gen(function* () {
  const [flutterwave, fixer, frankfurter] = [source("flutterwave"), source("fixer"), source("frankfurter")]
  return { flutterwave, fixer, frankfurter, ...(yield* connect([flutterwave, fixer, frankfurter])) }
})

describe("RateProvider.rate", () => {
  it.effect("asks nobody else while the first answers", () =>
    Effect.gen(function* () {
      const { fixer, frankfurter, health, logs, supplier, ticks } = yield* three
      assert.strictEqual(yield* supplier, "flutterwave")
      assert.deepStrictEqual([fixer.state.asked, frankfurter.state.asked], [0, 0])
      assert.deepStrictEqual(
        (yield* health).map(({ answeredLast, fails, name }) => [name, fails, answeredLast]),
        [
          ["flutterwave", false, true],
          ["fixer", false, false],
          ["frankfurter", false, false]
        ]
      )
      assert.strictEqual(yield* ticks("flutterwave"), 1)
      assert.deepStrictEqual(logs, [])
    })
  )

  it.effect("takes the next that answers, each time, and the first again as soon as it does", () =>
    Effect.gen(function* () {
      const { fixer, flutterwave, frankfurter, supplier, ticks } = yield* three
      flutterwave.state.reason = gone
      assert.strictEqual(yield* supplier, "fixer")
      fixer.state.reason = refused
      assert.strictEqual(yield* supplier, "frankfurter")
      assert.deepStrictEqual(
        [flutterwave, fixer, frankfurter].map(({ state }) => state.asked),
        [2, 2, 1]
      )
      flutterwave.state.reason = undefined
      assert.strictEqual(yield* supplier, "flutterwave")
      assert.deepStrictEqual(
        [yield* ticks("flutterwave"), yield* ticks("fixer"), yield* ticks("frankfurter")],
        [1, 1, 1]
      )
    })
  )

  it.effect("says once that another one answers, and once that the first does again", () =>
    Effect.gen(function* () {
      const { flutterwave, logs, supplier } = yield* three
      flutterwave.state.reason = gone
      yield* Effect.replicateEffect(supplier, 2)
      assert.deepStrictEqual(logs, [])
      yield* supplier
      flutterwave.state.reason = new CircuitOpen({ retryAfter: Duration.seconds(2) })
      yield* Effect.replicateEffect(supplier, 5)
      assert.deepStrictEqual(logs, [
        "Warn flutterwave fails: no answer (ECONNREFUSED); fixer answers instead"
      ])
      flutterwave.state.reason = undefined
      yield* Effect.replicateEffect(supplier, 5)
      assert.deepStrictEqual(logs.slice(1), ["Info flutterwave answers again"])
    })
  )

  it.effect("tells of each one's health, and of what opened a circuit", () =>
    Effect.gen(function* () {
      const { flutterwave, health, supplier } = yield* three
      flutterwave.state.reason = gone
      yield* supplier
      flutterwave.state.reason = new CircuitOpen({ retryAfter: Duration.seconds(2) })
      yield* Effect.replicateEffect(supplier, 2)
      const well = { failuresInARow: 0, fails: false, lastFailure: "" }
      assert.deepStrictEqual(yield* health, [
        {
          name: "flutterwave",
          failuresInARow: 3,
          fails: true,
          lastFailure: "no answer (ECONNREFUSED)",
          answeredLast: false
        },
        { ...well, name: "fixer", answeredLast: true },
        { ...well, name: "frankfurter", answeredLast: false }
      ])
      flutterwave.state.reason = undefined
      yield* supplier
      assert.deepInclude((yield* health)[0], { ...well, answeredLast: true })
    })
  )

  it.effect("goes on to the next where an answer is not believed", () =>
    Effect.gen(function* () {
      const { health, rate, ticks } = yield* three
      const seen: Array<string> = []
      const judged = yield* rate(({ provider }) => {
        seen.push(provider)
        return provider === "fixer"
          ? Effect.succeed("good")
          : Effect.fail(new Quarantined({ detail: "a jump" }))
      })
      assert.deepStrictEqual([judged, ...seen], ["good", "flutterwave", "fixer"])
      assert.deepInclude((yield* health)[0], {
        failuresInARow: 1,
        lastFailure: "an answer that is not believed (a jump)"
      })
      assert.deepStrictEqual([yield* ticks("flutterwave"), yield* ticks("fixer")], [0, 1])
    })
  )

  it.effect("stops where what fails is not the provider's", () =>
    Effect.gen(function* () {
      const { fixer, health, rate, ticks } = yield* three
      const down = new StoreUnavailable({ cause: "down" })
      assert.strictEqual(yield* Effect.flip(rate(() => Effect.fail(down))), down)
      assert.strictEqual(fixer.state.asked, 0)
      assert.strictEqual((yield* health)[0].failuresInARow, 0)
      assert.strictEqual(yield* ticks("flutterwave"), 0)
      const defect = yield* Effect.exit(rate(() => Effect.die("a bug")))
      assert.strictEqual(defect._tag, "Failure")
      assert.strictEqual(fixer.state.asked, 0)
    })
  )

  it.effect("says what each one said when none has a rate", () =>
    Effect.gen(function* () {
      const { fixer, flutterwave, rate } = yield* three
      flutterwave.state.reason = gone
      fixer.state.reason = refused
      const error = yield* Effect.flip(rate(() => Effect.fail(new Quarantined({ detail: "a jump" }))))
      assert.strictEqual(
        error.message,
        "flutterwave gave no rate for USD:NGN: no answer (ECONNREFUSED)" +
          "; nor did fixer: it refused with 401 (Invalid authorization key)" +
          "; nor did frankfurter: an answer that is not believed (a jump)"
      )
      assert.deepInclude(error, { provider: "flutterwave", reason: gone, putAside: true })
    })
  )

  it.effect("fails as its only provider does", () =>
    Effect.gen(function* () {
      const only = source("flutterwave")
      const { rate } = yield* connect([only])
      only.state.reason = gone
      const error = yield* Effect.flip(rate(Effect.succeed))
      assert.strictEqual(error.message, "flutterwave gave no rate for USD:NGN: no answer (ECONNREFUSED)")
      assert.isUndefined(error.others)
    })
  )
})

describe("RateProvider.reference", () => {
  const table = (name: string, recent: RateSource["Service"]["rate"]): RateSource["Service"] => ({
    name,
    rate: () => Effect.die("asked for a rate"),
    recent
  })
  const says = (name: string) =>
    table(name, (pair) =>
      Effect.map(tick(pair.from, pair.to, "1500"), (made) => ({ ...made, provider: name }))
    )

  it.effect("is the first other one that keeps answers", () =>
    Effect.gen(function* () {
      const { reference } = yield* connect([
        source("flutterwave"),
        source("flutterwave-v4"),
        says("fixer"),
        says("frankfurter")
      ])
      const by = (besides: string) =>
        Effect.map(reference(besides), (found) => Option.getOrThrow(found).provider)
      assert.strictEqual(yield* by("flutterwave"), "fixer")
      assert.strictEqual(yield* by("fixer"), "frankfurter")
    })
  )

  it.effect("is none where there is no other one", () =>
    Effect.gen(function* () {
      const { reference } = yield* connect([says("fixer"), source("flutterwave")])
      assert.deepStrictEqual(yield* reference("fixer"), Option.none())
    })
  )

  it.effect("is none where it fails or takes longer than ten seconds, and no failure of the provider", () =>
    Effect.gen(function* () {
      const failing = table("fixer", (pair) =>
        Effect.fail(new ProviderError({ provider: "fixer", pair, reason: gone }))
      )
      const { health, logs, reference } = yield* connect([source("flutterwave"), failing])
      assert.deepStrictEqual(yield* reference("flutterwave"), Option.none())
      assert.deepStrictEqual(logs, [
        "Debug Nothing to compare with: fixer gave no rate for USD:NGN: no answer (ECONNREFUSED)"
      ])
      assert.isFalse((yield* health).some(({ failuresInARow }) => failuresInARow > 0))

      const slow = yield* connect([source("flutterwave"), table("fixer", () => Effect.never)])
      const answer = yield* Effect.forkChild(slow.reference("flutterwave"), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(answer.pollUnsafe(), yield* Effect.exit(Effect.succeedNone))
    })
  )

  it.effect("keeps nobody else waiting for one that said nothing, for a minute", () =>
    Effect.gen(function* () {
      let asked = 0
      const silent = table("fixer", () =>
        Effect.andThen(
          Effect.sync(() => asked++),
          Effect.never
        )
      )
      const { reference } = yield* connect([source("flutterwave"), silent])
      yield* Effect.forkChild(reference("flutterwave"), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* reference("flutterwave"), Option.none())
      assert.strictEqual(asked, 1)
      yield* TestClock.adjust("1 minute")
      const again = yield* Effect.forkChild(reference("flutterwave"), { startImmediately: true })
      assert.strictEqual(asked, 2)
      assert.isUndefined(again.pollUnsafe())
    })
  )
})
