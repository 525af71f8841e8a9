import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule } from "effect"
import { TestClock } from "effect/testing"
import * as Backoff from "../../src/client/Backoff.ts"

/** Maximum of each delay, in milliseconds. Jitter shortens a delay by up to a half. */
const MAX_DELAYS = [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]

describe("Backoff", () => {
  it.effect("doubles up to ten seconds with jitter, and resets after a stable connection", () =>
    Effect.gen(function* () {
      const { closed, opened, schedule } = yield* Backoff.make
      const step = yield* Schedule.toStep(schedule)
      const nextDelay = Effect.map(Effect.orDie(step(0, undefined)), ([, delay]) => Duration.toMillis(delay))
      const connectFor = (duration: Duration.Input) =>
        opened.pipe(Effect.andThen(TestClock.adjust(duration)), Effect.andThen(closed))

      const ratios = yield* Effect.forEach(MAX_DELAYS, (max) => Effect.map(nextDelay, (delay) => delay / max))
      for (const ratio of ratios) {
        assert.isAtLeast(ratio, 0.5)
        assert.isAtMost(ratio, 1)
      }
      assert.lengthOf(new Set(ratios), MAX_DELAYS.length)

      yield* connectFor("4 seconds")
      assert.isAtLeast(yield* nextDelay, 5000)
      yield* connectFor("5 seconds")
      assert.isAtMost(yield* nextDelay, 250)
    })
  )
})
