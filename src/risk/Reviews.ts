import { Context, DateTime, Effect, Layer, Metric, Option } from "effect"
import type { SqlError } from "effect/sql"
import type { TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { Review } from "../domain/risk/Review.ts"
import * as RiskMetrics from "../platform/metrics/RiskMetrics.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { ReviewRepo } from "./ReviewRepo.ts"
import type { ReviewDecision, StoredReview } from "./StoredReview.ts"

/** Movements that wait for an administrator. `ReviewDecisions` ends them. */
export class Reviews extends Context.Service<
  Reviews,
  {
    /** Finds the review of a movement by the id of the transfer that holds its money. */
    readonly find: (id: TransferId) => Effect.Effect<Option.Option<Review>, StoreUnavailable>
    /**
     * Returns true if a review was rejected or has expired, and locks it until the end of the open transaction, so that no
     * administrator approves it meanwhile.
     */
    readonly isRefusedWithin: (id: TransferId) => Effect.Effect<boolean, SqlError.SqlError>
    /**
     * Returns a review, and locks it until the end of the open transaction, so that no other decides on it meanwhile. Lock it before
     * the order or the accounts that it is about, so that no two transactions wait for each other.
     */
    readonly lockWithin: (id: TransferId) => Effect.Effect<Option.Option<StoredReview>, SqlError.SqlError>
    /** Ends a pending review that is locked, because its order or conversion is cancelled, in the open transaction. */
    readonly cancelWithin: (
      cancellation: ReviewDecision,
      transfer: TransferId
    ) => Effect.Effect<void, SqlError.SqlError>
    readonly page: ReviewRepo["Service"]["page"]
    readonly decisions: ReviewRepo["Service"]["decisions"]
    /** Updates the metrics of pending reviews. */
    readonly measure: Effect.Effect<void, StoreUnavailable>
    /** Counts the reviews that expired after a time in the metrics, and returns the time up to which they are counted. */
    readonly countExpired: (after: DateTime.Utc) => Effect.Effect<DateTime.Utc, StoreUnavailable>
  }
>()("effex/risk/Reviews") {
  static readonly layerNoDeps = Layer.effect(
    Reviews,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const repo = yield* ReviewRepo

      const measure = Effect.gen(function* () {
        const { count, oldest } = yield* repo.pending
        yield* Metric.update(RiskMetrics.openReviews, count)
        yield* Metric.update(RiskMetrics.oldestReview, Math.max(0, oldest))
      }).pipe(Effect.withSpan("Reviews.measure"))

      const countExpired = Effect.fn("Reviews.countExpired")(function* (after: DateTime.Utc) {
        const until = yield* DateTime.now
        const count = yield* repo.expired(after, until)
        yield* Metric.update(RiskMetrics.reviews.of({ outcome: "expired" }), count)
        return until
      })

      return Reviews.of({
        find: Effect.fn("Reviews.find")((id) => execute(repo.byId(id))),
        isRefusedWithin: Effect.fn("Reviews.isRefusedWithin")(function* (id) {
          yield* repo.lock(id)
          return Option.exists(
            yield* repo.byId(id),
            ({ state }) => state === "rejected" || state === "expired"
          )
        }),
        lockWithin: Effect.fn("Reviews.lockWithin")(function* (id) {
          return (yield* repo.lock(id)) ? yield* repo.byId(id) : Option.none()
        }),
        cancelWithin: Effect.fn("Reviews.cancelWithin")(function* (cancellation, transfer) {
          if (!(yield* repo.end(cancellation, "cancelled", transfer)))
            // Rolls back: what is cancelled stays as it is.
            return yield* Effect.die(`review ${cancellation.id} has ended although it was locked`)
          yield* sql.afterCommit(Metric.update(RiskMetrics.reviews.of({ outcome: "cancelled" }), 1))
        }),
        page: repo.page,
        decisions: repo.decisions,
        measure,
        countExpired
      })
    })
  )

  static readonly layer = Reviews.layerNoDeps.pipe(Layer.provide(ReviewRepo.layer))
}
