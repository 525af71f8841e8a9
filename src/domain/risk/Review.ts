import { type BigDecimal, type DateTime, Schema } from "effect"
import type { Username } from "../accounts/User.ts"
import type { TransferId } from "../ledger/LedgerPosting.ts"
import type { AssetCode } from "../money/Asset.ts"
import type { WalletId } from "../wallets/Wallet.ts"
import type { FiredRule } from "./Assessment.ts"
import type { RiskKind } from "./MovementFacts.ts"
import type { RuleOutcome } from "./RiskRules.ts"

/** `expired`: there was no decision in time, and the money is released. */
export const ReviewState = Schema.Literals(["pending", "approved", "rejected", "expired"])
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

/** A movement whose money is held until an administrator decides. */
export interface Review {
  /** Id of the transfer that holds the money, which the user knows. */
  readonly id: TransferId
  readonly decision: RiskDecision
  /** Name of the recipient of a transfer. */
  readonly counterparty: Username | null
  readonly note: string | null
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

/** Another administrator decided before, or the review has expired. */
export class ReviewDecided extends Schema.TaggedError<ReviewDecided>()("ReviewDecided", {
  state: ReviewState
}) {
  override get message(): string {
    return `The review is already ${this.state}`
  }
}

/** The ledger refuses the movement in its present state. */
export class ReviewRefused extends Schema.TaggedError<ReviewRefused>()("ReviewRefused", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** Administrators cannot decide on a movement from or to their own wallet, and API keys not on what it requested for a user. */
export class OwnReview extends Schema.TaggedError<OwnReview>()("OwnReview", {}) {
  override get message(): string {
    return "You requested this, or it is from or to your own wallet; another administrator must decide on it"
  }
}
