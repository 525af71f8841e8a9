import { BigDecimal, Order as Ordering } from "effect"
import * as Units from "./Units.ts"

/** An order of a batch, in whole units: of the asset for `amount`, minor units of the US dollar for `total`. */
export interface AllocatedOrder {
  readonly id: string
  readonly amount: bigint
  readonly total: bigint
}

/** Share of an order in a fill, and every number that it was computed from. */
export interface Share extends AllocatedOrder {
  /** `filled · amount mod sum`: ranks who gets one of the units that are left after rounding down. */
  readonly remainder: bigint
  /** The order got one of the units that were left. */
  readonly hasExtraUnit: boolean
  /** Units of the asset that the order got. */
  readonly filled: bigint
  /** `⌊total · filled / amount⌋`: what a buyer pays, or a seller receives. */
  readonly charged: bigint
}

/** A fill that is divided completely: the shares and the part of the house add up to it. */
export interface Allocation {
  /** Amounts of the orders and of the house. */
  readonly sum: bigint
  readonly filled: bigint
  readonly houseFilled: bigint
  /** Ordered by id. */
  readonly shares: ReadonlyArray<Share>
}

const byId = Ordering.mapInput(Ordering.String, ({ id }: AllocatedOrder) => id)
/** Largest remainder first, equal ones by id. */
const byClaim = Ordering.combine(
  Ordering.flip(
    Ordering.mapInput(Ordering.BigInt, ({ remainder }: { remainder: bigint } & AllocatedOrder) => remainder)
  ),
  byId
)

/**
 * Divides what the exchange filled by the method of the largest remainder: everybody gets `⌊filled · amount / sum⌋`, and the
 * units that are left go to the orders with the largest remainders, one each. The house comes last. What exceeds all amounts
 * is the house's.
 */
export const allocate = (
  orders: ReadonlyArray<AllocatedOrder>,
  houseAmount: bigint,
  filled: bigint
): Allocation => {
  const ofOrders = orders.reduce((total, { amount }) => total + amount, 0n)
  const sum = ofOrders + houseAmount
  const divided = filled < sum ? filled : sum
  const rounded = orders.map((order) => {
    const exact = divided * order.amount
    return { ...order, remainder: exact % sum, floor: exact / sum }
  })
  const houseFloor = (divided * houseAmount) / sum
  const left = divided - houseFloor - rounded.reduce((total, { floor }) => total + floor, 0n)
  const extra = new Set(
    rounded
      .toSorted(byClaim)
      .slice(0, Number(left))
      .map(({ id }) => id)
  )
  const shares = rounded.toSorted(byId).map(({ floor, ...order }): Share => {
    const hasExtraUnit = extra.has(order.id)
    const share = floor + (hasExtraUnit ? 1n : 0n)
    return { ...order, hasExtraUnit, filled: share, charged: (order.total * share) / order.amount }
  })
  const ofShares = shares.reduce((total, share) => total + share.filled, 0n)
  return { sum, filled, houseFilled: filled - ofShares, shares }
}

/** Parts of the house in a batch, in US dollars. Positive: the house earned it. */
export interface HouseResult {
  /** US dollars that the house paid or received for its part of the asset. Not negative. */
  readonly houseCost: BigDecimal.BigDecimal
  /** Difference between the locked totals of the users and what the exchange charged or paid for their parts. */
  readonly slippage: BigDecimal.BigDecimal
  /** US dollars that moved at the exchange, without its fee: rounded against the house. */
  readonly cost: BigDecimal.BigDecimal
  /** Rounded up. */
  readonly fee: BigDecimal.BigDecimal
}

/** Computes what the house earned or lost by a batch, in whole minor units. */
export const houseResult = (
  side: "buy" | "sell",
  allocation: Allocation,
  exchange: { readonly cost: BigDecimal.BigDecimal; readonly fee: BigDecimal.BigDecimal },
  minorUnit: number
): HouseResult => {
  const round = (value: BigDecimal.BigDecimal, mode: "ceil" | "floor") =>
    Units.toUnits(BigDecimal.round(value, { scale: minorUnit, mode }), minorUnit)
  const cost = round(exchange.cost, side === "buy" ? "ceil" : "floor")
  const houseCost = allocation.filled === 0n ? 0n : (cost * allocation.houseFilled) / allocation.filled
  const charged = allocation.shares.reduce((total, share) => total + share.charged, 0n)
  const ofOrders = cost - houseCost
  const money = (units: bigint) => Units.fromUnits(units, minorUnit)
  return {
    houseCost: money(houseCost),
    slippage: money(side === "buy" ? charged - ofOrders : ofOrders - charged),
    cost: money(cost),
    fee: money(round(exchange.fee, "ceil"))
  }
}
