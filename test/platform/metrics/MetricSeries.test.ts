import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric } from "effect"
import { TestClock } from "effect/testing"
import { PrometheusMetrics } from "effect/observability"
import * as MetricSeries from "../../../src/platform/metrics/MetricSeries.ts"

/** Provides a separate metric registry. */
const withOwnRegistry = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => Effect.provideService(test, Metric.MetricRegistry, new Map()))

describe("MetricSeries", () => {
  it.effect("creates every predefined series with value 0", () =>
    Effect.gen(function* () {
      const requests = MetricSeries.counterBy("requests_total", "Requests", {
        client: [],
        outcome: ["success", "failure"]
      })
      const age = MetricSeries.gauge("age_seconds", "The age")
      yield* MetricSeries.startAtZero([requests, age], { client: ["a", "b"], other: ["c"] })
      yield* Metric.update(requests.of({ client: "b", outcome: "success" }), 2)
      const samples = (yield* PrometheusMetrics.format()).split("\n").filter((line) => /^[a-z]/.test(line))
      assert.deepStrictEqual(samples, [
        'requests_total{client="a",outcome="success"} 0',
        'requests_total{client="a",outcome="failure"} 0',
        'requests_total{client="b",outcome="success"} 2',
        'requests_total{client="b",outcome="failure"} 0',
        "age_seconds 0"
      ])
    }).pipe(withOwnRegistry)
  )

  it.effect("records the duration of failures", () =>
    Effect.gen(function* () {
      const seconds = MetricSeries.histogram("seconds", "Seconds", [1, 10])
      const failing = Effect.andThen(Effect.sleep("3 seconds"), Effect.fail("failed"))
      const fiber = yield* Effect.forkChild(Effect.exit(MetricSeries.timed(seconds)(failing)))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(fiber.pollUnsafe()?._tag, "Success")
      const { count, sum } = yield* Metric.value(seconds)
      assert.deepStrictEqual({ count, sum }, { count: 1, sum: 3 })
    }).pipe(withOwnRegistry)
  )

  it.effect("reads an observed gauge on each scrape until the scope is closed", () =>
    Effect.gen(function* () {
      const size = MetricSeries.gauge("size", "The size")
      let current = 1
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* MetricSeries.observe(size, () => current)
          current = 7
          assert.include(yield* PrometheusMetrics.format(), "size 7\n")
        })
      )
      assert.strictEqual(yield* PrometheusMetrics.format(), "")
    }).pipe(withOwnRegistry)
  )
})
