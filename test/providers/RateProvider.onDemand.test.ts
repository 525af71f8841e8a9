import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Context, Duration, Effect, Layer } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { RateId } from "../../src/domain/rates/Rate.ts"
import { NotQuoted, OnDemandLimited, ProviderError, Refused } from "../../src/providers/ProviderError.ts"
import { type OnDemandRequest, RateProvider } from "../../src/providers/RateProvider.ts"
import { RequestPriority } from "../../src/providers/RequestPriority.ts"
import type { RateSource } from "../../src/providers/RateSource.ts"
import { RateSources } from "../../src/providers/RateSources.ts"
import { pairOf, tick } from "../support/RateTicks.ts"

const pair = pairOf("NGN", "USD")

/** A source that records the priority of each of its requests. */
const source = (name: string, answer: RateSource["Service"]["rate"]) => {
  const priorities: Array<string> = []
  const rate: RateSource["Service"]["rate"] = (pair) =>
    Effect.flatMap(RequestPriority, (priority) => {
      priorities.push(priority)
      return answer(pair)
    })
  return { name, rate, priorities }
}

const quoting: RateSource["Service"]["rate"] = () => tick("NGN", "USD", "0.00064")

const failing =
  (reason: ProviderError["reason"]): RateSource["Service"]["rate"] =>
  (pair) =>
    Effect.fail(new ProviderError({ provider: "flutterwave", pair, reason }))

/** As Open Exchange Rates derives NGN:USD from its quote of USD:NGN. */
const inverting: RateSource["Service"]["rate"] = () =>
  Effect.map(tick("NGN", "USD", "0.00064"), (inverse) => ({
    ...inverse,
    legs: [
      {
        id: RateId.make("01980000-0000-7000-8000-000000000001"),
        pair: pairOf("USD", "NGN"),
        rate: BigDecimal.fromStringUnsafe("1562.5"),
        providerRate: "1562.5"
      }
    ]
  }))

const connect = Effect.fnUntraced(function* (sources: NonEmptyReadonlyArray<RateSource["Service"]>) {
  const context = yield* Layer.build(
    RateProvider.layer.pipe(Layer.provide(Layer.succeed(RateSources, sources)))
  )
  const provider = Context.get(context, RateProvider)
  const refused = new Set<string>()
  let permits = 0
  const onDemand: OnDemandRequest = {
    isRefused: (name) => Effect.succeed(refused.has(name)),
    refuse: (name) => Effect.sync(() => refused.add(name)),
    permit: Effect.suspend(() =>
      permits++ < 3 ? Effect.void : new OnDemandLimited({ retryAfter: Duration.seconds(9) })
    )
  }
  return {
    refused,
    health: provider.health,
    onDemand: Effect.result(
      provider.rate(pair, (tick) => Effect.succeed(tick.provider), { isPoll: false, onDemand })
    ),
    polled: Effect.result(provider.rate(pair, (tick) => Effect.succeed(tick.provider), { isPoll: true }))
  }
})

const reasonsOf = (error: ProviderError) => [
  error.reason._tag,
  ...(error.others ?? []).map(({ reason }) => reason._tag)
]

describe("RateProvider.rate of a pair that is not polled", () => {
  it.effect("requests it with low priority, and a polled pair with normal priority", () =>
    Effect.gen(function* () {
      const flutterwave = source("flutterwave", quoting)
      const { onDemand, polled } = yield* connect([flutterwave])
      yield* onDemand
      yield* polled
      assert.deepStrictEqual(flutterwave.priorities, ["low", "normal"])
    })
  )

  it.effect("does not ask a provider again that refused it, and uses the next one", () =>
    Effect.gen(function* () {
      const flutterwave = source("flutterwave", failing(new NotQuoted({ detail: "no" })))
      const fixer = source("fixer", quoting)
      const { health, onDemand, refused } = yield* connect([flutterwave, fixer])
      yield* Effect.flatMap(onDemand, Effect.fromResult)
      yield* Effect.flatMap(onDemand, Effect.fromResult)
      assert.deepStrictEqual([flutterwave.priorities.length, fixer.priorities.length], [1, 2])
      assert.deepStrictEqual(Array.from(refused), ["flutterwave"])
      const [first] = yield* health
      assert.strictEqual(first.consecutiveFailures, 0)
    })
  )

  it.effect("counts other failures against the health of a provider, and does not remember them", () =>
    Effect.gen(function* () {
      const flutterwave = source("flutterwave", failing(new Refused({ status: 401, detail: "key" })))
      const { health, onDemand, refused } = yield* connect([flutterwave])
      yield* onDemand
      assert.strictEqual(refused.size, 0)
      const [first] = yield* health
      assert.strictEqual(first.consecutiveFailures, 1)
    })
  )

  it.effect("counts the refusal of a polled pair against the health of the provider", () =>
    Effect.gen(function* () {
      const { health, polled } = yield* connect([
        source("flutterwave", failing(new NotQuoted({ detail: "no" })))
      ])
      yield* polled
      const [first] = yield* health
      assert.strictEqual(first.consecutiveFailures, 1)
    })
  )

  it.effect("rejects the inverse of the opposite pair, which a polled pair may have", () =>
    Effect.gen(function* () {
      const { onDemand, polled } = yield* connect([source("openexchangerates", inverting)])
      const error = yield* Effect.flip(Effect.flatMap(onDemand, Effect.fromResult))
      assert.strictEqual(error.refusal, "openexchangerates does not quote NGN:USD")
      assert.strictEqual(yield* Effect.flatMap(polled, Effect.fromResult), "test")
    })
  )

  it.effect("counts each call, and makes none without a permit", () =>
    Effect.gen(function* () {
      const flutterwave = source("flutterwave", quoting)
      const { health, onDemand } = yield* connect([flutterwave])
      for (let call = 0; call < 3; call++) yield* Effect.flatMap(onDemand, Effect.fromResult)
      const error = yield* Effect.flip(Effect.flatMap(onDemand, Effect.fromResult))
      assert.deepStrictEqual(reasonsOf(error), ["OnDemandLimited"])
      assert.lengthOf(flutterwave.priorities, 3)
      const [first] = yield* health
      assert.strictEqual(first.consecutiveFailures, 0)
    })
  )

  it.effect("names all providers that refuse it", () =>
    Effect.gen(function* () {
      const no = failing(new NotQuoted({ detail: "no" }))
      const { onDemand } = yield* connect([source("flutterwave", no), source("fixer", no)])
      const error = yield* Effect.flip(Effect.flatMap(onDemand, Effect.fromResult))
      assert.deepStrictEqual(reasonsOf(error), ["NotQuoted", "NotQuoted"])
      assert.isTrue(error.isNotQuoted)
    })
  )

  it.effect("asks no source that cannot have the assets of a pair", () =>
    Effect.gen(function* () {
      const other = { ...source("coingecko", quoting), quotes: () => false }
      const flutterwave = source("flutterwave", quoting)
      const { polled } = yield* connect([other, flutterwave])
      yield* Effect.flatMap(polled, Effect.fromResult)
      assert.deepStrictEqual([other.priorities.length, flutterwave.priorities.length], [0, 1])
      const none = yield* connect([other])
      const error = yield* Effect.flip(Effect.flatMap(none.polled, Effect.fromResult))
      assert.strictEqual(error.reason._tag, "NotQuoted")
    })
  )
})
