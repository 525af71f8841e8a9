import { assert, layer } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import type { AssetPair } from "../../../src/domain/money/AssetPair.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { type FoundRate, Rates } from "../../../src/rates/lookup/Rates.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { pairOf, tick } from "../../support/RateTicks.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { failing, hanging, rate, TestProvider } from "../../support/TestProvider.ts"
import * as TestRates from "../TestRates.ts"

const summary = ({ rate, source, stale }: FoundRate) => ({ rate: Decimal.format(rate.rate), source, stale })
const maxAge = (text: Duration.Input) => ({ maxAge: Duration.fromInputUnsafe(text) })

/** Each test looks up its own pair. */
const TARGETS = ["NGN", "KES", "GHS", "XOF", "XAF", "ZAR", "EGP", "UGX", "TZS", "RWF", "ZMW"].values()

layer(TestDatabase.layer(), { excludeTestServices: true })("Rates.lookup", (it) => {
  const test = (
    title: string,
    body: (pair: AssetPair) => Effect.Effect<void, unknown, TestRates.Services>
  ) => {
    const pair = pairOf("USD", TARGETS.next().value ?? assert.fail("no pair left"))
    it.effect(title, () => TestRates.withOwnServices(body(pair)))
  }

  test("fetches an unknown pair from the provider once, and then serves it from memory", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      assert.deepStrictEqual(summary(yield* rates.lookup(pair)), {
        rate: "1500",
        source: "provider",
        stale: false
      })
      assert.deepStrictEqual(summary(yield* rates.lookup(pair)), {
        rate: "1500",
        source: "memory",
        stale: false
      })
      assert.strictEqual(yield* provider.calls, 1)
    }))

  test("serves a stored rate without calling the provider", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const repo = yield* RateRepo
      const provider = yield* TestProvider
      yield* repo.insert(yield* tick(pair.from, pair.to, "1444"))
      assert.deepStrictEqual(summary(yield* rates.lookup(pair)), {
        rate: "1444",
        source: "database",
        stale: false
      })
      assert.deepStrictEqual(summary(yield* rates.lookup(pair)), {
        rate: "1444",
        source: "memory",
        stale: false
      })
      assert.strictEqual(yield* provider.calls, 0)
    }))

  test("refreshes a rate that is older than STALE_AFTER", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* rates.lookup(pair)
      yield* provider.respondWith(rate("1600"))
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(summary(yield* rates.lookup(pair)), {
        rate: "1500",
        source: "memory",
        stale: false
      })
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(summary(yield* rates.lookup(pair)), {
        rate: "1600",
        source: "provider",
        stale: false
      })
    }))

  test("uses a newer rate of another process instead of calling the provider", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const repo = yield* RateRepo
      const provider = yield* TestProvider
      yield* rates.lookup(pair)
      yield* TestClock.adjust("11 minutes")
      yield* repo.insert(yield* tick(pair.from, pair.to, "1777"))
      assert.deepStrictEqual(summary(yield* rates.lookup(pair)), {
        rate: "1777",
        source: "database",
        stale: false
      })
      assert.strictEqual(yield* provider.calls, 1)
    }))

  test("calls the provider once for 200 concurrent lookups of a stale pair", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* rates.lookup(pair)
      yield* TestClock.adjust("11 minutes")
      const answered = yield* Deferred.make<void>()
      yield* provider.respondWith((pair) => Effect.andThen(Deferred.await(answered), rate("1601")(pair)))
      const lookups = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 200 }, () => rates.lookup(pair)),
          { concurrency: "unbounded" }
        )
      )
      yield* provider.awaitCalls(2)
      yield* Deferred.succeed(answered, undefined)
      const found = yield* Fiber.join(lookups)
      assert.strictEqual(found.length, 200)
      for (const result of found)
        assert.deepStrictEqual(summary(result), { rate: "1601", source: "provider", stale: false })
      assert.strictEqual(yield* provider.calls, 2)
    }))

  test("calls the provider once for 200 concurrent lookups of an unknown pair", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      const found = yield* Effect.all(
        Array.from({ length: 200 }, () => rates.lookup(pair)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(found.map(({ rate }) => rate.id)).size, 1)
      assert.strictEqual(yield* provider.calls, 1)
    }))

  test("serves the last known good rate as stale while the provider is unavailable", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* rates.lookup(pair)
      yield* provider.respondWith(failing)
      yield* TestClock.adjust("3 days")
      assert.deepStrictEqual(summary(yield* rates.lookup(pair)), {
        rate: "1500",
        source: "memory",
        stale: true
      })
    }))

  test("waits LOOKUP_BUDGET for a hanging provider, and not at all while that refresh continues", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* rates.lookup(pair)
      yield* provider.respondWith(hanging)
      yield* TestClock.adjust("11 minutes")
      const first = yield* Effect.forkChild(rates.lookup(pair))
      yield* provider.awaitCalls(2)
      const waited = yield* advanceUntilDone(first, "100 millis")
      assert.isAtLeast(waited, 1000)
      assert.isAtMost(waited, 1100)
      assert.isTrue((yield* Fiber.join(first)).stale)
      const second = yield* rates.lookup(pair)
      assert.isTrue(second.stale)
      assert.strictEqual(yield* provider.calls, 2)
    }))

  test("serves the rate of a refresh that finished after a stale answer", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* rates.lookup(pair)
      yield* provider.respondWith((pair) => Effect.delay(rate("1600")(pair), "3 seconds"))
      yield* TestClock.adjust("11 minutes")
      const first = yield* Effect.forkChild(rates.lookup(pair))
      yield* provider.awaitCalls(2)
      yield* advanceUntilDone(first, "100 millis")
      assert.isTrue((yield* Fiber.join(first)).stale)
      yield* TestClock.adjust("3 seconds")
      while ((yield* rates.lookup(pair)).stale) yield* awaitIo
      assert.deepStrictEqual(summary(yield* rates.lookup(pair)), {
        rate: "1600",
        source: "memory",
        stale: false
      })
      assert.strictEqual(yield* provider.calls, 2)
    }))

  test("retries a failed refresh after a cooldown of one second", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* provider.respondWith(failing)
      for (let i = 0; i < 5; i++) {
        assert.strictEqual((yield* Effect.flip(rates.lookup(pair)))._tag, "RateUnavailable")
      }
      assert.strictEqual(yield* provider.calls, 1)
      yield* provider.respondWith(rate("1501"))
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(summary(yield* rates.lookup(pair)).rate, "1501")
    }))

  test("honors max_age: serves a fresh enough rate, refreshes, or fails with RateTooOld", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* rates.lookup(pair)
      yield* TestClock.adjust("60 seconds")
      yield* provider.respondWith(rate("1550"))
      assert.strictEqual(summary(yield* rates.lookup(pair, maxAge("60 seconds"))).rate, "1500")
      assert.deepStrictEqual(summary(yield* rates.lookup(pair, maxAge("59 seconds"))), {
        rate: "1550",
        source: "provider",
        stale: false
      })
      yield* provider.respondWith(failing)
      yield* TestClock.adjust("61 seconds")
      const error = yield* Effect.flip(rates.lookup(pair, maxAge("60 seconds")))
      assert.strictEqual(error._tag, "RateTooOld")
      assert.strictEqual(summary(yield* rates.lookup(pair)).stale, false)
    }))
})

layer(TestDatabase.layer(), { excludeTestServices: true })("Rates.list", (it) => {
  it.effect("lists the stored rates without calling the provider", () =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const repo = yield* RateRepo
      const provider = yield* TestProvider
      yield* repo.insert(yield* tick("USD", "NGN", "1500"))
      yield* repo.insert(yield* tick("EUR", "NGN", "1700"))
      const all = yield* rates.list(Option.none())
      assert.deepStrictEqual(
        all.map(({ rate }) => rate.pair.key),
        ["USD:NGN", "EUR:NGN"]
      )
      const ofEuro = yield* rates.list(Option.some(pairOf("EUR", "NGN").from))
      assert.deepStrictEqual(ofEuro.map(summary), [{ rate: "1700", source: "memory", stale: false }])
      assert.strictEqual(yield* provider.calls, 0)
    }).pipe(TestRates.withOwnServices)
  )
})

/** Lets database work progress while the test clock is paused. */
const awaitIo = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 10)))

/** Advances the clock until the fiber is done. Returns the advanced milliseconds. */
const advanceUntilDone = Effect.fnUntraced(function* (
  fiber: Fiber.Fiber<unknown, unknown>,
  step: Duration.Input
) {
  let advanced = 0
  while (fiber.pollUnsafe() === undefined) {
    yield* awaitIo
    if (fiber.pollUnsafe() !== undefined) break
    yield* TestClock.adjust(step)
    advanced += Duration.toMillis(Duration.fromInputUnsafe(step))
    if (advanced > 60_000) assert.fail("the fiber is not done after a minute")
  }
  return advanced
})
