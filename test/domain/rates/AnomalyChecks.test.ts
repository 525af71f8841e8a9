import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Duration, Option, Schema } from "effect"
import * as AnomalyChecks from "../../../src/domain/rates/AnomalyChecks.ts"
import type { RateAnomaly } from "../../../src/domain/rates/RateAnomaly.ts"
import { RateId, type Rate } from "../../../src/domain/rates/Rate.ts"
import { pairOf } from "../../support/RateTicks.ts"

const exact = BigDecimal.fromStringUnsafe
const NOW = DateTime.makeUnsafe("2026-11-21T12:00:00.000Z")

const good = (rate: string, from = "USD", to = "NGN"): Rate => ({
  id: RateId.make("01980000-0000-7000-8000-000000000000"),
  pair: pairOf(from, to),
  rate: exact(rate),
  provider: "test",
  observedAt: NOW
})

const reasonsOf = (found: ReadonlyArray<RateAnomaly>) => found.map(({ reason }) => reason).join()

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const number = Schema.Tuple([int(1, 2 ** 31), int(0, 12)])
const decimal = ([digits, scale]: readonly [number, number]) => BigDecimal.make(BigInt(digits), scale)

describe("isWithin", () => {
  it.prop("is symmetric", [number, number, number], (given) => {
    const [a, b, allowed] = [decimal(given[0]), decimal(given[1]), decimal(given[2])]
    assert.strictEqual(AnomalyChecks.isWithin(a, b, allowed), AnomalyChecks.isWithin(b, a, allowed))
    assert.isTrue(AnomalyChecks.isWithin(a, a, allowed))
  })

  it("is exact at the limit", () => {
    assert.isTrue(AnomalyChecks.isWithin(exact("1800"), exact("1500"), exact("0.2")))
    assert.isFalse(AnomalyChecks.isWithin(exact("1800.000000001"), exact("1500"), exact("0.2")))
    assert.isTrue(AnomalyChecks.isWithin(exact("1250"), exact("1500"), exact("0.2")))
    assert.isFalse(AnomalyChecks.isWithin(exact("1249.999999999"), exact("1500"), exact("0.2")))
  })
})

describe("isInverse", () => {
  const cases: ReadonlyArray<readonly [rate: string, other: string, expected: boolean]> = [
    ["0.000666", "1500", true],
    ["1500", "0.000666", true],
    ["0.0007", "1500", true],
    ["0.0008", "1500", false],
    ["1500", "1500", false],
    // Near parity
    ["0.862", "1.16", true],
    ["1.16", "0.862", true],
    ["0.97", "1.03", true],
    ["1.01", "0.99", false],
    ["1.03", "1.16", false],
    ["0.94", "1.16", false]
  ]
  for (const [rate, other, expected] of cases) {
    it(`returns ${expected} for ${rate} and ${other}`, () => {
      assert.strictEqual(AnomalyChecks.isInverse(exact(rate), exact(other)), expected)
    })
  }
})

describe("detectOutdated", () => {
  const at = (shift: Duration.Input) => DateTime.addDuration(NOW, shift)
  const before = (shift: Duration.Input) => DateTime.subtractDuration(NOW, shift)
  const find = (observedAt: DateTime.Utc, quotedAt?: DateTime.Utc) =>
    reasonsOf(AnomalyChecks.detectOutdated({ observedAt, quotedAt }, NOW))

  it("accepts quotes of the last 7 days and small clock skew", () => {
    assert.strictEqual(find(NOW), "")
    assert.strictEqual(find(at("5 minutes"), at("5 minutes")), "")
    assert.strictEqual(find(NOW, before("7 days")), "")
    // An old observation time is valid: imports have it.
    assert.strictEqual(find(before("30 days")), "")
  })

  it("reports quotes that are older or in the future", () => {
    assert.strictEqual(find(NOW, before(Duration.millis(7 * 86_400_000 + 1))), "outdated")
    assert.strictEqual(find(NOW, at(Duration.millis(300_001))), "outdated")
    assert.strictEqual(find(at(Duration.millis(300_001))), "outdated")
  })
})

describe("isConfirmable", () => {
  const of = (rate: string, last: string | undefined, ...reasons: ReadonlyArray<RateAnomaly>) =>
    AnomalyChecks.isConfirmable(
      reasons,
      exact(rate),
      last === undefined ? Option.none() : Option.some(good(last))
    )
  const against = exact("1500")
  const allowed = exact("0.2")
  const jumped: RateAnomaly = { reason: "jump", against, allowed }

  it("allows a jump within a factor of 5, but no slipped decimal point and no first rate", () => {
    assert.isTrue(of("7500", "1500", jumped))
    assert.isTrue(of("300", "1500", jumped))
    for (const rate of ["7500.1", "14985", "15000", "299.9", "150", "1.5", "1500000"])
      assert.isFalse(of(rate, "1500", jumped), rate)
    assert.isFalse(of("2250", undefined, jumped))
  })

  it("does not allow an inversion, a contradiction, or an old or unchanged rate", () => {
    const others: ReadonlyArray<RateAnomaly> = [
      { reason: "inverted", against },
      { reason: "triangle", against, allowed, routes: 3 },
      { reason: "disagrees", against, allowed, provider: "fixer" },
      { reason: "unchanged", since: NOW },
      { reason: "outdated", at: NOW }
    ]
    for (const other of others) assert.isFalse(of("2250", "1500", jumped, other), other.reason)
  })
})

describe("isPegged", () => {
  it("recognizes the euro and dollar pegs", () => {
    const pegged = [pairOf("EUR", "XOF"), pairOf("XAF", "EUR"), pairOf("XOF", "XAF"), pairOf("USD", "AED")]
    assert.isTrue(pegged.every(AnomalyChecks.isPegged))
    const floating = [pairOf("USD", "XOF"), pairOf("EUR", "NGN"), pairOf("EUR", "AED"), pairOf("USD", "ZAR")]
    assert.isFalse(floating.some(AnomalyChecks.isPegged))
  })
})
