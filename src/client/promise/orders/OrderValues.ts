export type OrderSide = "buy" | "sell"
export type OrderState =
  | "held-for-review"
  | "pending"
  | "aggregated"
  | "submitted"
  | "completed"
  | "failed"
  | "cancelled"

/** An order for a cryptocurrency or a stock, paid in US dollars. Amounts are decimal text. */
export interface Order {
  readonly id: string
  readonly clientOrderId: string | null
  readonly asset: string
  readonly side: OrderSide
  /** Units of the asset. */
  readonly amount: string
  /** Locked US dollars per unit. */
  readonly price: string
  /** US dollars for the whole amount. */
  readonly totalPrice: string
  readonly fee: string
  /** `aggregated` while it waits in a pool; `held-for-review` until an administrator decides on it. */
  readonly state: OrderState
  /** Reason of its state, such as `price-moved`. */
  readonly reason: string | null
  readonly isAggregated: boolean
  /** Units that were bought or sold. Null until the order is settled. */
  readonly filled: string | null
  /** US dollars that were paid or received for them. Null until the order is settled. */
  readonly charged: string | null
  readonly createdAt: Date
  readonly completedAt: Date | null
}

/**
 * - `review`: an administrator decides on it
 * - `pool`: it waits for more orders
 * - `queued`: it is sent as soon as it is its turn
 * - `market-closed`: the market of the asset is closed
 * - `exchange-unavailable`: the exchange does not answer, and nothing was sent
 * - `retrying`: the last attempt to send it failed, and nothing was sent
 * - `open-at-exchange`: the exchange has it, and has not ended it
 * - `outcome-unknown`: it may be at the exchange, which is asked before anything is sent again
 * - `settling`: the exchange has ended it, and its money is about to move
 * - `administrator`: too many attempts failed, and an administrator has to continue it
 */
export type OrderWaitReason =
  | "review"
  | "pool"
  | "queued"
  | "market-closed"
  | "exchange-unavailable"
  | "retrying"
  | "open-at-exchange"
  | "outcome-unknown"
  | "settling"
  | "administrator"

/** An order with its history, why it waits, and the progress of the pool in which it does. */
export interface OrderDetail extends Order {
  /** Oldest first. */
  readonly history: ReadonlyArray<{
    readonly state: OrderState
    readonly reason: string | null
    readonly at: Date
  }>
  /** Reason for which it has not ended yet. Null once it has. */
  readonly waiting: {
    readonly reason: OrderWaitReason
    /** When it is tried, or looked up, again. Null if something else has to happen first. */
    readonly nextAttemptAt: Date | null
  } | null
  readonly pool: {
    readonly orders: number
    /** Sum of the totals, in US dollars. */
    readonly total: string
    /** Total from which the pool is settled. */
    readonly threshold: string
    /** When it is settled at the latest. */
    readonly settlesAt: Date
  } | null
}

/** Terms of an order for an asset, before it is placed. */
export interface OrderTerms {
  readonly asset: string
  /** Fraction of the latest price that a buyer pays more, and a seller gets less: `0.005`. */
  readonly spread: string
  /** Smallest amount of an order, in units of the asset. Null: the smallest amount of its decimals. */
  readonly minimumOrder: string | null
  /** Total in US dollars from which an order is sent to the exchange alone. A smaller one is pooled. */
  readonly poolThreshold: string
  /** Longest wait of an order in a pool, in seconds. */
  readonly poolMaxWait: number
  /** False while the market of the asset is closed, or the exchange does not answer: orders then wait. */
  readonly marketOpen: boolean
  /** True if the built-in exchange of the sandbox executes orders: nothing is bought on a market. */
  readonly sandbox: boolean
}

/** Division of a fill among the orders of a batch, with everything that is needed to compute it again. */
export interface OrderAllocation {
  readonly batchId: string
  readonly asset: string
  readonly side: OrderSide
  readonly rule: "largest-remainder"
  /** Smallest unit of the asset. */
  readonly unit: string
  /** Amount of the order at the exchange. Null if none was sent. */
  readonly ordered: string | null
  /** Amount that the exchange filled, in whole units. */
  readonly filled: string
  /** US dollars that the exchange charged or paid, exactly. */
  readonly cost: string
  readonly exchangeOrderId: string | null
  /** Sum of the amounts of the orders and of the house. */
  readonly sum: string
  /** Part of the house: what the exchange demanded beyond the orders. */
  readonly house: { readonly amount: string; readonly filled: string }
  readonly orders: ReadonlyArray<{
    readonly orderId: string
    readonly amount: string
    readonly totalPrice: string
    /** Ranks who gets one of the units that are left after rounding down. */
    readonly remainder: string
    readonly hasExtraUnit: boolean
    readonly filled: string
    readonly charged: string
    readonly isYours: boolean
  }>
}
