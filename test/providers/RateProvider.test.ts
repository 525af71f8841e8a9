import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Layer, Logger, Metric, Option, References } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { TestClock } from "effect/testing"
import type { AssetPair } from "../../src/domain/money/AssetPair.ts"
import type { RateTick } from "../../src/domain/rates/Rate.ts"
import { StoreUnavailable } from "../../src/platform/postgres/StoreUnavailable.ts"
import * as ProviderMetrics from "../../src/platform/metrics/ProviderMetrics.ts"
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
const unreachable = new Unreachable({ detail: "ECONNREFUSED" })
const refused = new Refused({ status: 401, detail: "Invalid authorization key" })

/** A source that counts its requests, and fails with `state.reason` if it is set. */
const source = (name: string) => {
  const state = { requests: 0, reason: undefined as ProviderReason | undefined }
  const rate: RateSource["Service"]["rate"] = (pair) =>
    Effect.suspend(() => {
      state.requests++
      return state.reason === undefined
        ? Effect.map(tick(pair.from, pair.to, "1500"), (rate) => ({ ...rate, provider: name }))
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
  const rate = <A, E>(accept: (tick: RateTick) => Effect.Effect<A, Quarantined | E>) =>
    Effect.provide(provider.rate(pair, accept), context)
  return {
    logs,
    rate,
    /** Name of the provider of an accepted rate. */
    supplier: rate((tick) => Effect.succeed(tick.provider)),
    reference: (excluded: string, maxAge = Duration.minutes(1)) =>
      Effect.provide(provider.reference(pair, excluded, maxAge), context),
    health: provider.health,
    ticks: (name: string) =>
      Metric.value(ProviderMetrics.ticks.of({ provider: name })).pipe(
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
  it.effect("uses only the first provider while it works", () =>
    Effect.gen(function* () {
      const { fixer, frankfurter, health, logs, supplier, ticks } = yield* three
      assert.strictEqual(yield* supplier, "flutterwave")
      assert.deepStrictEqual([fixer.state.requests, frankfurter.state.requests], [0, 0])
      assert.deepStrictEqual(
        (yield* health).map(({ isFailing, name, servedLatest }) => [name, isFailing, servedLatest]),
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

  it.effect("fails over to the next working provider, and returns to the first when it recovers", () =>
    Effect.gen(function* () {
      const { fixer, flutterwave, frankfurter, supplier, ticks } = yield* three
      flutterwave.state.reason = unreachable
      assert.strictEqual(yield* supplier, "fixer")
      fixer.state.reason = refused
      assert.strictEqual(yield* supplier, "frankfurter")
      assert.deepStrictEqual(
        [flutterwave, fixer, frankfurter].map(({ state }) => state.requests),
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

  it.effect("logs a failover once, and the recovery once", () =>
    Effect.gen(function* () {
      const { flutterwave, logs, supplier } = yield* three
      flutterwave.state.reason = unreachable
      yield* Effect.replicateEffect(supplier, 2)
      assert.deepStrictEqual(logs, [])
      yield* supplier
      flutterwave.state.reason = new CircuitOpen({ retryAfter: Duration.seconds(2) })
      yield* Effect.replicateEffect(supplier, 5)
      assert.deepStrictEqual(logs, [
        "Warn flutterwave is failing: no response (ECONNREFUSED); using fixer instead"
      ])
      flutterwave.state.reason = undefined
      yield* Effect.replicateEffect(supplier, 5)
      assert.deepStrictEqual(logs.slice(1), ["Info flutterwave has recovered"])
    })
  )

  it.effect("reports the health of each provider, with the failure that opened the circuit", () =>
    Effect.gen(function* () {
      const { flutterwave, health, supplier } = yield* three
      flutterwave.state.reason = unreachable
      yield* supplier
      flutterwave.state.reason = new CircuitOpen({ retryAfter: Duration.seconds(2) })
      yield* Effect.replicateEffect(supplier, 2)
      const healthy = { consecutiveFailures: 0, isFailing: false, lastFailure: "" }
      assert.deepStrictEqual(yield* health, [
        {
          name: "flutterwave",
          consecutiveFailures: 3,
          isFailing: true,
          lastFailure: "no response (ECONNREFUSED)",
          servedLatest: false
        },
        { ...healthy, name: "fixer", servedLatest: true },
        { ...healthy, name: "frankfurter", servedLatest: false }
      ])
      flutterwave.state.reason = undefined
      yield* supplier
      assert.deepInclude((yield* health)[0], { ...healthy, servedLatest: true })
    })
  )

  it.effect("tries the next provider after a quarantined rate", () =>
    Effect.gen(function* () {
      const { health, rate, ticks } = yield* three
      const seen: Array<string> = []
      const result = yield* rate(({ provider }) => {
        seen.push(provider)
        return provider === "fixer"
          ? Effect.succeed("good")
          : Effect.fail(new Quarantined({ detail: "a jump" }))
      })
      assert.deepStrictEqual([result, ...seen], ["good", "flutterwave", "fixer"])
      assert.deepInclude((yield* health)[0], {
        consecutiveFailures: 1,
        lastFailure: "rate quarantined (a jump)"
      })
      assert.deepStrictEqual([yield* ticks("flutterwave"), yield* ticks("fixer")], [0, 1])
    })
  )

  it.effect("stops at a failure that is not the provider's", () =>
    Effect.gen(function* () {
      const { fixer, health, rate, ticks } = yield* three
      const down = new StoreUnavailable({ cause: "down" })
      assert.strictEqual(yield* Effect.flip(rate(() => Effect.fail(down))), down)
      assert.strictEqual(fixer.state.requests, 0)
      assert.strictEqual((yield* health)[0].consecutiveFailures, 0)
      assert.strictEqual(yield* ticks("flutterwave"), 0)
      const defect = yield* Effect.exit(rate(() => Effect.die("a bug")))
      assert.strictEqual(defect._tag, "Failure")
      assert.strictEqual(fixer.state.requests, 0)
    })
  )

  it.effect("fails with the reasons of all providers", () =>
    Effect.gen(function* () {
      const { fixer, flutterwave, rate } = yield* three
      flutterwave.state.reason = unreachable
      fixer.state.reason = refused
      const error = yield* Effect.flip(rate(() => Effect.fail(new Quarantined({ detail: "a jump" }))))
      assert.strictEqual(
        error.message,
        "flutterwave returned no rate for USD:NGN: no response (ECONNREFUSED)" +
          "; fixer: request rejected with status 401 (Invalid authorization key)" +
          "; frankfurter: rate quarantined (a jump)"
      )
      assert.deepInclude(error, { provider: "flutterwave", reason: unreachable, isQuarantined: true })
    })
  )

  it.effect("fails with the reason of its only provider", () =>
    Effect.gen(function* () {
      const only = source("flutterwave")
      const { rate } = yield* connect([only])
      only.state.reason = unreachable
      const error = yield* Effect.flip(rate(Effect.succeed))
      assert.strictEqual(
        error.message,
        "flutterwave returned no rate for USD:NGN: no response (ECONNREFUSED)"
      )
      assert.isUndefined(error.others)
    })
  )
})

describe("RateProvider.reference", () => {
  const table = (
    name: string,
    recent: (pair: AssetPair) => ReturnType<RateSource["Service"]["rate"]>
  ): RateSource["Service"] => ({
    name,
    rate: () => Effect.die("unexpected request"),
    recent
  })
  const working = (name: string) =>
    table(name, (pair) =>
      Effect.map(tick(pair.from, pair.to, "1500"), (rate) => ({ ...rate, provider: name }))
    )

  it.effect("uses the first other provider with rate tables", () =>
    Effect.gen(function* () {
      const { reference } = yield* connect([
        source("flutterwave"),
        source("flutterwave-v4"),
        working("fixer"),
        working("frankfurter")
      ])
      const supplierFor = (excluded: string) =>
        Effect.map(reference(excluded), (found) => Option.getOrThrow(found).provider)
      assert.strictEqual(yield* supplierFor("flutterwave"), "fixer")
      assert.strictEqual(yield* supplierFor("fixer"), "frankfurter")
    })
  )

  it.effect("returns none without another provider", () =>
    Effect.gen(function* () {
      const { reference } = yield* connect([working("fixer")])
      assert.deepStrictEqual(yield* reference("fixer"), Option.none())
    })
  )

  it.effect("requests a single pair only for a current reference", () =>
    Effect.gen(function* () {
      const { reference } = yield* connect([working("fixer"), source("flutterwave")])
      const found = yield* reference("fixer")
      assert.strictEqual(Option.getOrThrow(found).provider, "flutterwave")
      assert.deepStrictEqual(yield* reference("fixer", Duration.hours(1)), Option.none())
    })
  )

  it.effect("returns none after a failure or ten seconds, without counting a provider failure", () =>
    Effect.gen(function* () {
      const failing = table("fixer", (pair) =>
        Effect.fail(new ProviderError({ provider: "fixer", pair, reason: unreachable }))
      )
      const { health, logs, reference } = yield* connect([source("flutterwave"), failing])
      assert.deepStrictEqual(yield* reference("flutterwave"), Option.none())
      assert.deepStrictEqual(logs, [
        "Debug No reference rate: fixer returned no rate for USD:NGN: no response (ECONNREFUSED)"
      ])
      assert.isFalse((yield* health).some(({ consecutiveFailures }) => consecutiveFailures > 0))

      const slow = yield* connect([source("flutterwave"), table("fixer", () => Effect.never)])
      const result = yield* Effect.forkChild(slow.reference("flutterwave"), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(result.pollUnsafe(), yield* Effect.exit(Effect.succeedNone))
    })
  )

  it.effect("skips a provider that timed out for a minute", () =>
    Effect.gen(function* () {
      let requests = 0
      const silent = table("fixer", () =>
        Effect.andThen(
          Effect.sync(() => requests++),
          Effect.never
        )
      )
      const { reference } = yield* connect([source("flutterwave"), silent])
      yield* Effect.forkChild(reference("flutterwave"), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* reference("flutterwave"), Option.none())
      assert.strictEqual(requests, 1)
      yield* TestClock.adjust("1 minute")
      const again = yield* Effect.forkChild(reference("flutterwave"), { startImmediately: true })
      assert.strictEqual(requests, 2)
      assert.isUndefined(again.pollUnsafe())
    })
  )
})
