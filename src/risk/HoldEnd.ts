import { BigDecimal, Effect } from "effect"
import type { LedgerPosting, TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../domain/ledger/PostOutcome.ts"
import { ReviewDecided, ReviewRefused } from "../domain/risk/Review.ts"
import type { StoredReview } from "./StoredReview.ts"

const ZERO = BigDecimal.make(0n, 0)

/** Posting that gives back the money that was held for a review. */
export const release = ({ holdId, id, posting }: StoredReview, transfer: TransferId): LedgerPosting => ({
  id: transfer,
  kind: `${posting.kind}.review`,
  details: { ...posting.details, review_id: id },
  entries: [],
  opens: [],
  ends: [{ holdId, outcome: "voided", posted: ZERO }]
})

/** Returns the transfer that ended the hold of a review, or fails with the reason of the refusal of the ledger. */
export const toTransfer = (
  outcome: PostOutcome | undefined
): Effect.Effect<TransferId, ReviewDecided | ReviewRefused> => {
  switch (outcome?._tag) {
    case "Posted":
      return Effect.succeed(outcome.id)
    case "HoldEnded":
    case "HoldExpired":
      // By the time of the database. A decision would be found before.
      return Effect.fail(new ReviewDecided({ state: "expired" }))
    case "AccountFrozen":
      return Effect.fail(
        new ReviewRefused({
          detail: `Account ${outcome.account} is frozen; unfreeze it first, or reject the review`
        })
      )
    default:
      return Effect.fail(
        new ReviewRefused({ detail: `The ledger refuses the movement: ${outcome?._tag ?? "no outcome"}` })
      )
  }
}
