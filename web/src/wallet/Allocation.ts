import type { OrderAllocation } from "../../../src/client/promise/orders/OrderValues.ts"
import * as Decimal from "../money/Decimal.ts"

const MINOR_UNIT = 2

/** A share as it is published and as this page computes it. */
export interface RecomputedShare {
  readonly orderId: string
  readonly isYours: boolean
  readonly amount: string
  readonly totalPrice: string
  /** `filled · amount / sum` before rounding, with three decimals more than the smallest unit. */
  readonly exact: string
  readonly hasExtraUnit: boolean
  readonly filled: string
  readonly charged: string
  /** The published share and charge are those that the rule gives. */
  readonly isEqual: boolean
}

export interface RecomputedAllocation {
  readonly shares: ReadonlyArray<RecomputedShare>
  /** All shares and the part of the house add up to what was filled, and each is equal. */
  readonly isEqual: boolean
}

const EXTRA_DECIMALS = 3

/**
 * Divides the fill of a batch again from the published numbers, by the method of the largest remainder: everybody gets
 * `⌊filled · amount / sum⌋` smallest units, the units that are left go to the largest remainders, equal ones by id.
 */
export const recompute = (published: OrderAllocation): RecomputedAllocation => {
  const decimals = published.unit.split(".")[1]?.length ?? 0
  const unitsOf = (text: string, scale = decimals) => Decimal.round(Decimal.of(text), scale, "down").digits
  const [filled, sum] = [unitsOf(published.filled), unitsOf(published.sum)]
  const divided = filled < sum ? filled : sum
  const claims = published.orders.map((order) => {
    const product = divided * unitsOf(order.amount)
    return { order, floor: product / sum, remainder: product % sum, product }
  })
  const houseFloor = (divided * unitsOf(published.house.amount)) / sum
  const left = claims.reduce((rest, { floor }) => rest - floor, divided - houseFloor)
  const ranked = claims.toSorted((a, b) =>
    a.remainder === b.remainder
      ? a.order.orderId < b.order.orderId
        ? -1
        : 1
      : a.remainder > b.remainder
        ? -1
        : 1
  )
  const extra = new Set(ranked.slice(0, Number(left)).map(({ order }) => order.orderId))
  let shared = 0n
  const shares = claims.map(({ floor, order, product }): RecomputedShare => {
    const hasExtraUnit = extra.has(order.orderId)
    const share = floor + (hasExtraUnit ? 1n : 0n)
    const charged = (unitsOf(order.totalPrice, MINOR_UNIT) * share) / unitsOf(order.amount)
    shared += share
    const { amount, isYours, orderId, totalPrice } = order
    return {
      orderId,
      isYours,
      amount,
      totalPrice,
      exact: Decimal.toText(
        Decimal.divide(Decimal.make(product, decimals), Decimal.make(sum), decimals + EXTRA_DECIMALS, "down")
      ),
      hasExtraUnit,
      filled: order.filled,
      charged: order.charged,
      isEqual: share === unitsOf(order.filled) && charged === unitsOf(order.charged, MINOR_UNIT)
    }
  })
  const isComplete = shared + unitsOf(published.house.filled) === filled
  return { shares, isEqual: isComplete && shares.every(({ isEqual }) => isEqual) }
}
