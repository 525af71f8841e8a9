import { BigDecimal, Result } from "effect"
import type { Asset } from "../money/Asset.ts"
import * as Currency from "../money/Currency.ts"
import * as Decimal from "../money/Decimal.ts"
import { PRICE_CURRENCY } from "../money/SupportedPairs.ts"
import { OrderTooSmall } from "./Order.ts"
import type { OrderSide } from "./OrderSide.ts"

/** Minor unit of the currency in which orders are paid. */
export const MINOR_UNIT = Currency.get(PRICE_CURRENCY).minorUnit

/** Decimals of a locked price. */
export const PRICE_DECIMALS = 12

const ONE = BigDecimal.make(1n, 0)

/** Quantity of an order: units of the asset, or US dollars. */
export type OrderQuantity =
  | { readonly amount: BigDecimal.BigDecimal }
  | { readonly notional: BigDecimal.BigDecimal }

/** Price, amount and total that an order guarantees. */
export interface LockedPrice {
  /** US dollars per unit, with the spread. */
  readonly price: BigDecimal.BigDecimal
  /** Units of the asset. */
  readonly amount: BigDecimal.BigDecimal
  /** US dollars for the whole amount. */
  readonly total: BigDecimal.BigDecimal
}

/** Adds the spread to the price of a buyer, and subtracts it from that of a seller. */
export const priceOf = (
  rate: BigDecimal.BigDecimal,
  side: OrderSide,
  spread: BigDecimal.BigDecimal
): BigDecimal.BigDecimal =>
  BigDecimal.normalize(
    side === "buy"
      ? BigDecimal.round(BigDecimal.multiply(rate, BigDecimal.sum(ONE, spread)), {
          scale: PRICE_DECIMALS,
          mode: "ceil"
        })
      : BigDecimal.round(BigDecimal.multiply(rate, BigDecimal.subtract(ONE, spread)), {
          scale: PRICE_DECIMALS,
          mode: "floor"
        })
  )

/**
 * Locks the price of an order. A notional becomes an amount at once, rounded down; the total of a buyer is rounded up and that of
 * a seller down, to minor units, so it never exceeds the notional.
 */
export const lock = (
  { asset, minimumOrder }: { readonly asset: Asset; readonly minimumOrder: BigDecimal.BigDecimal | null },
  side: OrderSide,
  price: BigDecimal.BigDecimal,
  quantity: OrderQuantity
): Result.Result<LockedPrice, OrderTooSmall> => {
  const tooSmall = (detail: string) => Result.fail(new OrderTooSmall({ detail }))
  if (!BigDecimal.isPositive(price))
    return tooSmall(`the price of ${asset.code} is too low to be traded; its order would have no value`)
  const amount = "amount" in quantity ? quantity.amount : unitsFor(quantity.notional, price, asset.decimals)
  const smallest = BigDecimal.make(1n, asset.decimals)
  if ("notional" in quantity && BigDecimal.isLessThan(amount, BigDecimal.multiply(smallest, TWO)))
    return tooSmall(
      `${Decimal.format(quantity.notional)} ${PRICE_CURRENCY} buys less than two of the smallest unit of ${asset.code}, which is ${Decimal.format(smallest)}; order more`
    )
  if (minimumOrder !== null && BigDecimal.isLessThan(amount, minimumOrder))
    return tooSmall(
      `the amount is ${Decimal.format(amount)} ${asset.code}; the smallest order is ${Decimal.format(minimumOrder)}`
    )
  const total = BigDecimal.round(BigDecimal.multiply(amount, price), {
    scale: MINOR_UNIT,
    mode: side === "buy" ? "ceil" : "floor"
  })
  if (!BigDecimal.isPositive(total))
    return tooSmall(
      `${Decimal.format(amount)} ${asset.code} is worth less than the smallest amount of ${PRICE_CURRENCY}; order more`
    )
  return Result.succeed({ price, amount, total })
}

const TWO = BigDecimal.make(2n, 0)

/** Returns `⌊notional / price⌋` in the smallest units of the asset. */
const unitsFor = (notional: BigDecimal.BigDecimal, price: BigDecimal.BigDecimal, decimals: number) => {
  const a = BigDecimal.normalize(notional)
  const b = BigDecimal.normalize(price)
  // notional / price = (a.value / b.value) · 10^(b.scale - a.scale), in units of 10^-decimals.
  const shift = b.scale - a.scale + decimals
  const units =
    shift >= 0 ? (a.value * 10n ** BigInt(shift)) / b.value : a.value / (b.value * 10n ** BigInt(-shift))
  return BigDecimal.normalize(BigDecimal.make(units, decimals))
}

/**
 * Returns true if the market has moved against the house by more than `maxSlippage`, a fraction, since the prices were
 * locked: buying the amount costs more than the totals allow, or selling it brings less.
 */
export const hasMoved = (
  {
    amount,
    side,
    total
  }: {
    readonly side: OrderSide
    readonly amount: BigDecimal.BigDecimal
    readonly total: BigDecimal.BigDecimal
  },
  rate: BigDecimal.BigDecimal,
  maxSlippage: BigDecimal.BigDecimal
): boolean => {
  const now = BigDecimal.multiply(amount, rate)
  return side === "buy"
    ? BigDecimal.isGreaterThan(now, BigDecimal.multiply(total, BigDecimal.sum(ONE, maxSlippage)))
    : BigDecimal.isLessThan(now, BigDecimal.multiply(total, BigDecimal.subtract(ONE, maxSlippage)))
}
