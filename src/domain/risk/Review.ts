import { BigDecimal, type DateTime, Schema } from "effect"
import type { Username } from "../accounts/User.ts"
import { AmountType } from "../conversion/Conversion.ts"
import { QuoteId } from "../conversion/Quote.ts"
import type { TransferId } from "../ledger/LedgerPosting.ts"
import { AssetCode } from "../money/Asset.ts"
import * as Decimal from "../money/Decimal.ts"
import type { OrderState } from "../orders/Order.ts"
import type { OrderSide } from "../orders/OrderSide.ts"
import type { WalletId } from "../wallets/Wallet.ts"
import type { FiredRule } from "./Assessment.ts"
import type { RiskKind } from "./MovementFacts.ts"
import type { RuleOutcome } from "./RiskRules.ts"

/**
 * - `expired`: there was no decision in time, and the money is released
 * - `cancelled`: the order or conversion that was held was cancelled, and the money is released
 */
export const ReviewState = Schema.Literals(["pending", "approved", "rejected", "expired", "cancelled"])
export type ReviewState = typeof ReviewState.Type

/** A recorded decision of the rules: at least one fired. */
export interface RiskDecision {
  readonly id: string
  readonly at: DateTime.Utc
  readonly wallet: WalletId
  readonly username: Username
  readonly kind: RiskKind
  readonly asset: AssetCode
  readonly amount: BigDecimal.BigDecimal
  /** In the home currency; null without a price. */
  readonly value: BigDecimal.BigDecimal | null
  readonly outcome: RuleOutcome
  readonly rules: ReadonlyArray<FiredRule>
  /** Null for a denied movement. */
  readonly transfer: TransferId | null
}

/** An order that is or was held, as it is now. */
export interface ReviewedOrder {
  readonly side: OrderSide
  readonly asset: AssetCode
  /** Units of the asset. */
  readonly amount: BigDecimal.BigDecimal
  /** US dollars per unit that are locked, and those for the whole amount. */
  readonly price: BigDecimal.BigDecimal
  readonly total: BigDecimal.BigDecimal
  readonly state: OrderState
  readonly reason: string | null
}

/** A held conversion, with the price that it had when it was requested. Stored with the transfer that holds its money. */
export const ReviewedConversion = Schema.Struct({
  to: AssetCode,
  /** As it was requested: decimal text in `from` or `to`, depending on the type. */
  amount: Schema.String,
  amount_type: AmountType,
  output_amount: Schema.String,
  rate: Schema.String,
  quote_id: Schema.NullOr(QuoteId),
  reference: Schema.NullOr(Schema.String)
})
export type ReviewedConversion = typeof ReviewedConversion.Type

/** A movement whose money is held until an administrator decides. */
export interface Review {
  /** Id of the transfer that holds the money, which the user knows. */
  readonly id: TransferId
  readonly decision: RiskDecision
  /** Name of the recipient of a transfer. */
  readonly counterparty: Username | null
  readonly note: string | null
  /** Null unless the movement is an order. */
  readonly order: ReviewedOrder | null
  /** Null unless the movement is a conversion. */
  readonly conversion: ReviewedConversion | null
  readonly state: ReviewState
  readonly expiresAt: DateTime.Utc
  readonly decidedBy: string | null
  readonly decidedAt: DateTime.Utc | null
  readonly reason: string | null
  /** The transfer that moved the money, or released it. */
  readonly transfer: TransferId | null
}

/** No review has this id. */
export class ReviewNotFound extends Schema.TaggedError<ReviewNotFound>()("ReviewNotFound", {}) {
  override get message(): string {
    return "There is no review with this id"
  }
}

/** Another administrator decided before, the review has expired, or the order or conversion was cancelled. */
export class ReviewDecided extends Schema.TaggedError<ReviewDecided>()("ReviewDecided", {
  state: ReviewState
}) {
  override get message(): string {
    return `The review is already ${this.state}`
  }
}

/** A decision cannot be carried out now, such as an approval without a price or with a frozen account. The review stays pending. */
export class ReviewRefused extends Schema.TaggedError<ReviewRefused>()("ReviewRefused", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

const HUNDRED = BigDecimal.make(100n, 0)

/**
 * The user of a conversion would receive less than at the time of the request, by more than `CONVERSION_MAX_SLIPPAGE`. The review
 * stays pending.
 */
export class ReviewPriceMoved extends Schema.TaggedError<ReviewPriceMoved>()("ReviewPriceMoved", {
  from: AssetCode,
  to: AssetCode,
  /** Units of `to` for one unit of `from`, after the margin: decimal text. */
  requestedRate: Schema.String,
  currentRate: Schema.String,
  /** A fraction: decimal text. */
  maxSlippage: Schema.String
}) {
  override get message(): string {
    const { currentRate, from, requestedRate, to } = this
    const percent = Decimal.format(
      BigDecimal.multiply(BigDecimal.fromStringUnsafe(this.maxSlippage), HUNDRED)
    )
    return `1 ${from} was ${requestedRate} ${to} when the conversion was requested, and is ${currentRate} ${to} now; CONVERSION_MAX_SLIPPAGE allows a loss of at most ${percent}%; approve it when the rate is back, or reject it`
  }
}

/** Administrators cannot decide on a movement from or to their own wallet, and API keys not on what a key of their owner requested. */
export class OwnReview extends Schema.TaggedError<OwnReview>()("OwnReview", {}) {
  override get message(): string {
    return "You requested this, or it is from or to your own wallet; another administrator must decide on it"
  }
}
