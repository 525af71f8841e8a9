import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Metric, Option } from "effect"
import { TestClock } from "effect/testing"
import { Settings } from "../../src/config/Settings.ts"
import * as RiskMetrics from "../../src/platform/metrics/RiskMetrics.ts"
import { ReviewDecisions } from "../../src/risk/ReviewDecisions.ts"
import * as TestReviews from "../support/TestReviews.ts"
import * as TestRisk from "../support/TestRisk.ts"
import * as TestWallets from "../support/TestWallets.ts"
import * as Waiters from "../support/Waiters.ts"

const expired = Effect.map(Metric.value(RiskMetrics.reviews.of({ outcome: "expired" })), ({ count }) => count)
const open = Effect.map(Metric.value(RiskMetrics.openReviews), ({ value }) => value)

/** Runs on the only node of a cluster, as with the embedded database. */
const background = ReviewDecisions.layerBackground.pipe(
  Layer.provide(
    Layer.effect(
      Settings,
      Effect.map(Settings, (settings) => ({ ...settings, databaseUrl: Option.none() }))
    )
  )
)

layer(TestReviews.layer({ RISK_REVIEW_EXPIRY: "1 minute" }))("ReviewDecisions.layerBackground", (it) => {
  it.effect("counts each review that expires while the node leads, once", () =>
    Effect.gen(function* () {
      const [ann, ben] = [yield* TestWallets.user("ann", { USD: "100" }), yield* TestWallets.user("ben")]
      const hold = TestReviews.unpriced(TestRisk.send(ann, ben.username, "10"))
      const roundsUntil = (description: string, isTrue: Effect.Effect<boolean>) =>
        Waiters.eventuallyFrom(
          description,
          Effect.andThen(
            TestClock.adjust("15 seconds"),
            Effect.map(isTrue, (found) => found || undefined)
          )
        )
      yield* hold
      yield* TestClock.adjust("1 minute")
      const before = yield* expired
      yield* Layer.build(background)
      // The first review expired before this node led; a later count of one of the other two would also be seen.
      for (const count of [1, 2]) {
        yield* hold
        yield* roundsUntil(
          "open review",
          Effect.map(open, (reviews) => reviews === 1)
        )
        yield* roundsUntil(
          "expired review",
          Effect.map(expired, (found) => found > before + count - 1)
        )
        assert.strictEqual(yield* expired, before + count)
      }
      yield* roundsUntil(
        "end of all reviews",
        Effect.map(open, (reviews) => reviews === 0)
      )
    }).pipe(Effect.scoped)
  )
})
