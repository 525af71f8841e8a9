import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule } from "effect"
import { TestClock } from "effect/testing"
import * as Backoff from "../../src/client/Backoff.ts"

/** The longest that each wait may be, in milliseconds; none is shorter than half of it. */
const MOST = [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]

describe("the waits between attempts to connect", () => {
  it.effect("double up to ten seconds, spread, and begin anew after a connection that lasted", () =>
    Effect.gen(function* () {
      const { closed, opened, schedule } = yield* Backoff.make
      const step = yield* Schedule.toStep(schedule)
      const wait = Effect.map(Effect.orDie(step(0, undefined)), ([, delay]) => Duration.toMillis(delay))
      const connectFor = (duration: Duration.Input) =>
        opened.pipe(Effect.andThen(TestClock.adjust(duration)), Effect.andThen(closed))

      const shares = yield* Effect.forEach(MOST, (most) => Effect.map(wait, (millis) => millis / most))
      for (const share of shares) {
        assert.isAtLeast(share, 0.5)
        assert.isAtMost(share, 1)
      }
      assert.lengthOf(new Set(shares), MOST.length)

      yield* connectFor("4 seconds")
      assert.isAtLeast(yield* wait, 5000)
      yield* connectFor("5 seconds")
      assert.isAtMost(yield* wait, 250)
    })
  )
})
