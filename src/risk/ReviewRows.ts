import { Option, Schema } from "effect"
import { UserId, Username } from "../domain/accounts/User.ts"
import { HoldId, TransferId } from "../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../domain/money/Asset.ts"
import { OrderState } from "../domain/orders/Order.ts"
import { OrderSide } from "../domain/orders/OrderSide.ts"
import { type Review, ReviewedConversion, ReviewState, type RiskDecision } from "../domain/risk/Review.ts"
import { RuleOutcome } from "../domain/risk/RiskRules.ts"
import { WalletId } from "../domain/wallets/Wallet.ts"
import { Amount } from "../ledger/Amount.ts"
import { Fired, StoredPosting } from "./DecisionRows.ts"
import type { StoredReview } from "./StoredReview.ts"

// Rows of reviews and decisions.

const decisionFields = {
  decisionId: Schema.String,
  at: Schema.DateTimeUtcFromDate,
  wallet: WalletId,
  userId: UserId,
  username: Username,
  kind: Schema.Literals(["transfer", "withdrawal", "conversion", "order"]),
  asset: AssetCode,
  amount: Amount,
  value: Schema.NullOr(Amount),
  outcome: RuleOutcome,
  rules: Schema.fromJsonString(Schema.Array(Fired)),
  decisionTransfer: Schema.NullOr(TransferId)
}
const DecisionRow = Schema.Struct(decisionFields)
export const decodeDecisions = Schema.decodeUnknownEffect(Schema.Array(DecisionRow))

const ReviewRow = Schema.Struct({
  ...decisionFields,
  orderSide: Schema.NullOr(OrderSide),
  orderAsset: Schema.NullOr(AssetCode),
  orderAmount: Schema.NullOr(Amount),
  orderPrice: Schema.NullOr(Amount),
  orderTotal: Schema.NullOr(Amount),
  orderState: Schema.NullOr(OrderState),
  orderReason: Schema.NullOr(Schema.String),
  id: TransferId,
  holdId: HoldId,
  expiresAt: Schema.DateTimeUtcFromDate,
  posting: Schema.fromJsonString(StoredPosting),
  recipientId: Schema.NullOr(UserId),
  counterparty: Schema.NullOr(Username),
  state: ReviewState,
  decidedBy: Schema.NullOr(Schema.String),
  decidedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  reason: Schema.NullOr(Schema.String),
  transfer: Schema.NullOr(TransferId)
})
export const decodeReviews = Schema.decodeUnknownEffect(Schema.Array(ReviewRow))
export const decodePending = Schema.decodeUnknownEffect(
  Schema.Tuple([Schema.Struct({ count: Schema.Int, oldest: Schema.Finite })])
)
export const decodeCount = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ count: Schema.Int })]))

export const toDecision = (row: typeof DecisionRow.Type): RiskDecision => ({
  id: row.decisionId,
  at: row.at,
  wallet: row.wallet,
  username: row.username,
  kind: row.kind,
  asset: row.asset,
  amount: row.amount,
  value: row.value,
  outcome: row.outcome,
  rules: row.rules,
  transfer: row.decisionTransfer
})

const decodeConversion = Schema.decodeUnknownOption(ReviewedConversion)

export const toReview = (row: typeof ReviewRow.Type): StoredReview => {
  const { note } = row.posting.details
  return {
    id: row.id,
    decision: toDecision(row),
    userId: row.userId,
    recipientId: row.recipientId,
    counterparty: row.counterparty,
    holdId: row.holdId,
    posting: row.posting,
    note: typeof note === "string" ? note : null,
    order: toOrder(row),
    conversion: Option.getOrNull(decodeConversion(row.posting.details["conversion"])),
    state: row.state,
    expiresAt: row.expiresAt,
    decidedBy: row.decidedBy,
    decidedAt: row.decidedAt,
    reason: row.reason,
    transfer: row.transfer
  }
}

const toOrder = (row: typeof ReviewRow.Type): Review["order"] => {
  const { orderAmount, orderAsset, orderPrice, orderSide, orderState, orderTotal } = row
  if (orderSide === null || orderAsset === null || orderAmount === null) return null
  if (orderPrice === null || orderTotal === null || orderState === null) return null
  return {
    side: orderSide,
    asset: orderAsset,
    amount: orderAmount,
    price: orderPrice,
    total: orderTotal,
    state: orderState,
    reason: row.orderReason
  }
}
