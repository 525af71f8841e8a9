import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { type RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { type FoundRate, Rates } from "../../../src/rates/lookup/Rates.ts"
import { failing, hanging, rate, TestProvider } from "../../support/TestProvider.ts"
import { pairOf, tick } from "../../support/RateTicks.ts"
import * as TestRates from "./TestRates.ts"

const usdNgn = pairOf("USD", "NGN")
const shown = ({ rate, source, stale }: FoundRate) => ({ rate: Decimal.format(rate.rate), source, stale })
const maxAge = (text: Duration.Input) => ({ maxAge: Duration.fromInputUnsafe(text) })

const test = (
  name: string,
  body: Effect.Effect<void, unknown, Rates | RateRepo | RateCache | TestProvider>
) => it.effect(name, () => Effect.provide(body, TestRates.layer))

describe("Rates.lookup", () => {
  test(
    "asks the provider for a pair that nobody knows, and then answers from memory",
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      assert.deepStrictEqual(shown(yield* rates.lookup(usdNgn)), {
        rate: "1500",
        source: "provider",
        stale: false
      })
      assert.deepStrictEqual(shown(yield* rates.lookup(usdNgn)), {
        rate: "1500",
        source: "memory",
        stale: false
      })
      assert.strictEqual(yield* provider.calls, 1)
    })
  )

  test(
    "finds what the database knows without asking the provider",
    Effect.gen(function* () {
      const rates = yield* Rates
      const repo = yield* RateRepo
      const provider = yield* TestProvider
      yield* repo.insert(yield* tick("USD", "NGN", "1444"))
      assert.deepStrictEqual(shown(yield* rates.lookup(usdNgn)), {
        rate: "1444",
        source: "database",
        stale: false
      })
      assert.deepStrictEqual(shown(yield* rates.lookup(usdNgn)), {
        rate: "1444",
        source: "memory",
        stale: false
      })
      assert.strictEqual(yield* provider.calls, 0)
    })
  )

  test(
    "refreshes what is older than STALE_AFTER",
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* rates.lookup(usdNgn)
      yield* provider.answer(rate("1600"))
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(shown(yield* rates.lookup(usdNgn)), {
        rate: "1500",
        source: "memory",
        stale: false
      })
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(shown(yield* rates.lookup(usdNgn)), {
        rate: "1600",
        source: "provider",
        stale: false
      })
    })
  )

  test(
    "takes a newer rate of another process before it asks the provider",
    Effect.gen(function* () {
      const rates = yield* Rates
      const repo = yield* RateRepo
      const provider = yield* TestProvider
      yield* rates.lookup(usdNgn)
      yield* TestClock.adjust("11 minutes")
      yield* repo.insert(yield* tick("USD", "NGN", "1777"))
      assert.deepStrictEqual(shown(yield* rates.lookup(usdNgn)), {
        rate: "1777",
        source: "database",
        stale: false
      })
      assert.strictEqual(yield* provider.calls, 1)
    })
  )

  test(
    "asks the provider once for 200 who look up a stale pair at the same moment",
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* rates.lookup(usdNgn)
      yield* TestClock.adjust("11 minutes")
      const answered = yield* Deferred.make<void>()
      yield* provider.answer((pair) => Effect.andThen(Deferred.await(answered), rate("1601")(pair)))
      const lookups = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 200 }, () => rates.lookup(usdNgn)),
          { concurrency: "unbounded" }
        )
      )
      yield* provider.asked(2)
      yield* Deferred.succeed(answered, undefined)
      const found = yield* Fiber.join(lookups)
      assert.strictEqual(found.length, 200)
      for (const one of found)
        assert.deepStrictEqual(shown(one), { rate: "1601", source: "provider", stale: false })
      assert.strictEqual(yield* provider.calls, 2)
    })
  )

  test(
    "asks the provider once for 200 who look up a pair that nobody knows",
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      const found = yield* Effect.all(
        Array.from({ length: 200 }, () => rates.lookup(usdNgn)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(found.map((one) => one.rate.id)).size, 1)
      assert.strictEqual(yield* provider.calls, 1)
    })
  )

  test(
    "answers with the last known good rate when the provider is gone",
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* rates.lookup(usdNgn)
      yield* provider.answer(failing)
      yield* TestClock.adjust("3 days")
      assert.deepStrictEqual(shown(yield* rates.lookup(usdNgn)), {
        rate: "1500",
        source: "memory",
        stale: true
      })
    })
  )

  test(
    "waits LOOKUP_BUDGET for a provider that hangs, and not at all while that refresh is still under way",
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* rates.lookup(usdNgn)
      yield* provider.answer(hanging)
      yield* TestClock.adjust("11 minutes")
      const first = yield* Effect.forkChild(rates.lookup(usdNgn))
      yield* provider.asked(2)
      const waited = yield* advanceUntilDone(first, "100 millis")
      assert.isAtLeast(waited, 1000)
      assert.isAtMost(waited, 1100)
      assert.isTrue((yield* Fiber.join(first)).stale)
      const second = yield* rates.lookup(usdNgn)
      assert.isTrue(second.stale)
      assert.strictEqual(yield* provider.calls, 2)
    })
  )

  test(
    "takes the refresh that went on behind a stale answer",
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* rates.lookup(usdNgn)
      yield* provider.answer((pair) => Effect.delay(rate("1800")(pair), "3 seconds"))
      yield* TestClock.adjust("11 minutes")
      const first = yield* Effect.forkChild(rates.lookup(usdNgn))
      yield* provider.asked(2)
      yield* advanceUntilDone(first, "100 millis")
      assert.isTrue((yield* Fiber.join(first)).stale)
      yield* TestClock.adjust("3 seconds")
      while ((yield* rates.lookup(usdNgn)).stale) yield* settle
      assert.deepStrictEqual(shown(yield* rates.lookup(usdNgn)), {
        rate: "1800",
        source: "memory",
        stale: false
      })
      assert.strictEqual(yield* provider.calls, 2)
    })
  )

  test(
    "leaves a pair alone for a second after it could not be refreshed, and then tries again",
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* provider.answer(failing)
      for (let i = 0; i < 5; i++) {
        assert.strictEqual((yield* Effect.flip(rates.lookup(usdNgn)))._tag, "RateUnavailable")
      }
      assert.strictEqual(yield* provider.calls, 1)
      yield* provider.answer(rate("1501"))
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(shown(yield* rates.lookup(usdNgn)).rate, "1501")
    })
  )

  test(
    "keeps a promise of max_age: fresh enough, refreshed, or refused",
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* rates.lookup(usdNgn)
      yield* TestClock.adjust("60 seconds")
      yield* provider.answer(rate("1550"))
      assert.strictEqual(shown(yield* rates.lookup(usdNgn, maxAge("60 seconds"))).rate, "1500")
      assert.deepStrictEqual(shown(yield* rates.lookup(usdNgn, maxAge("59 seconds"))), {
        rate: "1550",
        source: "provider",
        stale: false
      })
      yield* provider.answer(failing)
      yield* TestClock.adjust("61 seconds")
      const error = yield* Effect.flip(rates.lookup(usdNgn, maxAge("60 seconds")))
      assert.strictEqual(error._tag, "RateTooOld")
      assert.strictEqual(shown(yield* rates.lookup(usdNgn)).stale, false)
    })
  )
})

describe("Rates.known", () => {
  test(
    "lists what the database knows, and asks no provider",
    Effect.gen(function* () {
      const rates = yield* Rates
      const repo = yield* RateRepo
      const provider = yield* TestProvider
      yield* repo.insert(yield* tick("USD", "NGN", "1500"))
      yield* repo.insert(yield* tick("EUR", "NGN", "1700"))
      const all = yield* rates.known(Option.none())
      assert.deepStrictEqual(
        all.map(({ rate }) => rate.pair.key),
        ["USD:NGN", "EUR:NGN"]
      )
      const ofEuro = yield* rates.known(Option.some(pairOf("EUR", "NGN").from))
      assert.deepStrictEqual(ofEuro.map(shown), [{ rate: "1700", source: "memory", stale: false }])
      assert.strictEqual(yield* provider.calls, 0)
    })
  )
})

/** Lets work that waits for real sockets go on, under a clock that stands still. */
const settle = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 30)))

/** Moves the clock until the fiber is done, and returns how far, in milliseconds. */
const advanceUntilDone = Effect.fnUntraced(function* (
  fiber: Fiber.Fiber<unknown, unknown>,
  step: Duration.Input
) {
  let waited = 0
  while (fiber.pollUnsafe() === undefined) {
    yield* settle
    if (fiber.pollUnsafe() !== undefined) break
    yield* TestClock.adjust(step)
    waited += Duration.toMillis(Duration.fromInputUnsafe(step))
    if (waited > 60_000) assert.fail("it does not end")
  }
  return waited
})
