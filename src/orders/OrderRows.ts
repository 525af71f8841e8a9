import { Effect, Schema } from "effect"
import { HoldId } from "../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../domain/money/Asset.ts"
import { BatchId, BatchState, RejectionReason } from "../domain/orders/Batch.ts"
import { OrderId, OrderState } from "../domain/orders/Order.ts"
import { OrderSide } from "../domain/orders/OrderSide.ts"
import { RateId } from "../domain/rates/Rate.ts"
import { WalletId } from "../domain/wallets/Wallet.ts"
import { Amount } from "../ledger/Amount.ts"

const Time = Schema.DateTimeUtcFromDate

const OrderRow = Schema.Struct({
  id: OrderId,
  walletId: WalletId,
  clientOrderId: Schema.NullOr(Schema.String),
  asset: AssetCode,
  side: OrderSide,
  amount: Amount,
  rateId: RateId,
  price: Amount,
  total: Amount,
  holdId: HoldId,
  isAggregated: Schema.Boolean,
  state: OrderState,
  reason: Schema.NullOr(Schema.String),
  batchId: Schema.NullOr(BatchId),
  filled: Schema.NullOr(Amount),
  charged: Schema.NullOr(Amount),
  createdAt: Time,
  updatedAt: Time
})

/** Columns of an order, without a table name. */
export const ORDER_COLUMNS =
  "id, wallet_id, client_order_id, asset, side, amount, rate_id, price, total, hold_id, is_aggregated, state, reason, batch_id, filled, charged, created_at, updated_at"

const MemberRow = Schema.Struct({
  id: OrderId,
  batchId: BatchId,
  walletId: WalletId,
  holdId: HoldId,
  amount: Amount,
  total: Amount
})

/** Columns of an order that the settlement of its batch needs. */
export type BatchMember = typeof MemberRow.Type

export const MEMBER_COLUMNS = "id, batch_id, wallet_id, hold_id, amount, total"

const BatchRow = Schema.Struct({
  id: BatchId,
  asset: AssetCode,
  side: OrderSide,
  isAggregated: Schema.Boolean,
  orders: Schema.Int,
  customerAmount: Amount,
  total: Amount,
  state: BatchState,
  reason: Schema.NullOr(RejectionReason),
  detail: Schema.NullOr(Schema.String),
  term: Schema.BigInt,
  exchangeAmount: Schema.NullOr(Amount),
  rate: Schema.NullOr(Amount),
  exchange: Schema.NullOr(Schema.String),
  exchangeOrderId: Schema.NullOr(Schema.String),
  filled: Schema.NullOr(Amount),
  cost: Schema.NullOr(Amount),
  fee: Schema.NullOr(Amount),
  houseFilled: Schema.NullOr(Amount),
  submissions: Schema.Int,
  submittedAt: Schema.NullOr(Time),
  polls: Schema.Int,
  failures: Schema.Int,
  lastError: Schema.NullOr(Schema.String),
  nextAttemptAt: Time,
  deadAt: Schema.NullOr(Time),
  createdAt: Time,
  updatedAt: Time
})

export const BATCH_COLUMNS =
  "id, asset, side, is_aggregated, orders, customer_amount, total, state, reason, detail, term, exchange_amount, rate, exchange, exchange_order_id, filled, cost, fee, house_filled, submissions, submitted_at, polls, failures, last_error, next_attempt_at, dead_at, created_at, updated_at"

const event = { version: Schema.Int, reason: Schema.NullOr(Schema.String), at: Time }

const decoderOf = <A, I>(row: Schema.Codec<A, I>) => {
  const decode = Schema.decodeUnknownEffect(Schema.Array(row))
  return (rows: unknown) => Effect.orDie(decode(rows))
}

export const decodeOrders = decoderOf(OrderRow)
export const decodeUserOrders = decoderOf(Schema.Struct({ ...OrderRow.fields, username: Schema.String }))
export const decodeMembers = decoderOf(MemberRow)
export const decodeBatches = decoderOf(BatchRow)
export const decodeOrderEvents = decoderOf(Schema.Struct({ ...event, state: OrderState }))
export const decodeBatchEvents = decoderOf(
  Schema.Struct({
    ...event,
    reason: Schema.NullOr(RejectionReason),
    state: BatchState,
    term: Schema.BigInt,
    detail: Schema.NullOr(Schema.String)
  })
)
export const decodePools = decoderOf(
  Schema.Struct({ orders: Schema.Int, total: Schema.NullOr(Amount), oldestAt: Schema.NullOr(Time) })
)
/** A pool that is due, or with an order id, an order that waits alone. */
export const decodeWaiting = decoderOf(
  Schema.Struct({ asset: AssetCode, side: OrderSide, orderId: Schema.NullOr(OrderId) })
)
