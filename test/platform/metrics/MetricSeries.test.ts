import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric } from "effect"
import { TestClock } from "effect/testing"
import { PrometheusMetrics } from "effect/observability"
import * as MetricSeries from "../../../src/platform/metrics/MetricSeries.ts"

/** With metrics of its own. */
const apart = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => Effect.provideService(test, Metric.MetricRegistry, new Map()))

describe("MetricSeries", () => {
  it.effect("makes every series that is known beforehand at 0", () =>
    Effect.gen(function* () {
      const answers = MetricSeries.counterBy("answers_total", "Answers", { who: [], how: ["well", "badly"] })
      const age = MetricSeries.gauge("age_seconds", "The age")
      yield* MetricSeries.startAtZero([answers, age], { who: ["a", "b"], other: ["c"] })
      yield* Metric.update(answers.of({ who: "b", how: "well" }), 2)
      const samples = (yield* PrometheusMetrics.format()).split("\n").filter((line) => /^[a-z]/.test(line))
      assert.deepStrictEqual(samples, [
        'answers_total{who="a",how="well"} 0',
        'answers_total{who="a",how="badly"} 0',
        'answers_total{who="b",how="well"} 2',
        'answers_total{who="b",how="badly"} 0',
        "age_seconds 0"
      ])
    }).pipe(apart)
  )

  it.effect("measures what fails as well", () =>
    Effect.gen(function* () {
      const seconds = MetricSeries.histogram("seconds", "Seconds", [1, 10])
      const late = Effect.andThen(Effect.sleep("3 seconds"), Effect.fail("late"))
      const fiber = yield* Effect.forkChild(Effect.exit(MetricSeries.timed(seconds)(late)))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(fiber.pollUnsafe()?._tag, "Success")
      const { count, sum } = yield* Metric.value(seconds)
      assert.deepStrictEqual({ count, sum }, { count: 1, sum: 3 })
    }).pipe(apart)
  )

  it.effect("reads what is observed whenever it is asked, until the scope is closed", () =>
    Effect.gen(function* () {
      const size = MetricSeries.gauge("size", "The size")
      let now = 1
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* MetricSeries.observe(size, () => now)
          now = 7
          assert.include(yield* PrometheusMetrics.format(), "size 7\n")
        })
      )
      assert.strictEqual(yield* PrometheusMetrics.format(), "")
    }).pipe(apart)
  )
})
