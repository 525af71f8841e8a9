import { assert } from "@effect/vitest"
import { BigDecimal, Effect, Option } from "effect"
import type { AssetPair } from "../../../src/domain/money/AssetPair.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as ApproximateRates from "../../../src/domain/rates/ApproximateRates.ts"
import { type RateTick, RateId } from "../../../src/domain/rates/Rate.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { pairOf } from "../../support/RateTicks.ts"
import {
  acceptLast,
  newlyQuoted,
  poll,
  pollTogether,
  quarantined,
  quarantinedText,
  quote,
  singleSuite
} from "./GuardedRates.ts"

const SOURCES = ["USD", "CAD", "GBP", "EUR"]
const DESTINATIONS = ["XOF", "EGP", "GHS", "KES", "NGN", "ZAR"]
const PAIRS = SOURCES.flatMap((from) => DESTINATIONS.map((to) => pairOf(from, to)))
const ENV = {
  GUARD_FIRST_RATE_FACTOR: "5",
  RATE_SOURCES: SOURCES.join(),
  RATE_DESTINATIONS: DESTINATIONS.join()
}

const approximate = (pair: AssetPair) => Option.getOrThrow(ApproximateRates.magnitudeOf(pair))

/** Quotes approximate rates, times a factor for some pairs. */
const quoteTimes = (factors: Readonly<Record<string, string>>) =>
  quote({
    flutterwave: (base): RateTick => {
      const factor = factors[base.pair.key] ?? factors[base.pair.to] ?? "1"
      return { ...base, rate: times(approximate(base.pair), factor) }
    }
  })

const times = (rate: BigDecimal.BigDecimal, factor: string) =>
  Decimal.quotient(BigDecimal.multiply(rate, BigDecimal.fromStringUnsafe(factor)), BigDecimal.make(1n, 0))

const refused = (outcomes: Readonly<Record<string, string>>) =>
  Object.keys(outcomes).filter((key) => outcomes[key] === "quarantined")

const INTO_NGN = SOURCES.map((from) => `${from}:NGN`)

for (const factor of ["1000", "0.001", "10", "0.1", "4", "1.5", "0.6"])
  singleSuite(`RateGuard on the first poll, with one rate × ${factor}`, ENV, () =>
    Effect.gen(function* () {
      yield* quoteTimes({ "USD:NGN": factor })
      assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), ["USD:NGN"])
      const repo = yield* RateRepo
      assert.isTrue(Option.isNone(yield* repo.latest(pairOf("USD", "NGN"))))
      yield* quoteTimes({ "USD:NGN": factor })
      for (let day = 0; day < 4; day++) {
        assert.deepStrictEqual(refused(yield* pollTogether(PAIRS, "1 day")), ["USD:NGN"])
      }
      yield* quoteTimes({})
      assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), [])
    })
  )

singleSuite("RateGuard on the first poll, with all rates of a currency scaled", ENV, () =>
  Effect.gen(function* () {
    yield* quoteTimes({ NGN: "0.1" })
    assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), INTO_NGN)
    yield* quoteTimes({})
    assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), [])
  })
)

singleSuite("RateGuard on a pair that joins later, × 3", ENV, () =>
  Effect.gen(function* () {
    yield* quoteTimes({ "USD:NGN": "3" })
    yield* pollTogether(PAIRS.filter(({ key }) => key !== "USD:NGN"))
    for (let i = 0; i < 4; i++) {
      assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), ["USD:NGN"])
    }
    yield* quoteTimes({})
    assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), [])
  })
)

singleSuite("RateGuard on a pair that joins while its currency is × 1.5", ENV, () =>
  Effect.gen(function* () {
    yield* quoteTimes({})
    yield* pollTogether(PAIRS.filter(({ key }) => key !== "USD:NGN"))
    yield* quoteTimes({ NGN: "1.5" })
    const intoNgn = SOURCES.map((from) => `${from}:NGN`)
    // Also when the good rates are older than an hour.
    for (let i = 0; i < 8; i++) assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), intoNgn)
    yield* quoteTimes({})
    assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), [])
  })
)

singleSuite("RateGuard on a wrong first rate of a lookup", ENV, () =>
  Effect.gen(function* () {
    const pair = pairOf("USD", "NGN")
    yield* quoteTimes({ "USD:NGN": "3" })
    // Nothing but the order of magnitude is known yet.
    assert.notStrictEqual(yield* poll(pair), "quarantined")
    yield* quoteTimes({})
    yield* pollTogether(PAIRS)
    assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), [])
    const repo = yield* RateRepo
    const { rate } = Option.getOrThrow(yield* repo.latest(pair))
    assert.isTrue(BigDecimal.equals(rate, approximate(pair)))
  })
)

singleSuite("RateGuard on swapped legs", ENV, () =>
  Effect.gen(function* () {
    const usdNgn = pairOf("USD", "NGN")
    const eurUsd = pairOf("EUR", "USD")
    const one = BigDecimal.make(1n, 0)
    /** Derives the rate through the euro, as from a rate table. */
    const derived =
      (dollars: BigDecimal.BigDecimal, id: string) =>
      (base: RateTick): RateTick => ({
        ...newlyQuoted("1")(base),
        rate: Decimal.quotient(approximate(pairOf("EUR", "NGN")), dollars),
        legs: [{ id: RateId.make(id), pair: eurUsd, rate: dollars, providerRate: "1" }]
      })
    const dollars = approximate(eurUsd)
    const swapped = derived(Decimal.quotient(one, dollars), "01980000-0000-7000-8000-000000000001")
    yield* quote({ flutterwave: swapped })
    assert.strictEqual(yield* poll(usdNgn), "quarantined")
    yield* quote({ flutterwave: derived(dollars, "01a0c3e8-a980-7000-8000-000000000002") })
    assert.notStrictEqual(yield* poll(usdNgn), "quarantined")
    yield* quote({ flutterwave: swapped })
    for (let i = 0; i < 6; i++) assert.strictEqual(yield* poll(usdNgn, "8 hours"), "quarantined")
    assert.deepStrictEqual(
      (yield* quarantinedText(usdNgn)).map((text) => text.split(" ")[1]),
      ["inverted", ...Array(6).fill("jump+inverted")]
    )
  })
)

singleSuite("RateGuard on a pair without history near parity", ENV, () =>
  Effect.gen(function* () {
    const pair = pairOf("EUR", "USD")
    for (const rate of ["0.862", "0.858"]) {
      yield* quote({ flutterwave: newlyQuoted(rate) })
      for (let i = 0; i < 4; i++) assert.strictEqual(yield* poll(pair, "1 day"), "quarantined")
    }
    yield* quote({ flutterwave: newlyQuoted("1.16") })
    assert.strictEqual(yield* poll(pair), "1.16")
  })
)

singleSuite("RateGuard on a currency that moves against all sources", ENV, () =>
  Effect.gen(function* () {
    yield* quoteTimes({})
    yield* pollTogether(PAIRS)
    yield* quoteTimes({ NGN: "1.18" })
    assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), [])
    yield* quoteTimes({ NGN: "1.5" })
    assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), INTO_NGN)
  })
)

singleSuite("RateGuard on one pair that moves alone", ENV, () =>
  Effect.gen(function* () {
    yield* quoteTimes({})
    yield* pollTogether(PAIRS)
    yield* quoteTimes({ "USD:NGN": "1.15" })
    assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), ["USD:NGN"])
    assert.deepStrictEqual(
      (yield* quarantinedText(pairOf("USD", "NGN"))).map((text) => text.split(" ")[1]),
      ["triangle"]
    )
  })
)

singleSuite("RateGuard on all pairs of a drifting currency", ENV, () =>
  Effect.gen(function* () {
    yield* quoteTimes({})
    yield* pollTogether(PAIRS)
    let factor = 1
    for (let i = 0; i < 20; i++) {
      factor *= 1.02
      yield* quoteTimes({ NGN: factor.toFixed(9) })
      yield* pollTogether(PAIRS)
    }
    const repo = yield* RateRepo
    for (const from of SOURCES) {
      const pair = pairOf(from, "NGN")
      const { rate } = Option.getOrThrow(yield* repo.latest(pair))
      assert.isTrue(BigDecimal.isLessThanOrEqualTo(rate, times(approximate(pair), "1.1")))
    }
  })
)

singleSuite("RateGuard on a redenomination", ENV, () =>
  Effect.gen(function* () {
    yield* quoteTimes({})
    yield* pollTogether(PAIRS)
    yield* quoteTimes({ GHS: "0.001" })
    const intoGhs = SOURCES.map((from) => `${from}:GHS`)
    for (let i = 0; i < 4; i++) assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), intoGhs)
    yield* acceptLast(pairOf("GBP", "GHS"))
    // The decision does not cover other currencies.
    yield* quoteTimes({ GHS: "0.001", "USD:KES": "0.001" })
    assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), ["USD:KES"])
    for (const from of ["USD", "CAD", "EUR"]) {
      const found = yield* quarantined(pairOf(from, "GHS"))
      assert.isTrue(found.every(({ status }) => status === "accepted"))
      const decision = found.at(-1)?.decision
      assert.deepInclude(decision, {
        by: "operator",
        principal: "key_1",
        reason: "covered by the decision on GBP:GHS"
      })
    }
    yield* quoteTimes({ GHS: "0.00102" })
    assert.deepStrictEqual(refused(yield* pollTogether(PAIRS)), [])
  })
)
