import { BigDecimal, Context, Duration, Effect, Layer, Metric, Option, Schedule } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql"
import { AdminActions } from "../accounts/AdminActions.ts"
import { type LedgerPosting, TransferId } from "../domain/ledger/LedgerPosting.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { Review } from "../domain/risk/Review.ts"
import * as Errors from "../domain/risk/Review.ts"
import { Ledger } from "../ledger/Ledger.ts"
import * as LeaderElection from "../platform/LeaderElection.ts"
import * as ClusterMetrics from "../platform/metrics/ClusterMetrics.ts"
import { trackInFlight } from "../platform/metrics/MetricSeries.ts"
import * as RiskMetrics from "../platform/metrics/RiskMetrics.ts"
import { Database } from "../platform/postgres/Database.ts"
import { isConflict } from "../platform/postgres/SqlFailures.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { type ReviewDecision, ReviewRepo, type StoredReview } from "./ReviewRepo.ts"

const MEASURE_INTERVAL = Duration.seconds(15)
/** Attempts to repeat a decision that a concurrent transaction conflicted with. */
const CONFLICT_RETRIES = 3

type Refusal = Errors.OwnReview | Errors.ReviewDecided | Errors.ReviewNotFound | Errors.ReviewRefused
type DecisionError = Refusal | StoreUnavailable

const refuse = (refusal: Refusal) => Effect.succeed(Effect.fail(refusal))

/** Movements that wait for an administrator. */
export class Reviews extends Context.Service<
  Reviews,
  {
    /** Posts the held movement, or lets the owner of the hold continue. Of concurrent decisions, one ends the review. */
    readonly approve: (decision: ReviewDecision) => Effect.Effect<Review, DecisionError>
    /** Releases the held money, or lets the owner of the hold do so. */
    readonly reject: (decision: ReviewDecision) => Effect.Effect<Review, DecisionError>
    /** Finds the review of a movement by the id of the transfer that holds its money. */
    readonly find: (id: TransferId) => Effect.Effect<Option.Option<Review>, StoreUnavailable>
    /**
     * Returns true if a review was rejected or has expired, and locks it until the end of the open transaction, so that no
     * administrator approves it meanwhile.
     */
    readonly isRefusedWithin: (id: TransferId) => Effect.Effect<boolean, SqlError.SqlError>
    readonly page: ReviewRepo["Service"]["page"]
    readonly decisions: ReviewRepo["Service"]["decisions"]
    /** Updates the metrics of pending reviews. */
    readonly measure: Effect.Effect<void, StoreUnavailable>
  }
>()("effex/risk/Reviews") {
  static readonly layerNoDeps = Layer.effect(
    Reviews,
    Effect.gen(function* () {
      const { execute, sql, tryExecute } = yield* Database
      const { record } = yield* AdminActions
      const { postWithin } = yield* Ledger
      const random = yield* SecureRandom.SecureRandom
      const repo = yield* ReviewRepo

      const found = Effect.fnUntraced(function* (id: TransferId) {
        const review = yield* repo.byId(id)
        return Option.isSome(review) ? review.value : yield* new Errors.ReviewNotFound()
      })

      /** Ends the hold of the gate. Of two concurrent decisions, one finds the hold ended. */
      const endHold = Effect.fnUntraced(function* (review: StoredReview, isApproved: boolean) {
        const { holdId, id, posting } = review
        // The owner of the hold ends it.
        if (posting.opens.some((opened) => opened.holdId === holdId)) {
          // Without the review too: an administrator refused the withdrawal.
          if (isApproved && (yield* repo.hasHoldEnded(holdId)))
            return yield* new Errors.ReviewRefused({
              detail: "The money is not held any more; reject the review"
            })
          return null
        }
        const transfer = TransferId.make(yield* random.uuidV7())
        const details = { ...posting.details, review_id: id }
        const { amount } = review.decision
        const none: LedgerPosting = {
          id: transfer,
          kind: `${posting.kind}.review`,
          details,
          entries: [],
          opens: [],
          ends: [{ holdId, outcome: "voided", posted: ZERO }]
        }
        const moved: LedgerPosting = {
          ...posting,
          id: transfer,
          details,
          ends: [...posting.ends, { holdId, outcome: "posted", posted: amount }]
        }
        const [outcome] = yield* postWithin([isApproved ? moved : none])
        if (outcome?._tag === "Posted") return transfer
        if (outcome?._tag === "HoldEnded" || outcome?._tag === "HoldExpired") {
          const { state } = yield* found(id)
          return yield* new Errors.ReviewDecided({ state: state === "pending" ? "expired" : state })
        }
        return yield* new Errors.ReviewRefused({
          detail:
            outcome?._tag === "AccountFrozen"
              ? `Account ${outcome.account} is frozen; unfreeze it first, or reject the review`
              : `The ledger refuses the movement: ${outcome?._tag ?? "no outcome"}`
        })
      })

      const decide = Effect.fnUntraced(function* (decision: ReviewDecision, isApproved: boolean) {
        yield* repo.lock(decision.id)
        const review = yield* found(decision.id)
        if (review.state !== "pending") return yield* new Errors.ReviewDecided({ state: review.state })
        if (isOwn(review, decision.principal)) return yield* new Errors.OwnReview()
        const transfer = yield* endHold(review, isApproved)
        if (!(yield* repo.end(decision, isApproved ? "approved" : "rejected", transfer)))
          return yield* new Errors.ReviewDecided({ state: (yield* found(decision.id)).state })
        const { amount, asset, kind, wallet } = review.decision
        yield* record({
          principal: decision.principal,
          action: isApproved ? "risk.review.approve" : "risk.review.reject",
          subject: decision.id,
          reason: decision.reason,
          details: { kind, asset, amount: Decimal.format(amount), wallet_id: wallet }
        })
        return yield* found(decision.id)
      })

      const run = (decision: ReviewDecision, isApproved: boolean) =>
        sql.withTransaction(decide(decision, isApproved)).pipe(
          Effect.map((review): Effect.Effect<Review, Refusal> => Effect.succeed(review)),
          // After the rollback.
          Effect.catchTags({
            OwnReview: refuse,
            ReviewDecided: refuse,
            ReviewNotFound: refuse,
            ReviewRefused: refuse
          }),
          tryExecute,
          Effect.retry({ while: isConflict, times: CONFLICT_RETRIES }),
          Effect.catchTag("SqlError", Effect.die),
          Effect.flatten,
          Effect.tap(() =>
            Metric.update(RiskMetrics.reviews.of({ outcome: isApproved ? "approved" : "rejected" }), 1)
          )
        )

      const measure = Effect.gen(function* () {
        const { count, oldest } = yield* repo.pending
        yield* Metric.update(RiskMetrics.openReviews, count)
        yield* Metric.update(RiskMetrics.oldestReview, Math.max(0, oldest))
      }).pipe(Effect.withSpan("Reviews.measure"))

      return Reviews.of({
        approve: Effect.fn("Reviews.approve")((decision) => run(decision, true)),
        reject: Effect.fn("Reviews.reject")((decision) => run(decision, false)),
        find: Effect.fn("Reviews.find")((id) => execute(repo.byId(id))),
        isRefusedWithin: Effect.fn("Reviews.isRefusedWithin")(function* (id) {
          yield* repo.lock(id)
          return Option.exists(
            yield* repo.byId(id),
            ({ state }) => state === "rejected" || state === "expired"
          )
        }),
        page: repo.page,
        decisions: repo.decisions,
        measure
      })
    })
  )

  static readonly layer = Reviews.layerNoDeps.pipe(Layer.provide(ReviewRepo.layer))

  /** Measures on the leader of the cluster. */
  static readonly layerBackground = Layer.unwrap(
    Effect.gen(function* () {
      const { measure } = yield* Reviews
      /** The next leader measures. */
      const reset = Effect.andThen(
        Metric.update(RiskMetrics.openReviews, 0),
        Metric.update(RiskMetrics.oldestReview, 0)
      )
      const run = measure.pipe(
        Effect.catch((error) =>
          Effect.logWarning("The reviews cannot be measured now; it is repeated", error)
        ),
        Effect.repeat(Schedule.spaced(MEASURE_INTERVAL)),
        Effect.ensuring(reset),
        trackInFlight(ClusterMetrics.isLeader.of({ task: NAME }))
      )
      return LeaderElection.singleton(NAME, Effect.andThen(run, Effect.never))
    })
  )
}

const NAME = "reviews"
const ZERO = BigDecimal.make(0n, 0)

/** Returns true if the administrator sends or receives the money, or the deciding API key requested the movement. */
const isOwn = ({ posting, recipientId, userId }: StoredReview, principal: string) =>
  posting.details["requested_by"] === principal ||
  [userId, recipientId].some((user) => principal === `user:${user}`)
