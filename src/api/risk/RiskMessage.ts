import { Schema } from "effect"
import { Username } from "../../domain/accounts/User.ts"
import { TransferId } from "../../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../../domain/money/Asset.ts"
import { OrderState } from "../../domain/orders/Order.ts"
import { OrderSide } from "../../domain/orders/OrderSide.ts"
import { ReviewedConversion, ReviewState } from "../../domain/risk/Review.ts"
import { RiskRules, RULE_NAMES, RuleOutcome } from "../../domain/risk/RiskRules.ts"
import { TimestampText } from "../../domain/Timestamp.ts"
import { WalletId } from "../../domain/wallets/Wallet.ts"
import * as PageMessage from "../PageMessage.ts"
import { Reason } from "../Reason.ts"

/** Request body: all rules. */
export const RiskRulesBody = RiskRules.annotate({ identifier: "RiskRules" })

/** Rules that apply, and who changed them. */
export const ActiveRiskRulesMessage = Schema.Struct({
  rules: Schema.toEncoded(RiskRules),
  /** `setting`: the settings RISK_*, because the database has no rules. */
  source: Schema.Literals(["database", "setting"]),
  /** Increments with each change. 0 before the first. */
  version: Schema.Int,
  changed_at: Schema.NullOr(TimestampText),
  changed_by: Schema.NullOr(Schema.String)
}).annotate({ identifier: "ActiveRiskRules" })

const FiredRuleMessage = Schema.Struct({
  rule: Schema.Literals(RULE_NAMES),
  outcome: RuleOutcome,
  /** The exceeded limit, or the reason. */
  detail: Schema.String,
  /** Rest of a limit: a value in the home currency, or a count. */
  remaining: Schema.NullOr(Schema.String),
  resets_at: Schema.NullOr(TimestampText)
})

const decision = {
  wallet_id: WalletId,
  username: Username,
  kind: Schema.Literals(["transfer", "withdrawal", "conversion", "order"]),
  asset: AssetCode,
  amount: Schema.String,
  /** In the home currency; null without a price. */
  value: Schema.NullOr(Schema.String),
  /** The rules that fired. */
  rules: Schema.Array(FiredRuleMessage),
  created_at: TimestampText
}

/** A movement for which a rule fired. */
export const RiskDecisionMessage = Schema.Struct({
  id: Schema.String,
  outcome: RuleOutcome,
  /** The transfer of the ledger; null for a denied movement. */
  transfer_id: Schema.NullOr(TransferId),
  ...decision
}).annotate({ identifier: "RiskDecision" })
export type RiskDecisionMessage = typeof RiskDecisionMessage.Type

export const RiskDecisionPage = Schema.Struct(PageMessage.page(RiskDecisionMessage)).annotate({
  identifier: "RiskDecisionPage"
})

/** An order that is or was held, as it is now. */
const ReviewedOrderMessage = Schema.Struct({
  side: OrderSide,
  asset: AssetCode,
  amount: Schema.String,
  /** Locked US dollars per unit. */
  price: Schema.String,
  /** US dollars for the whole amount. */
  total_price: Schema.String,
  state: OrderState,
  reason: Schema.NullOr(Schema.String)
})

/** A movement whose money is held until an administrator decides. */
export const ReviewMessage = Schema.Struct({
  id: TransferId,
  state: ReviewState,
  ...decision,
  counterparty: Schema.NullOr(Username),
  note: Schema.NullOr(Schema.String),
  /** Null unless `kind` is `order`. */
  order: Schema.NullOr(ReviewedOrderMessage),
  /** Requested conversion at the price of that time. Null unless `kind` is `conversion`. */
  conversion: Schema.NullOr(ReviewedConversion),
  /** After this time, the movement is rejected. */
  expires_at: TimestampText,
  decided_by: Schema.NullOr(Schema.String),
  decided_at: Schema.NullOr(TimestampText),
  reason: Schema.NullOr(Schema.String),
  /** The transfer of the ledger that moved the money, or released it. Null for an approved order and for a withdrawal. */
  transfer_id: Schema.NullOr(TransferId)
}).annotate({ identifier: "Review" })
export type ReviewMessage = typeof ReviewMessage.Type

export const ReviewPage = Schema.Struct(PageMessage.page(ReviewMessage)).annotate({
  identifier: "ReviewPage"
})

/** Request body: why. */
export const ReviewReasonBody = Schema.Struct({ reason: Reason }).annotate({ identifier: "ReviewReason" })
