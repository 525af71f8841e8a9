import { BigDecimal, Option, Result, Schema } from "effect"
import type { Currency } from "../money/Currency.ts"
import { MAX_INTEGER_DIGITS } from "../money/Decimal.ts"
import * as Money from "../money/Money.ts"

/** Which side of a conversion its amount is: what is paid in (`source`), or what must arrive (`target`). */
export const AmountType = Schema.Literals(["source", "target"])
export type AmountType = typeof AmountType.Type

/** A customer's own words for a conversion. */
export const Reference = Schema.String.check(
  Schema.isMinLength(1, { message: "must not be empty" }),
  Schema.isMaxLength(100, { message: "must have 100 characters at most" }),
  Schema.isPattern(/^[^\p{Cc}\p{Cs}]*$/u, { message: "must not contain control characters" })
)

/** Whether a text can be an idempotency key: RFC 9110 allows no other characters in a header. */
export const isIdempotencyKey = (text: string): boolean => /^[\x20-\x7e]{1,255}$/.test(text)

/** What {@link isIdempotencyKey} takes, for messages. */
export const IDEMPOTENCY_KEY_ALLOWED = "1 to 255 printable ASCII characters"

/** A conversion would pay in or pay out nothing, or more than can be written. */
export class AmountOutOfRange extends Schema.TaggedError<AmountOutOfRange>()("AmountOutOfRange", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/**
 * The numbers of a conversion. Each follows from the others: `rate = midRate × (1 − margin)`,
 * `exactOutput = input × rate`, `residual = exactOutput − output`, and the residual is never below zero.
 */
export interface ComputedConversion {
  /** What the customer pays. */
  readonly input: Money.Money
  /** What the customer receives. */
  readonly output: Money.Money
  readonly midRate: BigDecimal.BigDecimal
  readonly margin: BigDecimal.BigDecimal
  readonly rate: BigDecimal.BigDecimal
  readonly exactOutput: BigDecimal.BigDecimal
  readonly residual: BigDecimal.BigDecimal
}

/** What a pair is converted at: its mid rate, less what is kept of it. */
export type Terms = Pick<ComputedConversion, "midRate" | "margin" | "rate">

const ONE = BigDecimal.make(1n, 0)

export const termsOf = (midRate: BigDecimal.BigDecimal, margin: BigDecimal.BigDecimal): Terms => ({
  midRate,
  margin,
  rate: BigDecimal.normalize(BigDecimal.multiply(midRate, BigDecimal.subtract(ONE, margin)))
})

/** An amount above what can be written. */
const TOO_LARGE = BigDecimal.make(10n ** BigInt(MAX_INTEGER_DIGITS), 0)

/**
 * Computes a conversion, exact until one rounding at its end: down for what the customer receives (an amount of the
 * source), up for what the customer pays (an amount of the target).
 */
export const compute = (asked: {
  readonly amount: BigDecimal.BigDecimal
  readonly amountType: AmountType
  readonly from: Currency
  readonly to: Currency
  readonly terms: Terms
}): Result.Result<ComputedConversion, AmountOutOfRange> => {
  const { amount, amountType, from, terms, to } = asked
  const { margin, midRate, rate } = terms
  const input: Money.Money =
    amountType === "source"
      ? { amount, currency: from }
      : { amount: divideUp(amount, rate, from.minorUnit), currency: from }
  const exactOutput = BigDecimal.multiply(input.amount, rate)
  const output: Money.Money =
    amountType === "target" ? { amount, currency: to } : Money.round(exactOutput, to, "received").money
  for (const money of [input, output]) {
    if (!BigDecimal.isPositive(money.amount)) {
      return Result.fail(
        new AmountOutOfRange({
          detail: `It is too small: it comes to less than one minor unit of ${money.currency.code}`
        })
      )
    }
    if (BigDecimal.isGreaterThanOrEqualTo(money.amount, TOO_LARGE)) {
      return Result.fail(
        new AmountOutOfRange({
          detail: `It is too large: it comes to more than ${MAX_INTEGER_DIGITS} digits of ${money.currency.code}`
        })
      )
    }
  }
  const residual = BigDecimal.subtract(exactOutput, output.amount)
  return Result.succeed({ input, output, midRate, margin, rate, exactOutput, residual })
}

/** `dividend / divisor`, rounded up to so many decimals, without any rounding before. */
const divideUp = (dividend: BigDecimal.BigDecimal, divisor: BigDecimal.BigDecimal, decimals: number) => {
  // Below zero where the divisor is a round number such as 100000, whose scale is below zero too.
  const shift = divisor.scale - dividend.scale + decimals
  const numerator = dividend.value * 10n ** BigInt(Math.max(0, shift))
  const denominator = divisor.value * 10n ** BigInt(Math.max(0, -shift))
  const whole = numerator / denominator
  return BigDecimal.make(numerator % denominator === 0n ? whole : whole + 1n, decimals)
}

/** Margins: what is kept of the mid rate, as a fraction of it, of each pair. */
export interface Margins {
  readonly standard: BigDecimal.BigDecimal
  /** By the pair's key, `USD:NGN`. */
  readonly byPair: ReadonlyMap<string, BigDecimal.BigDecimal>
}

export const marginOf = (margins: Margins, pairKey: string): BigDecimal.BigDecimal =>
  Option.getOrElse(Option.fromUndefinedOr(margins.byPair.get(pairKey)), () => margins.standard)
