import { Context, DateTime, Duration, Effect, Layer, Metric, Option, Ref, Schedule } from "effect"
import { SecureRandom } from "effect/crypto"
import * as KeyOwners from "../access/KeyOwners.ts"
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
import {
  HeldConversionDecisions,
  type HeldEnd,
  HeldOrderDecisions,
  type OutdatedPrice,
  type PreparedApproval
} from "./HeldDecisions.ts"
import * as HoldEnd from "./HoldEnd.ts"
import { ReviewRepo } from "./ReviewRepo.ts"
import { Reviews } from "./Reviews.ts"
import type { ReviewDecision, StoredReview } from "./StoredReview.ts"

const MEASURE_INTERVAL = Duration.seconds(15)
const EXPIRY_INTERVAL = Duration.seconds(1)
/** Attempts to repeat a decision that a concurrent transaction conflicted with. */
const CONFLICT_RETRIES = 3

type Refusal = Errors.OwnReview | Errors.ReviewDecided | Errors.ReviewNotFound | Errors.ReviewRefused
type DecisionError = Refusal | StoreUnavailable
type ApprovalError = DecisionError | Errors.ReviewPriceMoved

const refuse = (refusal: Refusal | OutdatedPrice) => Effect.succeed(Effect.fail(refusal))

/** The rate of the second attempt was not accepted either. */
const refuseOutdated = () =>
  Effect.fail(
    new Errors.ReviewRefused({
      detail: "The audit does not know the latest rate; approve it when there is a new one, or reject it"
    })
  )

/** Decisions of administrators on movements that wait for them. */
export class ReviewDecisions extends Context.Service<
  ReviewDecisions,
  {
    /** Posts the held movement, or lets the owner of the hold continue. Of concurrent decisions, one ends the review. */
    readonly approve: (decision: ReviewDecision) => Effect.Effect<Review, ApprovalError>
    /** Releases the held money, or lets the owner of the hold do so. */
    readonly reject: (decision: ReviewDecision) => Effect.Effect<Review, DecisionError>
  }
>()("effex/risk/ReviewDecisions") {
  static readonly layerNoDeps = Layer.effect(
    ReviewDecisions,
    Effect.gen(function* () {
      const { execute, sql, transaction, tryExecute } = yield* Database
      const { record } = yield* AdminActions
      const { postWithin } = yield* Ledger
      const conversions = yield* HeldConversionDecisions
      const orders = yield* HeldOrderDecisions
      const random = yield* SecureRandom.SecureRandom
      const repo = yield* ReviewRepo
      const haveOneOwner = yield* KeyOwners.make

      const found = Effect.fnUntraced(function* (id: TransferId) {
        const review = yield* repo.byId(id)
        return Option.isSome(review) ? review.value : yield* new Errors.ReviewNotFound()
      })

      /** Returns true if the administrator sends or receives the money, or the owner of the deciding API key requested the movement. */
      const isOwn = Effect.fnUntraced(function* (
        { posting, recipientId, userId }: StoredReview,
        principal: string
      ) {
        if ([userId, recipientId].some((user) => principal === `user:${user}`)) return true
        const requester = posting.details["requested_by"]
        return typeof requester === "string" && (yield* haveOneOwner(requester, principal))
      })

      /** Checks that the principal can decide now. */
      const check = Effect.fnUntraced(function* (review: StoredReview, principal: string) {
        if (review.state !== "pending") return yield* new Errors.ReviewDecided({ state: review.state })
        if (yield* isOwn(review, principal)) return yield* new Errors.OwnReview()
      })

      /** Ends the hold of the gate. A withdrawal ends its own. */
      const endHold = Effect.fnUntraced(function* (review: StoredReview, isApproved: boolean) {
        const { holdId, id, posting } = review
        if (posting.opens.some((opened) => opened.holdId === holdId)) {
          // Without the review too: an administrator refused the withdrawal.
          if (isApproved && (yield* repo.hasHoldEnded(holdId)))
            return yield* new Errors.ReviewRefused({
              detail: "The money is not held any more; reject the review"
            })
          return null
        }
        const transfer = TransferId.make(yield* random.uuidV7())
        const { amount } = review.decision
        const moved: LedgerPosting = {
          ...posting,
          id: transfer,
          details: { ...posting.details, review_id: id },
          ends: [...posting.ends, { holdId, outcome: "posted", posted: amount }]
        }
        const [outcome] = yield* postWithin([isApproved ? moved : HoldEnd.release(review, transfer)])
        return yield* HoldEnd.toTransfer(outcome)
      })

      const prepare = (review: StoredReview, isApproved: boolean): PreparedApproval => {
        switch (review.decision.kind) {
          case "order":
            return isApproved ? orders.prepareApproval(review) : Effect.succeed(orders.reject(review))
          case "conversion":
            return isApproved
              ? conversions.prepareApproval(review)
              : Effect.succeed(endHold(review, isApproved))
          default:
            return Effect.succeed(endHold(review, isApproved))
        }
      }

      const decide = Effect.fnUntraced(function* (
        decision: ReviewDecision,
        isApproved: boolean,
        end: HeldEnd
      ) {
        yield* repo.lock(decision.id)
        const review = yield* found(decision.id)
        yield* check(review, decision.principal)
        const transfer = yield* end
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

      const commit = (decision: ReviewDecision, isApproved: boolean, end: HeldEnd) =>
        sql.withTransaction(decide(decision, isApproved, end)).pipe(
          Effect.map((review): Effect.Effect<Review, Refusal | OutdatedPrice> => Effect.succeed(review)),
          // After the rollback.
          Effect.catchTags({
            OutdatedPrice: refuse,
            OwnReview: refuse,
            ReviewDecided: refuse,
            ReviewNotFound: refuse,
            ReviewRefused: refuse
          }),
          tryExecute,
          Effect.retry({ while: isConflict, times: CONFLICT_RETRIES }),
          Effect.catchTag("SqlError", Effect.die),
          Effect.flatten
        )

      const run = Effect.fnUntraced(function* (decision: ReviewDecision, isApproved: boolean) {
        const stored = yield* execute(repo.byId(decision.id))
        if (Option.isNone(stored)) return yield* new Errors.ReviewNotFound()
        yield* transaction(check(stored.value, decision.principal))
        const end = yield* prepare(stored.value, isApproved)
        const review = yield* commit(decision, isApproved, end).pipe(
          Effect.catchTag("OutdatedPrice", ({ prepareAgain }) =>
            Effect.flatMap(prepareAgain, (again) => commit(decision, isApproved, again))
          ),
          Effect.catchTag("OutdatedPrice", refuseOutdated)
        )
        yield* Metric.update(RiskMetrics.reviews.of({ outcome: isApproved ? "approved" : "rejected" }), 1)
        return review
      })

      return ReviewDecisions.of({
        approve: Effect.fn("ReviewDecisions.approve")((decision) => run(decision, true)),
        reject: Effect.fn("ReviewDecisions.reject")((decision) =>
          // Only an approval has a price.
          Effect.catchTag(run(decision, false), "ReviewPriceMoved", Effect.die)
        )
      })
    })
  )

  static readonly layer = ReviewDecisions.layerNoDeps.pipe(Layer.provide(ReviewRepo.layer))

  /** Ends orders whose review has expired, and measures the reviews, on the leader of the cluster. */
  static readonly layerBackground = Layer.unwrap(
    Effect.gen(function* () {
      const { countExpired, measure } = yield* Reviews
      const { expireDue } = yield* HeldOrderDecisions
      /** The next leader measures. */
      const reset = Effect.andThen(
        Metric.update(RiskMetrics.openReviews, 0),
        Metric.update(RiskMetrics.oldestReview, 0)
      )
      const repeat = (work: Effect.Effect<unknown, StoreUnavailable>, interval: Duration.Duration) =>
        work.pipe(
          Effect.catch((error) => Effect.logWarning("The reviews cannot be read now; it is repeated", error)),
          Effect.repeat(Schedule.spaced(interval))
        )
      const run = Effect.gen(function* () {
        // The leader counts what expires from its start.
        const countedUpTo = yield* Effect.flatMap(DateTime.now, Ref.make)
        const count = Ref.get(countedUpTo).pipe(
          Effect.flatMap(countExpired),
          Effect.flatMap((until) => Ref.set(countedUpTo, until))
        )
        yield* Effect.all(
          [repeat(Effect.andThen(measure, count), MEASURE_INTERVAL), repeat(expireDue, EXPIRY_INTERVAL)],
          { concurrency: "unbounded", discard: true }
        )
      }).pipe(Effect.ensuring(reset), trackInFlight(ClusterMetrics.isLeader.of({ task: NAME })))
      return LeaderElection.singleton(NAME, Effect.andThen(run, Effect.never))
    })
  )
}

const NAME = "reviews"
