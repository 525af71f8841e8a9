import { BigDecimal, Option, Schema } from "effect"
import type { Currency } from "./Currency.ts"
import * as Decimal from "./Decimal.ts"

/** An exact amount in one currency, with at most as many decimals as the currency's minor unit. */
export interface Money {
  readonly amount: BigDecimal.BigDecimal
  readonly currency: Currency
}

/** The text is not a valid amount in the currency. */
export class InvalidAmount extends Schema.TaggedError<InvalidAmount>()("InvalidAmount", {
  detail: Schema.String
}) {}

/**
 * Parses a positive amount. Returns none for zero, signs, exponents, more than 18 integer digits, and more decimals than
 * the currency's minor unit.
 */
export const parse = (text: string, currency: Currency): Option.Option<Money> =>
  Decimal.parse(text, currency.minorUnit).pipe(
    Option.filter(BigDecimal.isPositive),
    Option.map((amount) => ({ amount, currency }))
  )

/** Formats an amount with the decimals of its minor unit: `500.00`, `1000` (XOF), `1.250` (KWD). */
export const format = (money: Money): string => Decimal.formatFixed(money.amount, money.currency.minorUnit)

/**
 * Rounding direction. Amounts that a customer receives round down; amounts that a customer pays round up. Rounding
 * happens once, at the end of a computation, and never favors the customer.
 */
export type Rounding = "received" | "paid"

/** A rounded value and its remainder: `exact = money.amount + residual`. */
export interface Rounded {
  readonly money: Money
  /** Non-negative for `received`, non-positive for `paid`; smaller than one minor unit in magnitude. */
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
