import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Option } from "effect"
import * as Currency from "../../../src/domain/money/Currency.ts"
import * as AnomalyLevels from "../../../src/domain/rates/AnomalyLevels.ts"
import * as ApproximateRates from "../../../src/domain/rates/ApproximateRates.ts"
import type { RateAnomaly } from "../../../src/domain/rates/RateAnomaly.ts"
import { pairOf } from "../../support/RateTicks.ts"

const exact = BigDecimal.fromStringUnsafe
const LIMITS = { maxJump: exact("0.2"), maxDeviation: exact("0.1") }
const NOW = DateTime.makeUnsafe("2026-11-21T12:00:00.000Z")

const describeAll = (found: ReadonlyArray<RateAnomaly>) =>
  found
    .map((anomaly) => (anomaly.reason === "jump" && anomaly.since !== undefined ? "drift" : anomaly.reason))
    .join()

/** Compares the last of several consecutive rates with the ones before it, and with the rate of 30 days ago. */
const detect = (rates: ReadonlyArray<string>, oldest = rates[0]) => {
  const levels = rates.map(exact)
  const [rate, ...before] = levels.toReversed()
  const [last] = before
  const anchor = before.at(-1)
  if (rate === undefined || last === undefined || anchor === undefined || oldest === undefined) {
    return assert.fail()
  }
  const steps = before.map((from, index) => ({ from, to: [rate, ...before][index] ?? from }))
  const levelsBefore = { last, anchor, anchorAt: NOW, oldest: exact(oldest), oldestAt: NOW, steps }
  return describeAll(AnomalyLevels.detectLevelChange(rate, levelsBefore, LIMITS))
}

describe("detectLevelChange", () => {
  const cases: ReadonlyArray<readonly [rates: string, expected: string]> = [
    ["1500 1500", ""],
    ["1500 1800", ""],
    ["1500 1801", "jump"],
    ["1500 1250", ""],
    ["1500 1249", "jump"],
    ["1500 0.000666", "inverted,jump"],
    ["1.03 0.97", "inverted"],
    ["1.16 0.862", "inverted,jump"],
    // Small steps add up to GUARD_MAX_DEVIATION.
    ["1500 1550 1600 1650", ""],
    ["1500 1550 1600 1651", "drift"],
    ["1500 1450 1400 1350", "drift"],
    // One larger step is allowed in addition.
    ["1500 1700 1750", ""],
    ["1500 1520 1740", ""],
    ["1500 1700 1801", "drift"],
    ["1500 1700 1900", "drift"],
    // A fall back to the level at the start, and a drift from there.
    ["1500 1640 1450 1370", ""],
    ["1500 1640 1450 1360", "drift"],
    ["1500 1700 1500", ""]
  ]
  for (const [rates, expected] of cases) {
    it(`reports ${expected || "nothing"} for ${rates}`, () => {
      assert.strictEqual(detect(rates.split(" ")), expected)
    })
  }

  it("limits drifts that follow each other to GUARD_MAX_JUMP in 30 days", () => {
    assert.strictEqual(detect(["1640", "1700", "1800"], "1500"), "")
    assert.strictEqual(detect(["1640", "1700", "1801"], "1500"), "drift")
    assert.strictEqual(detect(["1370", "1300", "1250"], "1500"), "")
    assert.strictEqual(detect(["1370", "1300", "1249"], "1500"), "drift")
  })
})

describe("detectImplausible", () => {
  const cases: ReadonlyArray<readonly [rate: string, from: string, to: string, expected: string]> = [
    ["1534", "USD", "NGN", ""],
    ["460", "USD", "NGN", ""],
    ["7000", "USD", "NGN", ""],
    ["1534500", "USD", "NGN", "jump"],
    ["15345", "USD", "NGN", "jump"],
    ["153", "USD", "NGN", "jump"],
    ["1.5345", "USD", "NGN", "jump"],
    ["0.00065", "USD", "NGN", "inverted"],
    ["1534", "NGN", "USD", "inverted"],
    ["0.00065", "NGN", "USD", ""],
    ["0.86", "USD", "EUR", ""],
    ["1.05", "USD", "EUR", ""],
    ["1.16", "USD", "EUR", "inverted"],
    ["0.86", "EUR", "USD", "inverted"],
    ["0.75", "GBP", "USD", "inverted"],
    ["0.72", "USD", "CAD", "inverted"]
  ]
  for (const [rate, from, to, expected] of cases) {
    it(`reports ${expected || "nothing"} for a first rate ${rate} of ${from}:${to}`, () => {
      const found = AnomalyLevels.detectImplausible(exact(rate), pairOf(from, to), exact("5"))
      assert.strictEqual(describeAll(found), expected)
    })
  }

  it("knows an approximate rate of every currency", () => {
    const unknown = Currency.all.filter(({ code }) => Option.isNone(ApproximateRates.unitsOf(code)))
    assert.deepStrictEqual(unknown, [])
  })
})
