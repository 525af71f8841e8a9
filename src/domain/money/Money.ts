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
