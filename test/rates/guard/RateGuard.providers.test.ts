import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { tick } from "../../support/RateTicks.ts"
import {
  acceptLast,
  newlyQuoted,
  poll,
  pollGood,
  quarantinedText,
  quote,
  quotedAt,
  served,
  suite
} from "./GuardedRates.ts"

const TODAY = "2026-09-21T12:00:00.000Z"

suite("RateGuard with two providers", (test) => {
  test("accepts a jump that another provider confirms, and records the decision", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      yield* quote({ flutterwave: "900", fixer: "920" })
      assert.strictEqual(yield* poll(pair), "900")
      assert.deepStrictEqual(yield* quarantinedText(pair), ["900 jump 1 accepted by confirmation"])
      assert.strictEqual(yield* served(pair), "900")
    }))

  test("quarantines a rate that diverges from another provider, also after an outage of the other one", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      yield* quote({ flutterwave: "1700", fixer: "1500" })
      assert.strictEqual(yield* poll(pair), "1500")
      assert.deepStrictEqual(yield* quarantinedText(pair), ["1700 disagrees 1 pending"])
      yield* quote({ flutterwave: "1700" })
      assert.strictEqual(yield* poll(pair), "1700")
      yield* quote({ flutterwave: "1705", fixer: "1500" })
      assert.strictEqual(yield* poll(pair), "1500")
    }))

  test("stops a drift away from another provider, and serves the other one", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      let rate = 1500
      for (let i = 0; i < 40; i++) {
        rate *= 1.02
        yield* quote({ flutterwave: rate.toFixed(6), fixer: "1500" })
        yield* poll(pair)
      }
      assert.strictEqual(yield* served(pair), "1500")
    }))

  test("does not accept new quotes while another provider answers with another level", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      yield* quote({ flutterwave: newlyQuoted("2250"), fixer: "15000" })
      for (let i = 0; i < 6; i++) assert.strictEqual(yield* poll(pair, "8 hours"), "quarantined")
      yield* quote({ flutterwave: newlyQuoted("2250") })
      assert.strictEqual(yield* poll(pair), "2250")
    }))

  test("does not accept an inverted rate that another provider confirms", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      yield* quote({ flutterwave: newlyQuoted("0.000667"), fixer: newlyQuoted("0.000667") })
      assert.strictEqual(yield* poll(pair), "quarantined")
    }))

  test("accepts any other change that another provider confirms, in one poll", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      for (const rate of ["1.5", "1500", "2250", "0.1"]) {
        yield* quote({ flutterwave: newlyQuoted(rate), fixer: newlyQuoted(rate) })
        assert.strictEqual(yield* poll(pair), rate)
      }
    }))

  test(
    "cross-checks only suspicious rates when GUARD_CROSS_CHECK is off",
    (pair) =>
      Effect.gen(function* () {
        yield* pollGood(pair)
        yield* quote({ flutterwave: "1700", fixer: "1500" })
        assert.strictEqual(yield* poll(pair), "1700")
        yield* quote({ flutterwave: "2100", fixer: "1500" })
        assert.strictEqual(yield* poll(pair), "1500")
        assert.deepStrictEqual(yield* quarantinedText(pair), ["2100 jump+disagrees 1 pending"])
      }),
    { GUARD_CROSS_CHECK: "off" }
  )

  test("does not fetch a current reference for a rate that has long differed", (pair) =>
    Effect.gen(function* () {
      let referenceCalls = 0
      yield* pollGood(pair)
      yield* quote({
        flutterwave: "1501",
        fixer: (base) => (referenceCalls++, quotedAt(TODAY, "1000")(base))
      })
      assert.strictEqual(yield* poll(pair), "1501")
      assert.strictEqual(referenceCalls, 1)
    }))

  test("accepts a small move of a provider that is close to the allowed deviation", (pair) =>
    Effect.gen(function* () {
      yield* quote({ flutterwave: "1640", fixer: "1500" })
      yield* poll(pair)
      yield* quote({ flutterwave: "1655", fixer: "1500" })
      assert.strictEqual(yield* poll(pair), "1655")
      assert.deepStrictEqual(yield* quarantinedText(pair), [])
    }))

  test("accepts a provider that recovers at its own level after a fallback at another level", (pair) =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      yield* pollGood(pair)
      yield* repo.insert({ ...(yield* tick(pair.from, pair.to, "1790")), provider: "fixer" })
      yield* TestClock.adjust("10 minutes")
      yield* repo.insert({ ...(yield* tick(pair.from, pair.to, "2000")), provider: "fixer" })
      assert.strictEqual(yield* poll(pair), "1500")
      assert.deepStrictEqual(yield* quarantinedText(pair), [])
    }))

  const bothProviders = {
    PROVIDERS: "flutterwave,fixer",
    FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-0123456789abcdef-X",
    FX_API_KEY: "0123456789abcdef0123456789abcdef"
  }

  test(
    "accepts the preferred provider's recovery if its fallback has always been at another level",
    (pair) =>
      Effect.gen(function* () {
        yield* pollGood(pair)
        yield* quote({ fixer: "1050" })
        assert.strictEqual(yield* poll(pair), "quarantined")
        yield* acceptLast(pair)
        yield* quote({ flutterwave: "1505", fixer: "1050" })
        assert.strictEqual(yield* poll(pair), "1505")
      }),
    bothProviders
  )

  test(
    "quarantines the preferred provider's recovery at a level that its fallback has left",
    (pair) =>
      Effect.gen(function* () {
        yield* pollGood(pair)
        yield* quote({ fixer: "1510" })
        assert.strictEqual(yield* poll(pair), "1510")
        yield* quote({ fixer: "1050" })
        assert.strictEqual(yield* poll(pair), "quarantined")
        yield* acceptLast(pair)
        yield* quote({ flutterwave: "1505", fixer: "1050" })
        assert.strictEqual(yield* poll(pair), "1050")
      }),
    bothProviders
  )
})
