import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Option, Schema } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"

const DIGITS = Decimal.QUOTIENT_DIGITS

const digits = (pattern: string) => Schema.String.check(Schema.isPattern(new RegExp(pattern)))
const bigint = (minimum: bigint, maximum: bigint) =>
  Schema.BigInt.check(Schema.isBetweenBigInt({ minimum, maximum }))
const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** 1 to 18 significant digits, as an integer. */
const significand = digits("^[1-9][0-9]{0,17}$")
/** At most as many digits as a quotient keeps. */
const short = digits(`^[1-9][0-9]{0,${DIGITS - 1}}$`)
/** Exactly as many digits as a quotient keeps. */
const full = digits(`^[1-9][0-9]{${DIGITS - 1}}$`)
const amount = Schema.Tuple([significand, int(0, 30)])
const decimal = ([value, scale]: readonly [string, number]) => BigDecimal.make(BigInt(value), scale)

const abs = (value: bigint): bigint => (value < 0n ? -value : value)
const parsed = (text: string) => Option.getOrThrow(Decimal.parse(text))
const quotient = (a: BigDecimal.BigDecimal, b: BigDecimal.BigDecimal) =>
  Decimal.format(Decimal.quotient(a, b))

/** The value times 10^60, an integer for every scale in these tests. */
const units = (value: BigDecimal.BigDecimal): bigint => {
  assert.isAtMost(value.scale, 60)
  return value.value * 10n ** BigInt(60 - value.scale)
}

/** The exact quotient as a fraction, and the exponent of its first digit. */
const exact = (dividend: BigDecimal.BigDecimal, divisor: BigDecimal.BigDecimal) => {
  const [above, below] = [units(dividend), units(divisor)]
  const atLeast = (exponent: number) => above * 10n ** BigInt(200 - exponent) >= below * 10n ** 200n
  let exponent = String(above).length - String(below).length
  if (!atLeast(exponent)) exponent--
  assert.isTrue(atLeast(exponent) && !atLeast(exponent + 1))
  return { above, below, exponent }
}

describe("Decimal.quotient", () => {
  it.prop(
    "is within half a unit of its last digit",
    [amount, amount],
    ([a, b]) => {
      const result = BigDecimal.normalize(Decimal.quotient(decimal(a), decimal(b)))
      assert.isAtMost(String(result.value).length, DIGITS)
      const { above, below, exponent } = exact(decimal(a), decimal(b))
      // |result - above/below| <= 10^(exponent - DIGITS + 1) / 2, over the common denominator below * 10^80
      const error = abs(result.value * 10n ** BigInt(80 - result.scale) * below - above * 10n ** 80n)
      assert.isTrue(2n * error <= 10n ** BigInt(80 + exponent - DIGITS + 1) * below)
    },
    { arbitrary: { runs: 1000 } }
  )

  it.prop(
    "is exact if the division terminates",
    [short, amount, int(-20, 20)],
    ([result, divisor, scale]) => {
      const expected = BigDecimal.make(BigInt(result), scale)
      const b = decimal(divisor)
      const dividend = BigDecimal.make(expected.value * b.value, expected.scale + b.scale)
      assert.strictEqual(quotient(dividend, b), Decimal.format(expected))
    }
  )

  it.prop("rounds a tie to the even neighbor", [full, amount, int(-20, 20)], ([first, divisor, scale]) => {
    const below = BigInt(first)
    const b = decimal(divisor)
    const tie = (more: bigint) =>
      BigDecimal.make((below * 10n + 5n) * b.value * 10n ** 30n + more, scale + b.scale + 31)
    const even = BigDecimal.make(below + (below % 2n), scale)
    assert.strictEqual(quotient(tie(0n), b), Decimal.format(even))
    // Slightly more or less than half is not a tie.
    assert.strictEqual(quotient(tie(1n), b), Decimal.format(BigDecimal.make(below + 1n, scale)))
    assert.strictEqual(quotient(tie(-1n), b), Decimal.format(BigDecimal.make(below, scale)))
  })

  it("computes known rates", () => {
    const rate = (a: string, b: string) => quotient(parsed(a), parsed(b))
    assert.strictEqual(rate("1534500", "1000"), "1534.5")
    assert.strictEqual(rate("1", "3"), "0.333333333333333")
    assert.strictEqual(rate("2", "3"), "0.666666666666667")
    assert.strictEqual(rate("1000", "1440921.34"), "0.000694000409488002")
    assert.strictEqual(rate("1000", "1440239.425"), "0.000694329000193839")
    assert.strictEqual(rate("1000", "114988.5"), "0.00869652182609565")
    const longer = (a: string, b: string) => Decimal.format(Decimal.quotient(parsed(a), parsed(b), 18))
    assert.strictEqual(longer("2", "3"), "0.666666666666666667")
    assert.strictEqual(longer("1000", "1440921.34"), "0.000694000409488001614")
    assert.strictEqual(rate("0.1000000000000005", "1"), "0.1")
    assert.strictEqual(rate("0.1000000000000015", "1"), "0.100000000000002")
  })

  it.prop("round-trips through text, down to 1e-12", [significand, bigint(1n, 10n ** 12n)], ([a, b]) => {
    const rate = Decimal.quotient(BigDecimal.make(BigInt(a), 0), BigDecimal.make(b, 0))
    assert.isTrue(BigDecimal.equals(parsed(Decimal.format(rate)), rate))
  })

  it.prop(
    "recovers the rate from which a provider computed an amount in doubles",
    [full, int(DIGITS - 7, DIGITS + 6)],
    ([rate, scale]) => {
      const source = JSON.stringify(1_000_000 / Number(`${rate}e-${scale}`))
      const sourceAmount = Option.getOrThrow(Decimal.parseJsonNumber(source))
      const expected = BigDecimal.make(BigInt(rate), scale)
      assert.strictEqual(quotient(parsed("1000000"), sourceAmount), Decimal.format(expected), source)
    },
    { arbitrary: { runs: 1000 } }
  )
})
