import { Schema } from "effect"
import { AssetCode } from "../../domain/money/Asset.ts"
import { BatchId, BatchState, RejectionReason } from "../../domain/orders/Batch.ts"
import { OrderSide } from "../../domain/orders/OrderSide.ts"
import { TimestampText } from "../../domain/Timestamp.ts"
import * as PageMessage from "../PageMessage.ts"

const Decimal = Schema.String
const MaybeDecimal = Schema.NullOr(Schema.String)

const batch = {
  /** Also the client order id at the exchange. */
  id: BatchId,
  asset: AssetCode,
  side: OrderSide,
  is_aggregated: Schema.Boolean,
  orders: Schema.Int,
  /** Sum of the amounts of the orders. */
  amount: Decimal,
  /** Sum of their totals, in US dollars. */
  total: Decimal,
  state: BatchState,
  reason: Schema.NullOr(RejectionReason),
  detail: Schema.NullOr(Schema.String),
  exchange: Schema.NullOr(Schema.String),
  exchange_order_id: Schema.NullOr(Schema.String),
  /** Amount ordered at the exchange. */
  exchange_amount: MaybeDecimal,
  /** Price against which the locked prices were compared. */
  rate: MaybeDecimal,
  filled: MaybeDecimal,
  cost: MaybeDecimal,
  fee: MaybeDecimal,
  house_filled: MaybeDecimal,
  submissions: Schema.Int,
  failures: Schema.Int,
  last_error: Schema.NullOr(Schema.String),
  next_attempt_at: TimestampText,
  /** Set once settling was given up: retry it. */
  dead_at: Schema.NullOr(TimestampText),
  created_at: TimestampText,
  updated_at: TimestampText
}

/** One order at the exchange, for one or more orders of users. */
export const BatchMessage = Schema.Struct(batch).annotate({ identifier: "SettlementBatch" })
export type BatchMessage = typeof BatchMessage.Type

export const BatchPage = Schema.Struct(PageMessage.page(BatchMessage)).annotate({
  identifier: "SettlementBatchPage"
})

export const BatchDetailMessage = Schema.Struct({
  ...batch,
  /** Oldest first. */
  history: Schema.Array(
    Schema.Struct({
      state: BatchState,
      /** Leader term that made the change. */
      term: Schema.String,
      reason: Schema.NullOr(RejectionReason),
      detail: Schema.NullOr(Schema.String),
      at: TimestampText
    })
  )
}).annotate({ identifier: "SettlementBatchDetail" })
export type BatchDetailMessage = typeof BatchDetailMessage.Type
