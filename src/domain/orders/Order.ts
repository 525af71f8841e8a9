import { type BigDecimal, type DateTime, Schema } from "effect"
import type { HoldId } from "../ledger/LedgerPosting.ts"
import type { AssetCode } from "../money/Asset.ts"
import type { RateId } from "../rates/Rate.ts"
import type { WalletId } from "../wallets/Wallet.ts"
import type { BatchId } from "./Batch.ts"
import type { OrderSide } from "./OrderSide.ts"

/** UUIDv7 of an order. The transfer that opens its hold has the same id. */
export const OrderId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("OrderId"))
export type OrderId = typeof OrderId.Type

/**
 * - `held-for-review`: an administrator decides on it before it is executed
 * - `pending`: it waits for the exchange alone
 * - `aggregated`: it waits in the pool of its asset and side
 * - `submitted`: a batch has it
 * - `completed`: at least a part was filled
 * - `failed`: nothing was filled, and everything was given back
 * - `cancelled`: its user or an administrator cancelled it in the pool, or while it was held for review
 */
export const OrderState = Schema.Literals([
  "held-for-review",
  "pending",
  "aggregated",
  "submitted",
  "completed",
  "failed",
  "cancelled"
])
export type OrderState = typeof OrderState.Type

/** An order of a user for an asset, paid in US dollars. */
export interface Order {
  readonly id: OrderId
  readonly walletId: WalletId
  readonly clientOrderId: string | null
  readonly asset: AssetCode
  readonly side: OrderSide
  /** Units of the asset. */
  readonly amount: BigDecimal.BigDecimal
  /** The stored rate from which the price was locked. */
  readonly rateId: RateId
  /** US dollars per unit that the user pays or receives, with the spread. */
  readonly price: BigDecimal.BigDecimal
  /** US dollars that the user pays or receives if the whole amount is filled. */
  readonly total: BigDecimal.BigDecimal
  /** Holds `total` of a buy, and `amount` of a sell. */
  readonly holdId: HoldId
  /** The order was placed into a pool. */
  readonly isAggregated: boolean
  readonly state: OrderState
  /** Reason of its state, such as `price-moved`; null if the state says it all. */
  readonly reason: string | null
  readonly batchId: BatchId | null
  /** Units of the asset that were bought or sold; null until the order is settled. */
  readonly filled: BigDecimal.BigDecimal | null
  /** US dollars that were paid or received for `filled`; null until the order is settled. */
  readonly charged: BigDecimal.BigDecimal | null
  readonly createdAt: DateTime.Utc
  /** Time of the last change of the state. */
  readonly updatedAt: DateTime.Utc
}

/** A change of the state of an order. Immutable. */
export interface OrderEvent {
  /** From 1, without gaps. */
  readonly version: number
  readonly state: OrderState
  readonly reason: string | null
  readonly at: DateTime.Utc
}

/** A pool of orders of one asset and side, as it is now. */
export interface OrderPool {
  readonly orders: number
  /** Sum of the totals, in US dollars. */
  readonly total: BigDecimal.BigDecimal
  /** Time at which the oldest order was placed. */
  readonly oldestAt: DateTime.Utc
}

/** The amount is below what can be ordered. */
export class OrderTooSmall extends Schema.TaggedError<OrderTooSmall>()("OrderTooSmall", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** The wallet has no order with this id. */
export class OrderNotFound extends Schema.TaggedError<OrderNotFound>()("OrderNotFound", {}) {
  override get message(): string {
    return "The wallet has no order with this id"
  }
}

/** The wallet has another order with the `client_order_id`. */
export class ClientOrderIdUsed extends Schema.TaggedError<ClientOrderIdUsed>()("ClientOrderIdUsed", {}) {
  override get message(): string {
    return "This client_order_id was used for a different order of the wallet; a new order takes a new one"
  }
}

/** Only an order that waits in a pool, or is held for review, can be cancelled. */
export class OrderNotCancellable extends Schema.TaggedError<OrderNotCancellable>()("OrderNotCancellable", {
  state: OrderState
}) {
  override get message(): string {
    return `The order is ${this.state}; only an order that is aggregated or held for review can be cancelled`
  }
}
