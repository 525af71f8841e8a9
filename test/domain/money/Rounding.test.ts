import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Option, Schema } from "effect"
import * as Currency from "../../../src/domain/money/Currency.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as Money from "../../../src/domain/money/Money.ts"
import * as Rounding from "../../../src/domain/money/Rounding.ts"
import vectors from "../../fixtures/rounding.json" with { type: "json" }

const currencyOf = (code: string) => Option.getOrThrow(Currency.find(code))
/** Minor units 0, 2, 3 and 4. */
const currencies = ["XOF", "UGX", "USD", "NGN", "KWD", "CLF"].map(currencyOf)
const currency = Schema.Literals(currencies.map(({ code }) => code))
const roundings = ["received", "paid"] as const
const rounding = Schema.Literals(roundings)
const unscaled = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: 10n ** 48n }))
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
  rounding: Rounding.RoundingDirection
) => {
  assert.strictEqual(amount + residual, exact)
  assert.strictEqual(amount % unit, 0n)
  const remainder = rounding === "received" ? residual : -residual
  assert.isTrue(remainder >= 0n && remainder < unit, `remainder: ${remainder}`)
}

describe("Rounding.round", () => {
  it.prop(
    "preserves the exact value and never favors the customer",
    [unscaled, scale, currency, rounding],
    ([value, scale, code, rounding]) => {
      const exact = BigDecimal.make(value, scale)
      const currency = currencyOf(code)
      const { money, residual } = Rounding.round(exact, currency, rounding)
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
      const once = Rounding.round(BigDecimal.make(value, scale), currency, rounding).money
      for (const direction of roundings) {
        const twice = Rounding.round(once.amount, currency, direction)
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
        units(Rounding.round(exact, currency, rounding).money.amount)
      )
      const unit = minorUnit(currency)
      assert.strictEqual(up - down, units(exact) % unit === 0n ? 0n : unit)
    }
  )
})

describe("test/fixtures/rounding.json", () => {
  const isRounding = (text: string): text is Rounding.RoundingDirection =>
    text === "received" || text === "paid"

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

      const rounded = Rounding.round(Option.getOrThrow(Decimal.parse(exact)), currency, rounding)
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
