import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Result } from "effect"
import * as DomainConversion from "../../src/domain/conversion/Conversion.ts"
import * as Currency from "../../src/domain/money/Currency.ts"
import * as DomainDecimal from "../../src/domain/money/Decimal.ts"
import * as Conversion from "../../web/src/money/Conversion.ts"
import * as Decimal from "../../web/src/money/Decimal.ts"
import * as Format from "../../web/src/money/Format.ts"

const text = (value: Decimal.Decimal | undefined) => (value === undefined ? undefined : Decimal.toText(value))
const currency = (code: string) =>
  Currency.find(code).pipe((found) => Result.getOrThrow(Result.fromOption(found, () => code)))

/** Numbers that repeat in each run. */
const random = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return seed
}

describe("Decimals of the web app", () => {
  it("keep every digit of an amount beyond the precision of a number", () => {
    const amount = "12345678901234567890.123456789012345678"
    assert.strictEqual(text(Decimal.of(amount)), amount)
    assert.strictEqual(Format.group(amount), "12,345,678,901,234,567,890.123456789012345678")
  })

  it("round down, half away from zero and up", () => {
    const rounded = (value: string, scale: number) =>
      (["down", "half", "up"] as const).map((rounding) =>
        text(Decimal.round(Decimal.of(value), scale, rounding))
      )
    assert.deepStrictEqual(rounded("1.005", 2), ["1.00", "1.01", "1.01"])
    assert.deepStrictEqual(rounded("-1.005", 2), ["-1.00", "-1.01", "-1.01"])
    assert.deepStrictEqual(rounded("1.001", 2), ["1.00", "1.00", "1.01"])
    assert.deepStrictEqual(rounded("7", 2), ["7.00", "7.00", "7.00"])
  })

  it("reject what is not plain decimal text", () => {
    for (const wrong of ["", ".", "-", "1e5", "0x1", "1.2.3", "NaN", "Infinity", "1 2", "9".repeat(61)])
      assert.isUndefined(Decimal.parse(wrong), wrong)
  })

  it("are read from text as people type it", () => {
    assert.strictEqual(text(Format.parseAmount(" 1,234.50 ")), "1234.50")
    assert.strictEqual(text(Format.parseAmount("1 234 567")), "1234567")
    assert.strictEqual(text(Format.parseAmount(".5")), "0.5")
    for (const wrong of ["", "0", "0.00", "-5", "1e3", "five", "1.2.3"])
      assert.isUndefined(Format.parseAmount(wrong), wrong)
  })
})

describe("Rates of the web app", () => {
  it("are rounded in lists and complete on their own page", () => {
    assert.deepStrictEqual(Format.rate("1528.0351515"), { main: "1,528.", pips: "04" })
    assert.deepStrictEqual(Format.rate("128.735"), { main: "128.7", pips: "35" })
    assert.deepStrictEqual(Format.rate("11.85524"), { main: "11.85", pips: "52" })
    assert.deepStrictEqual(Format.rate("0.00065441"), { main: "0.000654", pips: "41" })
    assert.strictEqual(Format.fullRate("1528.0351515"), "1,528.0351515")
    assert.strictEqual(Format.fullRate("50383.4"), "50,383.40")
    assert.deepStrictEqual(Format.figure("1528.0351515"), { main: "1,528.03", pips: "52" })
    assert.deepStrictEqual(Format.figure("20"), { main: "20.00", pips: "" })
  })

  it("have changes and margins as percentages", () => {
    assert.strictEqual(Format.percentage(Decimal.of("-0.012345")), "1.23%")
    assert.strictEqual(Format.margin("0.005"), "0.5%")
    assert.strictEqual(Format.margin("0"), "0%")
  })
})

describe("The converter", () => {
  it("computes the amounts of the server, for amounts that are paid and that are received", () => {
    const next = random(7)
    for (let round = 0; round < 500; round++) {
      const [from, to] = [currency("USD"), currency(["NGN", "XOF", "GHS"][round % 3] ?? "NGN")]
      const midRate = `${next() % 3000}.${String(next()).padStart(10, "0")}`
      const margin = `0.0${next() % 100}`
      const amountType = round % 2 === 0 ? "source" : "target"
      const typed = amountType === "source" ? from : to
      const amount = DomainDecimal.format(
        BigDecimal.make(BigInt((next() % 1_000_000_000) + 1_000_000), typed.minorUnit)
      )
      const expected = DomainConversion.compute({
        amount: BigDecimal.fromStringUnsafe(amount),
        amountType,
        from,
        to,
        terms: DomainConversion.makeTerms(
          BigDecimal.fromStringUnsafe(midRate),
          BigDecimal.fromStringUnsafe(margin)
        )
      })
      if (Result.isFailure(expected)) continue
      const terms = { midRate, margin }
      const computed =
        amountType === "source"
          ? Conversion.received(Decimal.of(amount), terms, { decimals: to.minorUnit })
          : Conversion.paid(Decimal.of(amount), terms, { decimals: from.minorUnit })
      const { amount: exact, currency: side } =
        amountType === "source" ? expected.success.output : expected.success.input
      assert.strictEqual(
        text(computed),
        DomainDecimal.padDecimals(DomainDecimal.format(exact), side.minorUnit),
        `${amount} at ${midRate} − ${margin}`
      )
    }
  })

  it("shows the margin in units of what is paid, with all its digits", () => {
    const terms = { midRate: "1528.0351515", margin: "0.0051" }
    assert.strictEqual(text(Conversion.spreadOf(Decimal.of("1000.01"), terms, { decimals: 2 })), "5.100051")
    assert.strictEqual(text(Conversion.spreadOf(Decimal.of("1000"), terms, { decimals: 2 })), "5.10")
    assert.strictEqual(
      text(Conversion.rateOf({ midRate: "1528.0351515", margin: "0.005" })),
      "1520.3949757425"
    )
  })
})
