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

describe("detectJump", () => {
  const cases: ReadonlyArray<readonly [rate: string, last: string, allowed: string, reasons: string]> = [
    ["1500", "1500", "0.2", ""],
    ["2250", "1500", "0.2", "jump"],
    ["750", "1500", "0.2", "jump"],
    ["2250", "1500", "0.5", ""],
    ["0.000666", "1500", "0.2", "inverted,jump"],
    ["0.0007", "1500", "0.2", "inverted,jump"],
    ["0.0008", "1500", "0.2", "jump"],
    ["1500", "0.000666", "0.2", "inverted,jump"],
    // Its inverse is near enough to be no jump.
    ["1.0526", "0.95", "0.2", ""],
    ["1.25", "0.8", "0.2", "inverted,jump"]
  ]
  for (const [rate, last, allowed, reasons] of cases) {
    it(`reports ${reasons || "nothing"} for ${rate} after ${last} with ${allowed} allowed`, () => {
      assert.strictEqual(
        reasonsOf(AnomalyChecks.detectJump(exact(rate), good(last), exact(allowed))),
        reasons
      )
    })
  }

  it("increases the allowed jump by maxJump per day", () => {
    const allowed = (hours: number) =>
      BigDecimal.format(AnomalyChecks.allowedJump(exact("0.2"), Duration.hours(hours)))
    assert.deepStrictEqual([0, 12, 24, 72].map(allowed), ["0.2", "0.3", "0.4", "0.8"])
  })
})

describe("detectInversion of the first rate of a pair", () => {
  const cases: ReadonlyArray<readonly [rate: string, from: string, to: string, reasons: string]> = [
    ["1534", "USD", "NGN", ""],
    ["60", "USD", "NGN", ""],
    ["40000", "USD", "NGN", ""],
    ["1000000", "USD", "NGN", ""],
    ["0.00065", "USD", "NGN", "inverted"],
    ["0.5", "USD", "NGN", "inverted"],
    ["1", "USD", "NGN", ""],
    ["1534", "NGN", "USD", "inverted"],
    ["0.00065", "NGN", "USD", ""],
    ["0.86", "USD", "EUR", ""],
    ["1.16", "USD", "EUR", ""],
    ["0.0001", "USD", "CLP", ""]
  ]
  for (const [rate, from, to, reasons] of cases) {
    it(`reports ${reasons || "nothing"} for ${rate} ${from}:${to}`, () => {
      assert.strictEqual(reasonsOf(AnomalyChecks.detectInversion(exact(rate), pairOf(from, to))), reasons)
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

describe("impliedRate", () => {
  const units: Readonly<Record<string, string>> = {
    USD: "1",
    EUR: "0.86",
    GBP: "0.75",
    NGN: "1500",
    KES: "130",
    GHS: "12",
    XOF: "564"
  }
  const unit = (code: string) => exact(units[code] ?? assert.fail(code))
  const sources = ["USD", "EUR", "GBP"]
  const destinations = ["NGN", "KES", "GHS", "XOF"]
  const rates = sources.flatMap((from) =>
    destinations.map((to) => good(BigDecimal.format(BigDecimal.divideUnsafe(unit(to), unit(from))), from, to))
  )
  const allowed = exact("0.001")
  const implied = (given: ReadonlyArray<Rate>) => AnomalyChecks.impliedRate(pairOf("USD", "NGN"), given)

  it("computes the cross rate without the rate of the pair itself", () => {
    const { rate, routes } = Option.getOrThrow(implied(rates))
    assert.strictEqual(routes, 6)
    assert.isTrue(AnomalyChecks.isWithin(rate, exact("1500"), allowed))
  })

  it.prop("is robust against one wrong rate", [int(0, rates.length - 1), number], ([index, wrong]) => {
    // Half of the routes end with the NGN rate of another source.
    if (rates[index]?.pair.to === "NGN") return
    const given = rates.map((rate, i) => (i === index ? { ...rate, rate: decimal(wrong) } : rate))
    assert.isTrue(AnomalyChecks.isWithin(Option.getOrThrow(implied(given)).rate, exact("1500"), allowed))
  })

  it("returns none with too few cross rates", () => {
    const among = (codes: ReadonlyArray<string>) =>
      implied(rates.filter(({ pair }) => codes.includes(pair.to)))
    assert.isTrue(Option.isNone(implied([])))
    assert.isTrue(Option.isNone(implied(rates.filter(({ pair }) => pair.from === "USD"))))
    assert.isTrue(Option.isNone(among(["NGN", "KES"])))
    assert.isTrue(Option.isSome(among(["NGN", "KES", "GHS"])))
  })
})

describe("hasDiverged", () => {
  const allowed = exact("0.1")
  const reference = exact("1500")
  const hasDiverged = (rate: string, last?: string) =>
    AnomalyChecks.hasDiverged(
      exact(rate),
      last === undefined ? Option.none() : Option.some(good(last)),
      reference,
      allowed
    )

  it("reports a rate that moves away, but not one that already differed", () => {
    assert.isFalse(hasDiverged("1600", "1500"))
    assert.isTrue(hasDiverged("1700", "1500"))
    assert.isTrue(hasDiverged("1700"))
    assert.isFalse(hasDiverged("1700", "1710"))
    assert.isFalse(hasDiverged("1500", "1700"))
  })

  it("ignores small moves at the edge of the tolerance", () => {
    assert.isFalse(hasDiverged("1655", "1640"))
    assert.isTrue(hasDiverged("1690", "1640"))
  })
})

describe("isConfirmable", () => {
  const of = (rate: string, last: string, ...reasons: ReadonlyArray<RateAnomaly>) =>
    AnomalyChecks.isConfirmable(reasons, exact(rate), Option.some(good(last)))
  const jumped: RateAnomaly = { reason: "jump", against: exact("1500"), allowed: exact("0.2") }

  it("accepts a level within a factor of 10, but never an inverted, unchanged or outdated one", () => {
    assert.isTrue(of("15000", "1500", jumped))
    assert.isTrue(of("150", "1500", jumped))
    assert.isFalse(of("15000.1", "1500", jumped))
    assert.isFalse(of("149.9", "1500", jumped))
    assert.isFalse(of("2250", "1500", jumped, { reason: "inverted", against: exact("1500") }))
    assert.isFalse(of("1500", "1500", { reason: "unchanged", since: NOW }))
    assert.isFalse(of("1500", "1500", { reason: "outdated", at: NOW }))
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
