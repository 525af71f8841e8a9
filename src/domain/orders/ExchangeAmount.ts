import { BigDecimal, Option } from "effect"
import type { OrderSide } from "./OrderSide.ts"

/** Limits of an order at the exchange. */
export interface ExchangeLimits {
  /** Units of the asset. */
  readonly minimumAmount: BigDecimal.BigDecimal
  /** Smallest value of a purchase, in US dollars. */
  readonly minimumCost: BigDecimal.BigDecimal
  /** Amounts are multiples of it. */
  readonly increment: BigDecimal.BigDecimal
}

/** Returns the step of amounts: the smallest multiple of both the increment and the smallest unit of an asset with `decimals`. */
const stepOf = (increment: BigDecimal.BigDecimal, decimals: number) => {
  const scale = Math.max(increment.scale, decimals)
  const a = BigDecimal.scale(increment, scale).value
  const b = 10n ** BigInt(scale - decimals)
  return BigDecimal.normalize(BigDecimal.make((a / greatestCommonDivisor(a, b)) * b, scale))
}

const greatestCommonDivisor = (a: bigint, b: bigint): bigint =>
  b === 0n ? a : greatestCommonDivisor(b, a % b)

/**
 * Returns the amount to order at the exchange for the sum of the amounts of a batch. It is a multiple of the smallest unit of
 * the asset, so that a complete fill can be shared without a remainder. The house buys what the limits demand beyond the sum.
 * It never sells what it does not have: of a sell, what the increment cuts off is given back to the sellers. None if the rest
 * is below the smallest amount.
 */
export const of = (
  side: OrderSide,
  sum: BigDecimal.BigDecimal,
  rate: BigDecimal.BigDecimal,
  limits: ExchangeLimits,
  decimals: number
): Option.Option<BigDecimal.BigDecimal> => {
  const { minimumAmount, minimumCost } = limits
  const increment = stepOf(limits.increment, decimals)
  if (side === "buy") {
    const minimum = BigDecimal.max(minimumAmount, unitsOf(minimumCost, rate, increment))
    return Option.some(roundUp(BigDecimal.max(sum, minimum), increment))
  }
  const amount = roundDown(sum, increment)
  return BigDecimal.isPositive(amount) && BigDecimal.isGreaterThanOrEqualTo(amount, minimumAmount)
    ? Option.some(amount)
    : Option.none()
}

/** Smallest multiple of the increment that is worth at least `cost`. */
const unitsOf = (
  cost: BigDecimal.BigDecimal,
  rate: BigDecimal.BigDecimal,
  increment: BigDecimal.BigDecimal
) => multiple(cost, BigDecimal.multiply(rate, increment), increment, true)

const roundUp = (amount: BigDecimal.BigDecimal, increment: BigDecimal.BigDecimal) =>
  multiple(amount, increment, increment, true)

const roundDown = (amount: BigDecimal.BigDecimal, increment: BigDecimal.BigDecimal) =>
  multiple(amount, increment, increment, false)

/** Returns `increment · (dividend / divisor)`, the quotient rounded to a whole number. All are positive. */
const multiple = (
  dividend: BigDecimal.BigDecimal,
  divisor: BigDecimal.BigDecimal,
  increment: BigDecimal.BigDecimal,
  up: boolean
) => {
  const scale = Math.max(dividend.scale, divisor.scale)
  const a = BigDecimal.scale(dividend, scale).value
  const b = BigDecimal.scale(divisor, scale).value
  const quotient = up ? (a + b - 1n) / b : a / b
  return BigDecimal.normalize(BigDecimal.multiply(increment, BigDecimal.make(quotient, 0)))
}
