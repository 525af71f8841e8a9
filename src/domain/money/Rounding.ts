import { BigDecimal } from "effect"
import type { Currency } from "./Currency.ts"
import type { Money } from "./Money.ts"

/**
 * Rounding direction. Amounts that a customer receives round down; amounts that a customer pays round up. Rounding
 * happens once, at the end of a computation, and never favors the customer.
 */
export type RoundingDirection = "received" | "paid"

/** A rounded value and its remainder: `exact = money.amount + residual`. */
export interface Rounded {
  readonly money: Money
  /** Non-negative for `received`, non-positive for `paid`; smaller than one minor unit in magnitude. */
  readonly residual: BigDecimal.BigDecimal
}

/** Rounds an exact, non-negative value to the minor unit of its currency. */
export const round = (
  exact: BigDecimal.BigDecimal,
  currency: Currency,
  direction: RoundingDirection
): Rounded => {
  const amount = BigDecimal.round(exact, {
    scale: currency.minorUnit,
    mode: direction === "received" ? "floor" : "ceil"
  })
  return { money: { amount, currency }, residual: BigDecimal.subtract(exact, amount) }
}
