import type { OrderSide, OrderTerms } from "../../../src/client/promise/orders/OrderValues.ts"
import * as Decimal from "../money/Decimal.ts"

/** Decimals of a locked price, and of US dollars. */
const PRICE_DECIMALS = 12
const MINOR_UNIT = 2

const ONE = Decimal.make(1n)

/** What an order would lock at a price, computed like the server. */
export interface OrderEstimate {
  /** US dollars per unit, with the spread. */
  readonly price: Decimal.Decimal
  readonly amount: Decimal.Decimal
  readonly total: Decimal.Decimal
  /** `too-small`: the server would refuse it. */
  readonly problem: "below-minimum" | "too-small" | undefined
  /** It waits in a pool until it is executed together with others. */
  readonly isPooled: boolean
}

/** Adds the spread to the price of a buyer, and subtracts it from that of a seller. */
export const priceOf = (rate: string, side: OrderSide, spread: string): Decimal.Decimal => {
  const [mid, part] = [Decimal.of(rate), Decimal.of(spread)]
  const factor = side === "buy" ? Decimal.add(ONE, part) : Decimal.subtract(ONE, part)
  const rounded = Decimal.round(Decimal.multiply(mid, factor), PRICE_DECIMALS, side === "buy" ? "up" : "down")
  return Decimal.trim(rounded)
}

/** Estimates an order of units of the asset, or of US dollars with `isNotional`. */
export const estimate = (
  quantity: Decimal.Decimal,
  isNotional: boolean,
  side: OrderSide,
  rate: string,
  decimals: number,
  { minimumOrder, poolThreshold, spread }: OrderTerms
): OrderEstimate | undefined => {
  const price = priceOf(rate, side, spread)
  if (!Decimal.isPositive(price)) return undefined
  const amount = isNotional ? Decimal.trim(Decimal.divide(quantity, price, decimals, "down")) : quantity
  const total = Decimal.round(Decimal.multiply(amount, price), MINOR_UNIT, side === "buy" ? "up" : "down")
  const twoUnits = Decimal.make(2n, decimals)
  const isTiny = (isNotional && Decimal.compare(amount, twoUnits) < 0) || !Decimal.isPositive(total)
  const isBelow = minimumOrder !== null && Decimal.compare(amount, Decimal.of(minimumOrder)) < 0
  return {
    price,
    amount,
    total,
    problem: isBelow ? "below-minimum" : isTiny ? "too-small" : undefined,
    isPooled: Decimal.compare(total, Decimal.of(poolThreshold)) < 0
  }
}
