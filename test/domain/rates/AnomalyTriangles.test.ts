import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Option, Schema } from "effect"
import * as AnomalyChecks from "../../../src/domain/rates/AnomalyChecks.ts"
import * as AnomalyTriangles from "../../../src/domain/rates/AnomalyTriangles.ts"
import type { Rate } from "../../../src/domain/rates/Rate.ts"
import { pairOf } from "../../support/RateTicks.ts"

const exact = BigDecimal.fromStringUnsafe

const good = (rate: string, from: string, to: string): Pick<Rate, "pair" | "rate"> => ({
  pair: pairOf(from, to),
  rate: exact(rate)
})

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const number = Schema.Tuple([int(1, 2 ** 31), int(0, 12)])
const decimal = ([digits, scale]: readonly [number, number]) => BigDecimal.make(BigInt(digits), scale)

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
  const implied = (given: typeof rates) => AnomalyTriangles.impliedRate(pairOf("USD", "NGN"), given)

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
  const hasDiverged = (rate: string, anchor?: string) =>
    AnomalyTriangles.hasDiverged(
      exact(rate),
      anchor === undefined ? Option.none() : Option.some(exact(anchor)),
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
