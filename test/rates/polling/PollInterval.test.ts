import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Fiber, Option, Schema, SubscriptionRef } from "effect"
import { TestClock } from "effect/testing"
import type { PollCadence } from "../../../src/platform/PollCadence.ts"
import { repeatAtCadence, awaitEnabled } from "../../../src/rates/polling/PollInterval.ts"

class Failed extends Schema.TaggedError<Failed>()("Failed", {}) {}
class Superseded extends Schema.TaggedError<Superseded>()("Superseded", {}) {}

/** Repeats a poll at a cadence that the test changes, and records the start of each poll in seconds. */
const polling = Effect.fnUntraced(function* (
  first: string | null,
  poll: Effect.Effect<void, Failed | Superseded> = Effect.void
) {
  const ref = yield* SubscriptionRef.make(read(first))
  const cadence: PollCadence["Service"] = {
    interval: () => SubscriptionRef.getUnsafe(ref),
    changes: SubscriptionRef.changes(ref)
  }
  const starts: Array<number> = []
  const recorded = Effect.andThen(
    Effect.map(DateTime.now, (now) => starts.push(DateTime.toEpochMillis(now) / 1000)),
    poll
  )
  const ended = yield* Effect.forkChild(repeatAtCadence(cadence)(recorded), { startImmediately: true })
  const change = (to: string | null) => Effect.andThen(SubscriptionRef.set(ref, read(to)), Effect.yieldNow)
  return { starts, cadence, change, ended }
})

const read = (text: string | null) =>
  Option.map(Option.fromNullOr(text), (text) => Duration.fromInputUnsafe(text as Duration.Input))

/** Advances the clock second by second, so that a waiting fiber wakes at each of them. */
const seconds = (count: number) => Effect.repeat(TestClock.adjust("1 second"), { times: count - 1 })

describe("repeatAtCadence", () => {
  it.effect("polls immediately, and then at every interval from start to start", () =>
    Effect.gen(function* () {
      const { starts } = yield* polling("10 seconds", Effect.sleep("3 seconds"))
      yield* seconds(35)
      assert.deepStrictEqual(starts, [0, 10, 20, 30])
    })
  )

  it.effect("applies a new interval from the previous start, and polls immediately if it is over", () =>
    Effect.gen(function* () {
      const { starts, change } = yield* polling("10 minutes")
      yield* seconds(20)
      yield* change("30 seconds")
      yield* seconds(15)
      assert.deepStrictEqual(starts, [0, 30])
      yield* change("2 seconds")
      yield* seconds(4)
      assert.deepStrictEqual(starts, [0, 30, 35, 37, 39])
      yield* change("1 minute")
      yield* seconds(59)
      assert.strictEqual(starts.length, 5)
      yield* seconds(1)
      assert.deepStrictEqual(starts.at(-1), 99)
    })
  )

  it.effect("ends after the running poll when polling is turned off", () =>
    Effect.gen(function* () {
      let finished = 0
      const slow = Effect.andThen(
        Effect.sleep("5 seconds"),
        Effect.sync(() => finished++)
      )
      const { starts, change, ended } = yield* polling("10 seconds", Effect.asVoid(slow))
      yield* seconds(12)
      yield* change(null)
      assert.isUndefined(ended.pollUnsafe())
      yield* seconds(3)
      yield* Fiber.join(ended)
      assert.deepStrictEqual(starts, [0, 10])
      assert.strictEqual(finished, 2)
    })
  )

  it.effect("ends immediately when polling is turned off between polls", () =>
    Effect.gen(function* () {
      const { starts, cadence, change, ended } = yield* polling("10 seconds")
      yield* seconds(2)
      yield* change(null)
      yield* Fiber.join(ended)
      assert.deepStrictEqual(starts, [0])
      const on = yield* Effect.forkChild(awaitEnabled(cadence), { startImmediately: true })
      yield* seconds(5)
      assert.isUndefined(on.pollUnsafe())
      yield* change("1 hour")
      yield* Fiber.join(on)
    })
  )

  it.effect("retries failures after 5, 10, 20 … seconds, up to the interval in effect", () =>
    Effect.gen(function* () {
      const { starts, change } = yield* polling("1 minute", Effect.fail(new Failed()))
      yield* seconds(40)
      assert.deepStrictEqual(starts, [0, 5, 15, 35])
      yield* change("7 seconds")
      yield* seconds(10)
      assert.deepStrictEqual(starts, [0, 5, 15, 35, 42, 49])
    })
  )

  it.effect("ends when the leader term has ended", () =>
    Effect.gen(function* () {
      const { ended } = yield* polling("1 minute", Effect.fail(new Superseded()))
      assert.strictEqual((yield* Effect.flip(Fiber.join(ended)))._tag, "Superseded")
    })
  )
})
