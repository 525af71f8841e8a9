import * as Decimal from "./Decimal.ts"

/** Terms of a conversion: a mid rate, and the margin that is deducted from it. */
export interface Terms {
  readonly midRate: string
  readonly margin: string
}

export interface Side {
  readonly decimals: number
}

/** The rate after the margin. */
export const rateOf = ({ margin, midRate }: Terms): Decimal.Decimal =>
  Decimal.trim(Decimal.lessMargin(Decimal.of(midRate), Decimal.of(margin)))

/** Returns what is received for an amount, rounded down like the server does. */
export const received = (amount: Decimal.Decimal, terms: Terms, to: Side): Decimal.Decimal =>
  Decimal.round(Decimal.multiply(amount, rateOf(terms)), to.decimals, "down")

/** Returns what has to be paid to receive an amount, rounded up like the server does. */
export const paid = (amount: Decimal.Decimal, terms: Terms, from: Side): Decimal.Decimal =>
  Decimal.divide(amount, rateOf(terms), from.decimals, "up")

/** Returns the margin in units of what is paid, with all its digits. */
export const spreadOf = (amount: Decimal.Decimal, { margin }: Terms, from: Side): Decimal.Decimal =>
  Decimal.trim(Decimal.multiply(amount, Decimal.of(margin)), from.decimals)
