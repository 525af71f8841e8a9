import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Option, Schema } from "effect"
import * as Currency from "../../../src/domain/money/Currency.ts"
import * as Money from "../../../src/domain/money/Money.ts"

const currencyOf = (code: string) => Option.getOrThrow(Currency.find(code))
/** Minor units 0, 2, 3 and 4. */
const currencies = ["XOF", "UGX", "USD", "NGN", "KWD", "CLF"].map(currencyOf)
const currency = Schema.Literals(currencies.map(({ code }) => code))
const amountText = Schema.String.check(Schema.isPattern(/^(0|[1-9][0-9]{0,17})(\.[0-9]{1,5})?$/))
const countOfUnits = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 1n, maximum: 10n ** 18n - 1n }))

/** The value times 10^60 as an integer, to check laws without BigDecimal arithmetic. */
const units = ({ scale, value }: BigDecimal.BigDecimal): bigint => value * 10n ** BigInt(60 - scale)

const unitsOfText = (text: string): bigint => {
  const [integer = "", fraction = ""] = text.replace("-", "").split(".")
  return BigInt(integer + fraction.padEnd(60, "0")) * (text.startsWith("-") ? -1n : 1n)
}

describe("Money.parse", () => {
  it.prop(
    "accepts positive amounts with at most the decimals of the currency",
    [amountText, currency],
    ([text, code]) => {
      const currency = currencyOf(code)
      const money = Money.parse(text, currency)
      const decimals = text.split(".")[1]?.length ?? 0
      assert.strictEqual(Option.isSome(money), decimals <= currency.minorUnit && unitsOfText(text) > 0n)
      if (Option.isSome(money)) {
        assert.strictEqual(units(money.value.amount), unitsOfText(text))
        assert.strictEqual(money.value.currency, currency)
      }
    }
  )

  it("rejects zero, signs, exponents and too many decimals", () => {
    const rejected = [
      "0",
      "0.00",
      "-1",
      "+1",
      "1e2",
      "1e999999999",
      "",
      "NaN",
      "1.",
      ".5",
      "01",
      "1.001",
      "9".repeat(19)
    ]
    for (const text of rejected) assert.isTrue(Option.isNone(Money.parse(text, currencyOf("USD"))), text)
    assert.isTrue(Option.isNone(Money.parse("1.0", currencyOf("XOF"))))
    assert.isTrue(Option.isSome(Money.parse("1.001", currencyOf("KWD"))))
  })
})

describe("Money.format", () => {
  it.prop(
    "formats every decimal of the minor unit and round-trips through parse",
    [countOfUnits, currency],
    ([value, code]) => {
      const currency = currencyOf(code)
      const money = { amount: BigDecimal.make(value, currency.minorUnit), currency }
      const text = Money.format(money)
      assert.strictEqual(text.split(".")[1]?.length ?? 0, currency.minorUnit)
      assert.strictEqual(unitsOfText(text), units(money.amount))
      assert.deepStrictEqual(Option.map(Money.parse(text, currency), Money.format), Option.some(text))
    }
  )

  it("pads amounts with zeros", () => {
    const formatted = (amount: BigDecimal.BigDecimal, code: string) =>
      Money.format({ amount, currency: currencyOf(code) })
    assert.strictEqual(formatted(BigDecimal.make(5n, -2), "USD"), "500.00")
    assert.strictEqual(formatted(BigDecimal.make(1000n, 0), "XOF"), "1000")
    assert.strictEqual(formatted(BigDecimal.make(125n, 2), "KWD"), "1.250")
    assert.strictEqual(formatted(BigDecimal.make(1n, 2), "USD"), "0.01")
  })
})
