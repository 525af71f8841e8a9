import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Option, Schema } from "effect"
import * as Currency from "../../../src/domain/money/Currency.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as Money from "../../../src/domain/money/Money.ts"
import vectors from "../../fixtures/rounding.json" with { type: "json" }

const currencyOf = (code: string) => Option.getOrThrow(Currency.find(code))
/** Minor units 0, 2, 3 and 4. */
const currencies = ["XOF", "UGX", "USD", "NGN", "KWD", "CLF"].map(currencyOf)
const currency = Schema.Literals(currencies.map(({ code }) => code))
const roundings = ["received", "paid"] as const
const rounding = Schema.Literals(roundings)
const amountText = Schema.String.check(Schema.isPattern(/^(0|[1-9][0-9]{0,17})(\.[0-9]{1,5})?$/))
const unscaled = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: 10n ** 48n }))
const countOfUnits = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 1n, maximum: 10n ** 18n - 1n }))
const scale = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 }))

/** The value times 10^60 as an integer, to check laws without BigDecimal arithmetic. */
const units = ({ scale, value }: BigDecimal.BigDecimal): bigint => value * 10n ** BigInt(60 - scale)
const minorUnit = ({ minorUnit }: Currency.Currency): bigint => 10n ** BigInt(60 - minorUnit)

const unitsOfText = (text: string): bigint => {
  const [integer = "", fraction = ""] = text.replace("-", "").split(".")
  return BigInt(integer + fraction.padEnd(60, "0")) * (text.startsWith("-") ? -1n : 1n)
}

/** Asserts the definition of rounding. Exactly one pair of amount and residual satisfies it. */
const assertRounded = (
  { amount, exact, residual }: Record<"amount" | "exact" | "residual", bigint>,
  unit: bigint,
  rounding: Money.Rounding
) => {
  assert.strictEqual(amount + residual, exact)
  assert.strictEqual(amount % unit, 0n)
  const remainder = rounding === "received" ? residual : -residual
  assert.isTrue(remainder >= 0n && remainder < unit, `remainder: ${remainder}`)
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

describe("Money.round", () => {
  it.prop(
    "preserves the exact value and never favors the customer",
    [unscaled, scale, currency, rounding],
    ([value, scale, code, rounding]) => {
      const exact = BigDecimal.make(value, scale)
      const currency = currencyOf(code)
      const { money, residual } = Money.round(exact, currency, rounding)
      const amount = units(money.amount)
      assertRounded({ exact: units(exact), amount, residual: units(residual) }, minorUnit(currency), rounding)
      assert.strictEqual(money.currency, currency)
      assert.strictEqual(unitsOfText(Money.format(money)), amount)
      assert.strictEqual(Money.format(money).split(".")[1]?.length ?? 0, currency.minorUnit)
    },
    { arbitrary: { runs: 1000 } }
  )

  it.prop(
    "is idempotent in both directions",
    [unscaled, scale, currency, rounding],
    ([value, scale, code, rounding]) => {
      const currency = currencyOf(code)
      const once = Money.round(BigDecimal.make(value, scale), currency, rounding).money
      for (const direction of roundings) {
        const twice = Money.round(once.amount, currency, direction)
        assert.strictEqual(Money.format(twice.money), Money.format(once))
        assert.strictEqual(twice.residual.value, 0n)
      }
    }
  )

  it.prop(
    "differs by one minor unit between directions, or not at all if exact",
    [unscaled, scale, currency],
    ([value, scale, code]) => {
      const exact = BigDecimal.make(value, scale)
      const currency = currencyOf(code)
      const [down = 0n, up = 0n] = roundings.map((rounding) =>
        units(Money.round(exact, currency, rounding).money.amount)
      )
      const unit = minorUnit(currency)
      assert.strictEqual(up - down, units(exact) % unit === 0n ? 0n : unit)
    }
  )
})

describe("test/fixtures/rounding.json", () => {
  const isRounding = (text: string): text is Money.Rounding => text === "received" || text === "paid"

  for (const { amount, currency: code, exact, residual, rounding } of vectors.round) {
    it(`${exact} ${code} ${rounding}: ${amount}`, () => {
      assert.isTrue(isRounding(rounding))
      if (!isRounding(rounding)) return
      const currency = currencyOf(code)
      assert.strictEqual(amount.split(".")[1]?.length ?? 0, currency.minorUnit)
      const values = {
        exact: unitsOfText(exact),
        amount: unitsOfText(amount),
        residual: unitsOfText(residual)
      }
      assertRounded(values, minorUnit(currency), rounding)

      const rounded = Money.round(Option.getOrThrow(Decimal.parse(exact)), currency, rounding)
      assert.strictEqual(Money.format(rounded.money), amount)
      assert.strictEqual(Decimal.format(rounded.residual), residual)
    })
  }

  it("covers both directions of every case for 0, 2 and 3 decimals", () => {
    const minorUnits = new Set(vectors.round.map(({ currency }) => currencyOf(currency).minorUnit))
    assert.deepStrictEqual([...minorUnits].toSorted(), [0, 2, 3])
    const cases = new Set(vectors.round.map(({ currency, exact }) => `${exact} ${currency}`))
    assert.strictEqual(vectors.round.length, 2 * cases.size)
  })
})
