import { Context, Data, type Effect } from "effect"
import type { SqlError } from "effect/sql"
import type { TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { ReviewDecided, ReviewPriceMoved, ReviewRefused } from "../domain/risk/Review.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import type { StoredReview } from "./StoredReview.ts"

/**
 * Gives a decision its effect, in the open transaction of the decision. Returns the transfer that moved the money or released it;
 * null if it stays held for what comes next. A failure rolls the transaction back.
 */
export type HeldEnd = Effect.Effect<
  TransferId | null,
  SqlError.SqlError | OutdatedPrice | ReviewDecided | ReviewRefused
>

/** An approval with its price, before its transaction. */
export type PreparedApproval = Effect.Effect<HeldEnd, ReviewPriceMoved | ReviewRefused | StoreUnavailable>

/** The price was valid when the approval was prepared, and is not any more. After the rollback, it is prepared again. */
export class OutdatedPrice extends Data.TaggedError("OutdatedPrice")<{
  readonly prepareAgain: PreparedApproval
}> {}

/** Prepares an approval before its transaction, because it needs a price. */
export type PrepareApproval = (review: StoredReview) => PreparedApproval

/** Ends orders that are held for review. Only the interface: orders depend on reviews, and implement it. */
export class HeldOrderDecisions extends Context.Service<
  HeldOrderDecisions,
  {
    /** Lets an order continue, or ends it if the market has moved too far against the house. */
    readonly prepareApproval: PrepareApproval
    /** Ends an order, and gives its money back. */
    readonly reject: (review: StoredReview) => HeldEnd
    /** Ends orders whose review has expired, and returns their number. */
    readonly expireDue: Effect.Effect<number, StoreUnavailable>
  }
>()("effex/risk/HeldDecisions/HeldOrderDecisions") {}

/** Ends conversions that are held for review. Only the interface: wallets depend on reviews, and implement it. */
export class HeldConversionDecisions extends Context.Service<
  HeldConversionDecisions,
  {
    /** Exchanges what is held, unless the user would receive too little. */
    readonly prepareApproval: PrepareApproval
  }
>()("effex/risk/HeldDecisions/HeldConversionDecisions") {}
