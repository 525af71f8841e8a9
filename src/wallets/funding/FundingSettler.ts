import { Clock, Context, Duration, Effect, Layer, Metric, Option } from "effect"
import { TransferId } from "../../domain/ledger/LedgerPosting.ts"
import type { Review } from "../../domain/risk/Review.ts"
import {
  type FundingAnswer,
  FundingDirection,
  type FundingRequest,
  FundingUnknown
} from "../../domain/wallets/Funding.ts"
import * as LeaderElection from "../../platform/LeaderElection.ts"
import * as ClusterMetrics from "../../platform/metrics/ClusterMetrics.ts"
import * as FundingMetrics from "../../platform/metrics/FundingMetrics.ts"
import { trackInFlight } from "../../platform/metrics/MetricSeries.ts"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { Reviews } from "../../risk/Reviews.ts"
import { FundingClient } from "./FundingClient.ts"
import { FundingRepo } from "./FundingRepo.ts"
import { FundingSettlement } from "./FundingSettlement.ts"

const INTERVAL = Duration.seconds(1)
const MEASURE_INTERVAL = Duration.seconds(15)
/** Requests that are asked for in one interval, and at the same time. */
const MAX_BATCH_SIZE = 64
const CONCURRENCY = 8
const ANSWER_TIMEOUT = Duration.seconds(10)

const NAME = "funding"

/**
 * Asks the provider for the outcome of pending requests, and submits those that never reached it. It needs no term: a
 * former leader that resumes can only end requests that are still pending.
 */
export class FundingSettler extends Context.Service<
  FundingSettler,
  {
    /** Settles the requests that are due now, and returns their number. */
    readonly settleDue: Effect.Effect<number, StoreUnavailable>
    /** Updates the metrics of pending requests. */
    readonly measure: Effect.Effect<void, StoreUnavailable>
  }
>()("effex/wallets/funding/FundingSettler") {
  static readonly layer = Layer.effect(
    FundingSettler,
    Effect.gen(function* () {
      const client = yield* FundingClient
      const repo = yield* FundingRepo
      const reviews = yield* Reviews
      const settlement = yield* FundingSettlement

      /** Asks before it submits, so that a lost answer does not become a second payment. */
      const answerOf = Effect.fnUntraced(function* (request: FundingRequest) {
        const id = TransferId.make(request.id)
        const review = request.direction === "withdrawal" ? yield* reviews.find(id) : Option.none()
        if (Option.isSome(review) && review.value.state !== "approved")
          // An administrator may approve it before the money is released.
          return { answer: answerOfReview(review.value), isValid: reviews.isRefusedWithin(id) }
        const found = yield* client.find(request)
        return { answer: Option.isSome(found) ? found.value : yield* client.submit(request) }
      })

      const settle = (request: FundingRequest) =>
        answerOf(request).pipe(
          Effect.timeoutOrElse({
            duration: ANSWER_TIMEOUT,
            orElse: () => Effect.fail(new FundingUnknown({ cause: "timeout" }))
          }),
          Effect.flatMap(({ answer, isValid }) => Effect.asVoid(settlement.apply(request, answer, isValid))),
          Effect.catchTag("FundingUnknown", () =>
            Metric.update(FundingMetrics.unknownOutcomes.of({ direction: request.direction }), 1)
          ),
          // One request must not delay the others.
          Effect.catchCause((cause) =>
            Effect.logWarning(`The ${request.direction} ${request.id} could not be settled; retrying`, cause)
          )
        )

      const settleDue = Effect.gen(function* () {
        const due = yield* repo.takeDue(client.provider, MAX_BATCH_SIZE)
        yield* Effect.forEach(due, settle, { concurrency: CONCURRENCY, discard: true })
        return due.length
      }).pipe(Effect.withSpan("FundingSettler.settleDue"))

      const measure = Effect.gen(function* () {
        for (const { count, direction, oldestSeconds } of yield* repo.pending) {
          yield* Metric.update(FundingMetrics.pending.of({ direction }), count)
          yield* Metric.update(FundingMetrics.oldestPending.of({ direction }), Math.max(0, oldestSeconds))
        }
      }).pipe(Effect.withSpan("FundingSettler.measure"))

      return FundingSettler.of({ settleDue, measure })
    })
  )

  /** Settles on the leader of the cluster. */
  static readonly layerBackground = Layer.unwrap(
    Effect.gen(function* () {
      const { measure, settleDue } = yield* FundingSettler
      /** The next leader measures. */
      const reset = Effect.forEach(
        FundingDirection.literals,
        (direction) =>
          Effect.andThen(
            Metric.update(FundingMetrics.pending.of({ direction }), 0),
            Metric.update(FundingMetrics.oldestPending.of({ direction }), 0)
          ),
        { discard: true }
      )

      const run = Effect.gen(function* () {
        const clock = yield* Clock.Clock
        let measuredAt = -Infinity
        const turn = Effect.gen(function* () {
          yield* settleDue
          const now = MonotonicClock.millisUnsafe(clock)
          if (now - measuredAt < Duration.toMillis(MEASURE_INTERVAL)) return
          yield* measure
          measuredAt = now
        }).pipe(
          Effect.catch((error) =>
            Effect.logWarning("Deposits and withdrawals cannot be settled now; retrying", error)
          )
        )
        return yield* turn.pipe(Effect.andThen(Effect.sleep(INTERVAL)), Effect.forever)
      })
      return LeaderElection.singleton(
        NAME,
        run.pipe(Effect.ensuring(reset), trackInFlight(ClusterMetrics.isLeader.of({ task: NAME })))
      )
    })
  )
}

/** A withdrawal waits for its review, and fails if it is not approved. */
const answerOfReview = ({ state }: Review): FundingAnswer =>
  state === "pending"
    ? { state }
    : {
        state: "failed",
        reason: state === "rejected" ? "The withdrawal was rejected" : "The review of the withdrawal expired"
      }
