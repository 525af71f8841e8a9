import { assert, layer } from "@effect/vitest"
import { DateTime, Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import type { AssetPair } from "../../../src/domain/money/AssetPair.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { type FoundRate, Rates } from "../../../src/rates/lookup/Rates.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { pairOf, tick } from "../../support/RateTicks.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { failing, quotedBefore, rate, TestProvider } from "../../support/TestProvider.ts"
import * as TestRates from "../TestRates.ts"

const summary = ({ rate, source, stale }: FoundRate) => ({ rate: Decimal.format(rate.rate), source, stale })
const maxAge = (text: Duration.Input) => ({ maxAge: Duration.fromInputUnsafe(text) })

/** Each test looks up its own pair. */
const TARGETS = ["NGN", "KES", "GHS", "XOF", "ZAR", "EGP"].values()

layer(TestDatabase.layer(), { excludeTestServices: true })("Rates.lookup with dated quotes", (it) => {
  const test = (
    title: string,
    body: (pair: AssetPair) => Effect.Effect<void, unknown, TestRates.Services>
  ) => {
    const pair = pairOf("USD", TARGETS.next().value ?? assert.fail("no pair left"))
    const env = { STALE_AFTER: "10 minutes", POLL_INTERVAL: "10 minutes" }
    it.effect(title, () => TestRates.withOwnServices(body(pair), env))
  }

  test("serves a rate as stale if its quote is older than STALE_AFTER", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* provider.respondWith(quotedBefore("11 minutes", "1600"))
      const found = { rate: "1600", source: "provider", stale: true }
      assert.deepStrictEqual(summary(yield* rates.lookup(pair)), found)
      assert.deepStrictEqual(summary(yield* rates.lookup(pair)), { ...found, source: "memory" })
      yield* provider.respondWith(quotedBefore("9 minutes", "1601"))
      yield* TestClock.adjust("5 minutes")
      const refreshed = { rate: "1601", source: "provider", stale: false }
      assert.deepStrictEqual(summary(yield* rates.lookup(pair)), refreshed)
    }))

  test("refreshes a rate whose quote has become older than STALE_AFTER", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* provider.respondWith(quotedBefore("5 minutes", "1600"))
      assert.isFalse((yield* rates.lookup(pair)).stale)
      yield* provider.respondWith(rate("1601"))
      yield* TestClock.adjust("4 minutes")
      assert.deepInclude(summary(yield* rates.lookup(pair)), { rate: "1600", stale: false })
      yield* TestClock.adjust("2 minutes")
      assert.deepInclude(summary(yield* rates.lookup(pair)), { rate: "1601", stale: false })
    }))

  test("keeps the time of the quote in the database", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      const stored = yield* tick(pair.from, pair.to, "1600")
      const quotedAt = DateTime.subtract(stored.observedAt, { hours: 1 })
      yield* (yield* RateRepo).insert({ ...stored, quotedAt })
      yield* provider.respondWith(failing)
      assert.deepInclude(summary(yield* rates.lookup(pair)), { rate: "1600", stale: true })
      const error = yield* Effect.flip(rates.lookup(pair, maxAge("30 minutes")))
      assert.strictEqual(error._tag, "RateTooOld")
    }))

  test("measures max_age from the time of the quote", (pair) =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const provider = yield* TestProvider
      yield* provider.respondWith(quotedBefore("2 minutes", "1600"))
      assert.deepInclude(summary(yield* rates.lookup(pair, maxAge("3 minutes"))), { stale: false })
      const error = yield* Effect.flip(rates.lookup(pair, maxAge("1 minute")))
      assert.strictEqual(error._tag, "RateTooOld")
      assert.deepInclude(summary(yield* rates.lookup(pair)), { rate: "1600", stale: false })
    }))

  for (const [title, options] of [
    ["", {}],
    [" and max_age is shorter", maxAge("1 minute")]
  ] as const)
    test(`calls the provider once per half a poll interval while its quote is a day old${title}`, (pair) =>
      Effect.gen(function* () {
        const rates = yield* Rates
        const provider = yield* TestProvider
        yield* provider.respondWith(quotedBefore("25 hours", "1600"))
        for (let i = 0; i < 60; i++) {
          const outcome = yield* Effect.result(rates.lookup(pair, options))
          if (title === "") assert.isTrue(outcome._tag === "Success" && outcome.success.stale)
          else assert.isTrue(outcome._tag === "Failure" && outcome.failure._tag === "RateTooOld")
          yield* TestClock.adjust("20 seconds")
        }
        // 20 minutes, and half of `POLL_INTERVAL` is 5 minutes.
        assert.strictEqual(yield* provider.calls, 4)
      }))
})
