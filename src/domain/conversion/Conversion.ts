import { BigDecimal, Result, Schema } from "effect"
import * as DisplayText from "../DisplayText.ts"
import type { Currency } from "../money/Currency.ts"
import { MAX_INTEGER_DIGITS } from "../money/Decimal.ts"
import type { Money } from "../money/Money.ts"
import * as Rounding from "../money/Rounding.ts"

/** Side of a conversion that its amount fixes: `source` is what is paid, `target` is what is received. */
export const AmountType = Schema.Literals(["source", "target"])
export type AmountType = typeof AmountType.Type

/** Text that a customer attaches to a conversion. */
export const Reference = DisplayText.line(100)

/** The input or output amount would be zero, or have too many digits. */
export class AmountOutOfRange extends Schema.TaggedError<AmountOutOfRange>()("AmountOutOfRange", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/**
 * Numbers of a conversion: `rate = midRate × (1 − margin)`, `exactOutput = input × rate` and
 * `residual = exactOutput − output`. The residual is never negative.
 */
export interface ComputedConversion {
  /** Paid by the customer. */
  readonly input: Money
  /** Received by the customer. */
  readonly output: Money
  readonly midRate: BigDecimal.BigDecimal
  readonly margin: BigDecimal.BigDecimal
  readonly rate: BigDecimal.BigDecimal
  readonly exactOutput: BigDecimal.BigDecimal
  readonly residual: BigDecimal.BigDecimal
}

/** Rate of a conversion: the mid rate, the margin and the rate after the margin. */
export type Terms = Pick<ComputedConversion, "midRate" | "margin" | "rate">

const ONE = BigDecimal.make(1n, 0)

export const makeTerms = (midRate: BigDecimal.BigDecimal, margin: BigDecimal.BigDecimal): Terms => ({
  midRate,
  margin,
  rate: BigDecimal.normalize(BigDecimal.multiply(midRate, BigDecimal.subtract(ONE, margin)))
})

const AMOUNT_LIMIT = BigDecimal.make(10n ** BigInt(MAX_INTEGER_DIGITS), 0)

/**
 * Computes a conversion exactly, with one rounding at the end. A source amount rounds down what the customer receives; a
 * target amount rounds up what the customer pays.
 */
export const compute = ({
  amount,
  amountType,
  from,
  terms,
  to
}: {
  readonly amount: BigDecimal.BigDecimal
  readonly amountType: AmountType
  readonly from: Currency
  readonly to: Currency
  readonly terms: Terms
}): Result.Result<ComputedConversion, AmountOutOfRange> => {
  const { margin, midRate, rate } = terms
  const input: Money =
    amountType === "source"
      ? { amount, currency: from }
      : { amount: divideUp(amount, rate, from.minorUnit), currency: from }
  const exactOutput = BigDecimal.multiply(input.amount, rate)
  const output: Money =
    amountType === "target" ? { amount, currency: to } : Rounding.round(exactOutput, to, "received").money
  for (const money of [input, output]) {
    if (!BigDecimal.isPositive(money.amount)) {
      return Result.fail(
        new AmountOutOfRange({
          detail: `the amount is too small: it converts to less than one minor unit of ${money.currency.code}`
        })
      )
    }
    if (BigDecimal.isGreaterThanOrEqualTo(money.amount, AMOUNT_LIMIT)) {
      return Result.fail(
        new AmountOutOfRange({
          detail: `the amount is too large: it converts to more than ${MAX_INTEGER_DIGITS} digits of ${money.currency.code}`
        })
      )
    }
  }
  const residual = BigDecimal.subtract(exactOutput, output.amount)
  return Result.succeed({ input, output, midRate, margin, rate, exactOutput, residual })
}

/** Divides and rounds up to a number of decimals, without intermediate rounding. */
const divideUp = (dividend: BigDecimal.BigDecimal, divisor: BigDecimal.BigDecimal, decimals: number) => {
  // Negative for a round divisor such as 100000, which has a negative scale.
  const shift = divisor.scale - dividend.scale + decimals
  const numerator = dividend.value * 10n ** BigInt(Math.max(0, shift))
  const denominator = divisor.value * 10n ** BigInt(Math.max(0, -shift))
  const quotient = numerator / denominator
  return BigDecimal.make(numerator % denominator === 0n ? quotient : quotient + 1n, decimals)
}
