import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Option, Result, Schema } from "effect"
import * as Conversion from "../../../src/domain/conversion/Conversion.ts"
import * as Currency from "../../../src/domain/money/Currency.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as Money from "../../../src/domain/money/Money.ts"
import vectors from "../../fixtures/rounding.json" with { type: "json" }

const currencyOf = (code: string) => Option.getOrThrow(Currency.find(code))

/** A conversion as text, with the field names of the fixture. */
type Vector = (typeof vectors.convert)[number]

const PRECISION = 150
const ONE = 10n ** BigInt(PRECISION)

/** The value times 10^150, as an integer: the tests do not rely on BigDecimal arithmetic. */
const units = (text: string): bigint => {
  const [, integer = "", fraction = ""] = /^(\d+)(?:\.(\d+))?$/.exec(text) ?? assert.fail(text)
  return BigInt(integer + fraction.padEnd(PRECISION, "0"))
}

const decimals = (text: string) => text.split(".")[1]?.length ?? 0

/** Asserts the published rules with integers. Exactly one set of numbers satisfies all of them. */
const assertRules = (vector: Vector) => {
  const [from, to] = [currencyOf(vector.from), currencyOf(vector.to)]
  assert.strictEqual(decimals(vector.input_amount), from.minorUnit)
  assert.strictEqual(decimals(vector.output_amount), to.minorUnit)
  const [input, output, rate] = [units(vector.input_amount), units(vector.output_amount), units(vector.rate)]
  const [exact, residual] = [units(vector.exact_output), units(vector.residual)]
  assert.strictEqual(rate * ONE, units(vector.mid_rate) * (ONE - units(vector.margin)), "rate")
  assert.strictEqual(exact * ONE, input * rate, "exact output")
  assert.strictEqual(exact, output + residual, "residual")
  if (vector.amount_type === "source") {
    assert.strictEqual(input, units(vector.amount))
    assert.isTrue(
      residual < ONE / 10n ** BigInt(to.minorUnit),
      "the customer could receive one minor unit more"
    )
  } else {
    assert.strictEqual(output, units(vector.amount))
    const less = input - ONE / 10n ** BigInt(from.minorUnit)
    assert.isTrue(less * rate < output * ONE, "the customer could pay one minor unit less")
  }
}

const isAmountType = Schema.is(Conversion.AmountType)

const compute = (request: Pick<Vector, "amount" | "amount_type" | "from" | "to" | "mid_rate" | "margin">) => {
  const [from, to] = [currencyOf(request.from), currencyOf(request.to)]
  const amountType = isAmountType(request.amount_type)
    ? request.amount_type
    : assert.fail(request.amount_type)
  const side = amountType === "source" ? from : to
  return Conversion.compute({
    amount: Option.getOrThrow(Money.parse(request.amount, side)).amount,
    amountType,
    from,
    to,
    terms: Conversion.makeTerms(
      Option.getOrThrow(Decimal.parse(request.mid_rate)),
      Option.getOrThrow(Decimal.parse(request.margin))
    )
  })
}

const textsOf = (computed: Conversion.ComputedConversion) => ({
  mid_rate: Decimal.format(computed.midRate),
  margin: Decimal.format(computed.margin),
  input_amount: Money.format(computed.input),
  output_amount: Money.format(computed.output),
  rate: Decimal.format(computed.rate),
  exact_output: Decimal.format(computed.exactOutput),
  residual: Decimal.format(computed.residual)
})

describe("test/fixtures/rounding.json", () => {
  for (const vector of vectors.convert) {
    const { amount, amount_type, from, margin, mid_rate, to } = vector
    it(`${amount} ${from} to ${to}, ${amount_type}, at ${mid_rate} less ${margin}`, () => {
      assertRules(vector)
      const request = { amount, amount_type, from, to }
      assert.deepStrictEqual({ ...request, ...textsOf(Result.getOrThrow(compute(vector))) }, vector)
    })
  }

  it("covers both amount types, 0, 2 and 3 decimals on both sides, and ties", () => {
    for (const type of ["source", "target"]) {
      const ofType = vectors.convert.filter(({ amount_type }) => amount_type === type)
      for (const side of ["from", "to"] as const) {
        const minorUnits = new Set(ofType.map((vector) => currencyOf(vector[side]).minorUnit))
        assert.deepStrictEqual([...minorUnits].toSorted(), [0, 2, 3], `${type} ${side}`)
      }
    }
    const ties = vectors.convert.filter(
      ({ amount_type, residual, to }) =>
        amount_type === "source" && units(residual) * 2n * 10n ** BigInt(currencyOf(to).minorUnit) === ONE
    )
    assert.isAtLeast(ties.length, 4)
  })
})

const bigint = (minimum: bigint, maximum: bigint) =>
  Schema.BigInt.check(Schema.isBetweenBigInt({ minimum, maximum }))
const codes = ["XOF", "UGX", "USD", "NGN", "KWD", "TND"]
/** With 2 decimals, 0.01 to 999 999 999 999.99. */
const countOfUnits = bigint(1n, 10n ** 14n - 1n)
/** With `decimalsOfRate`, 0.000001 to 1 000 000, evenly across magnitudes. */
const digitsOfRate = bigint(10n ** 11n, 10n ** 12n)
const decimalsOfRate = Schema.Int.check(Schema.isBetween({ minimum: 6, maximum: 17 }))
/** In millionths. */
const marginDigits = bigint(0n, 999_999n)

describe("Conversion.compute", () => {
  it.prop(
    "rounds once, never in favor of the customer, and satisfies the published rules",
    [
      Schema.Literals(["source", "target"]),
      Schema.Literals(codes),
      Schema.Literals(codes),
      countOfUnits,
      digitsOfRate,
      decimalsOfRate,
      marginDigits
    ],
    ([amount_type, from, to, count, digits, scale, millionths]) => {
      const side = currencyOf(amount_type === "source" ? from : to)
      const amount = Money.format({ amount: BigDecimal.make(count, side.minorUnit), currency: side })
      const mid_rate = Decimal.format(BigDecimal.make(digits, scale))
      const margin = Decimal.format(BigDecimal.make(millionths, 6))
      const request = { amount, amount_type, from, to, mid_rate, margin }
      const computed = compute(request)
      if (Result.isSuccess(computed)) return assertRules({ ...request, ...textsOf(computed.success) })
      // Rejected: it converts to less than one minor unit, or to 19 digits.
      const rate = units(mid_rate) * (ONE - units(margin))
      const unit = (code: string) => ONE / 10n ** BigInt(currencyOf(code).minorUnit)
      if (amount_type === "source") {
        const exact = units(amount) * rate
        assert.isTrue(exact < unit(to) * ONE * ONE || exact >= 10n ** 18n * ONE * ONE * ONE)
      } else {
        assert.isTrue(units(amount) * ONE * ONE > (10n ** 18n * ONE - unit(from)) * rate)
      }
    },
    { arbitrary: { runs: 2000 } }
  )

  it.prop(
    "computes the same input from a target amount as was converted to it",
    [countOfUnits],
    ([count]) => {
      const request = { from: "USD", to: "NGN", mid_rate: "1534.12345678", margin: "0.005" }
      const amount = Decimal.formatFixed(BigDecimal.make(count, 2), 2)
      const forward = Result.getOrThrow(compute({ ...request, amount, amount_type: "source" }))
      const output = Money.format(forward.output)
      const back = Result.getOrThrow(compute({ ...request, amount: output, amount_type: "target" }))
      assert.strictEqual(Money.format(back.input), amount)
    }
  )

  it("rejects amounts below one minor unit and amounts of more than 18 digits", () => {
    const request = { from: "USD", to: "NGN", mid_rate: "0.5", margin: "0" }
    const details = [
      { ...request, amount: "0.01", amount_type: "source" },
      { ...request, amount: "999999999999999999.99", amount_type: "source", mid_rate: "1.1" },
      { ...request, amount: "999999999999999999.99", amount_type: "target" }
    ].map((each) => Result.getOrThrow(Result.flip(compute(each))).detail)
    assert.match(details[0] ?? "", /less than one minor unit of NGN/)
    assert.match(details[1] ?? "", /more than 18 digits of NGN/)
    assert.match(details[2] ?? "", /more than 18 digits of USD/)
  })
})
