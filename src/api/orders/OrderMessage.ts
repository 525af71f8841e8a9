import { Schema } from "effect"
import { AssetCode } from "../../domain/money/Asset.ts"
import { BatchId } from "../../domain/orders/Batch.ts"
import { OrderId, OrderState } from "../../domain/orders/Order.ts"
import { OrderSide } from "../../domain/orders/OrderSide.ts"
import { OrderWaitReason } from "../../domain/orders/OrderWait.ts"
import { TimestampText } from "../../domain/Timestamp.ts"
import { AmountInput } from "../conversion/ConversionMessage.ts"
import * as PageMessage from "../PageMessage.ts"

const Code = Schema.String.check(Schema.isMaxLength(100, { message: "must be the code of an asset" }))

/** Longest id that a client gives an order. */
const MAX_CLIENT_ORDER_ID = 128

export const PlaceOrderBody = Schema.Struct({
  /** The asset to buy or sell. */
  asset: Schema.optionalKey(Code),
  /** The asset, for older clients. Without a `side`, it is bought. */
  crypto: Schema.optionalKey(Code),
  side: Schema.optionalKey(OrderSide),
  /** Units of the asset. */
  amount: Schema.optionalKey(AmountInput),
  /** Instead of `amount`: at most this many US dollars. */
  notional: Schema.optionalKey(AmountInput),
  /** Your own id of the order, once per wallet. Without an `Idempotency-Key` it is the key too. */
  client_order_id: Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(/^[\x21-\x7e]+$/, { message: "must be printable ASCII characters without spaces" }),
      Schema.isMaxLength(MAX_CLIENT_ORDER_ID, {
        message: `must have at most ${MAX_CLIENT_ORDER_ID} characters`
      })
    )
  )
}).annotate({ identifier: "PlaceOrder" })

const order = {
  id: OrderId,
  client_order_id: Schema.NullOr(Schema.String),
  asset: AssetCode,
  /** The same as `asset`, for older clients. */
  crypto: AssetCode,
  side: OrderSide,
  /** Units of the asset. */
  amount: Schema.String,
  /** Locked US dollars per unit. */
  price: Schema.String,
  /** US dollars for the whole amount. */
  total_price: Schema.String,
  fee: Schema.String,
  state: OrderState,
  /** Reason of its state, such as `price-moved`. */
  reason: Schema.NullOr(Schema.String),
  is_aggregated: Schema.Boolean,
  /** Units that were bought or sold. Null until the order is settled. */
  filled: Schema.NullOr(Schema.String),
  /** US dollars that were paid or received for them. Null until the order is settled. */
  charged: Schema.NullOr(Schema.String),
  created_at: TimestampText,
  completed_at: Schema.NullOr(TimestampText)
}

/** An order. */
export const OrderMessage = Schema.Struct(order).annotate({ identifier: "Order" })
export type OrderMessage = typeof OrderMessage.Type

export const OrderPage = Schema.Struct(PageMessage.page(OrderMessage)).annotate({ identifier: "OrderPage" })

/** An order with its history, and the progress of the pool in which it waits. */
export const OrderDetailMessage = Schema.Struct({
  ...order,
  /** Oldest first. */
  history: Schema.Array(
    Schema.Struct({ state: OrderState, reason: Schema.NullOr(Schema.String), at: TimestampText })
  ),
  /** Reason for which it has not ended yet. Null once it has. */
  waiting: Schema.NullOr(
    Schema.Struct({
      reason: OrderWaitReason,
      /** When it is tried, or looked up, again. Null if something else has to happen first. */
      next_attempt_at: Schema.NullOr(TimestampText)
    })
  ),
  pool: Schema.NullOr(
    Schema.Struct({
      orders: Schema.Int,
      /** Sum of the totals, in US dollars. */
      total: Schema.String,
      /** Total from which the pool is settled. */
      threshold: Schema.String,
      /** When it is settled at the latest. */
      settles_at: TimestampText
    })
  )
}).annotate({ identifier: "OrderDetail" })
export type OrderDetailMessage = typeof OrderDetailMessage.Type

/** Terms of an order for an asset, before it is placed. */
export const OrderTermsMessage = Schema.Struct({
  asset: AssetCode,
  /** Fraction of the latest price that a buyer pays more, and a seller gets less: `0.005`. */
  spread: Schema.String,
  /** Smallest amount of an order, in units of the asset. Null: the smallest amount of its decimals. */
  minimum_order: Schema.NullOr(Schema.String),
  /** Total in US dollars from which an order is sent to the exchange alone. A smaller one is pooled. */
  pool_threshold: Schema.String,
  /** Longest wait of an order in a pool, in seconds. */
  pool_max_wait: Schema.Int,
  /** False while the market of the asset is closed, or the exchange does not answer: orders then wait. */
  market_open: Schema.Boolean,
  /** True if the built-in exchange of the sandbox executes orders: nothing is bought on a market. */
  sandbox: Schema.Boolean
}).annotate({ identifier: "OrderTerms" })
export type OrderTermsMessage = typeof OrderTermsMessage.Type

const share = {
  order_id: OrderId,
  amount: Schema.String,
  total_price: Schema.String,
  /** `divided · amount mod sum`, in smallest units: ranks who gets one of the units that are left after rounding down. */
  remainder: Schema.String,
  has_extra_unit: Schema.Boolean,
  filled: Schema.String,
  charged: Schema.String
}

/** Division of a fill, with everything that is needed to compute it again. */
export const AllocationMessage = Schema.Struct({
  batch_id: BatchId,
  asset: AssetCode,
  side: OrderSide,
  rule: Schema.Literal("largest-remainder"),
  /** Smallest unit of the asset. */
  unit: Schema.String,
  /** Amount of the order at the exchange. Null if none was sent. */
  ordered: Schema.NullOr(Schema.String),
  /** Amount that the exchange filled, in whole units. */
  filled: Schema.String,
  /** US dollars that the exchange charged or paid, exactly. */
  cost: Schema.String,
  exchange_order_id: Schema.NullOr(Schema.String),
  /** Sum of the amounts of the orders and of the house. */
  sum: Schema.String,
  /** Part of the house: what the exchange demanded beyond the orders. */
  house: Schema.Struct({ amount: Schema.String, filled: Schema.String }),
  orders: Schema.Array(Schema.Struct({ ...share, is_yours: Schema.Boolean }))
}).annotate({ identifier: "OrderAllocation" })
export type AllocationMessage = typeof AllocationMessage.Type
