import { BigDecimal, Option, Schema } from "effect"
import type { Currency } from "./Currency.ts"
import * as Decimal from "./Decimal.ts"

/** An exact amount of one currency, never with more decimals than the currency's minor unit. */
export interface Money {
  readonly amount: BigDecimal.BigDecimal
  readonly currency: Currency
}

/** The text is no amount of the currency. */
export class InvalidAmount extends Schema.TaggedError<InvalidAmount>()("InvalidAmount", {
  detail: Schema.String
}) {}

/**
 * The positive amount that a text writes in a currency. None for zero, signs, exponents, more than 18 integer digits,
 * and more decimals than the currency's minor unit.
 */
export const parse = (text: string, currency: Currency): Option.Option<Money> =>
  Decimal.parse(text, currency.minorUnit).pipe(
    Option.filter(BigDecimal.isPositive),
    Option.map((amount) => ({ amount, currency }))
  )

/** The amount with all the digits of its minor unit: `500.00`, `1000` (XOF), `1.250` (KWD). */
export const format = (money: Money): string => Decimal.formatFixed(money.amount, money.currency.minorUnit)

/**
 * Which side of an exact value money goes when it is rounded to the minor unit, once, at the end of a computation:
 * what a customer receives goes down, what a customer pays goes up, so that rounding never gives money away.
 */
export type Rounding = "received" | "paid"

/** An exact value as money, and what rounding left over: `exact = money.amount + residual`. */
export interface Rounded {
  readonly money: Money
  /** At or above zero for `received`, at or below zero for `paid`, and smaller than one minor unit. */
  readonly residual: BigDecimal.BigDecimal
}

/** Rounds an exact, non-negative value to the minor unit of its currency. */
export const round = (exact: BigDecimal.BigDecimal, currency: Currency, rounding: Rounding): Rounded => {
  const amount = BigDecimal.round(exact, {
    scale: currency.minorUnit,
    mode: rounding === "received" ? "floor" : "ceil"
  })
  return { money: { amount, currency }, residual: BigDecimal.subtract(exact, amount) }
}
