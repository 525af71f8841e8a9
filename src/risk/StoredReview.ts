import type { UserId } from "../domain/accounts/User.ts"
import type { HoldId, TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { Review } from "../domain/risk/Review.ts"
import type { StoredPosting } from "./DecisionRows.ts"

/** Decision of an administrator, or the cancellation of an order or a conversion. */
export interface ReviewDecision {
  readonly id: TransferId
  readonly principal: string
  readonly reason: string
}

/** A review with what its end needs. */
export interface StoredReview extends Review {
  readonly userId: UserId
  /** Receiver of a transfer. */
  readonly recipientId: UserId | null
  readonly holdId: HoldId
  readonly posting: typeof StoredPosting.Type
}
