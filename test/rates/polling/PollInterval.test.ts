import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Fiber, Option, Schema, SubscriptionRef } from "effect"
import { TestClock } from "effect/testing"
import type { PollCadence } from "../../../src/platform/PollCadence.ts"
import { repeatedly, untilOn } from "../../../src/rates/polling/PollInterval.ts"

class Failed extends Schema.TaggedError<Failed>()("Failed", {}) {}
class Superseded extends Schema.TaggedError<Superseded>()("Superseded", {}) {}

/** Polls that note the seconds at which they began, at a cadence that the test changes. */
const polling = Effect.fnUntraced(function* (
  first: string | null,
  poll: Effect.Effect<void, Failed | Superseded> = Effect.void
) {
  const ref = yield* SubscriptionRef.make(read(first))
  const cadence: PollCadence["Service"] = {
    interval: () => SubscriptionRef.getUnsafe(ref),
    changes: SubscriptionRef.changes(ref)
  }
  const begun: Array<number> = []
  const noted = Effect.andThen(
    Effect.map(DateTime.now, (now) => begun.push(DateTime.toEpochMillis(now) / 1000)),
    poll
  )
  const ended = yield* Effect.forkChild(repeatedly(cadence)(noted), { startImmediately: true })
  const change = (to: string | null) => Effect.andThen(SubscriptionRef.set(ref, read(to)), Effect.yieldNow)
  return { begun, cadence, change, ended }
})

const read = (text: string | null) =>
  Option.map(Option.fromNullOr(text), (text) => Duration.fromInputUnsafe(text as Duration.Input))

/** Goes on second by second, so that whatever waits sees each of them. */
const seconds = (count: number) => Effect.repeat(TestClock.adjust("1 second"), { times: count - 1 })

describe("repeatedly", () => {
  it.effect("polls at once, and from the start of one poll to the start of the next", () =>
    Effect.gen(function* () {
      const { begun } = yield* polling("10 seconds", Effect.sleep("3 seconds"))
      yield* seconds(35)
      assert.deepStrictEqual(begun, [0, 10, 20, 30])
    })
  )

  it.effect("counts a new interval from the poll before it, and polls at once where that is over", () =>
    Effect.gen(function* () {
      const { begun, change } = yield* polling("10 minutes")
      yield* seconds(20)
      yield* change("30 seconds")
      yield* seconds(15)
      assert.deepStrictEqual(begun, [0, 30])
      yield* change("2 seconds")
      yield* seconds(4)
      assert.deepStrictEqual(begun, [0, 30, 35, 37, 39])
      yield* change("1 minute")
      yield* seconds(59)
      assert.strictEqual(begun.length, 5)
      yield* seconds(1)
      assert.deepStrictEqual(begun.at(-1), 99)
    })
  )

  it.effect("ends where polling is turned off, after the poll that is under way", () =>
    Effect.gen(function* () {
      let finished = 0
      const slow = Effect.andThen(
        Effect.sleep("5 seconds"),
        Effect.sync(() => finished++)
      )
      const { begun, change, ended } = yield* polling("10 seconds", Effect.asVoid(slow))
      yield* seconds(12)
      yield* change(null)
      assert.isUndefined(ended.pollUnsafe())
      yield* seconds(3)
      yield* Fiber.join(ended)
      assert.deepStrictEqual(begun, [0, 10])
      assert.strictEqual(finished, 2)
    })
  )

  it.effect("ends at once where polling is turned off between polls, and waits until it is on", () =>
    Effect.gen(function* () {
      const { begun, cadence, change, ended } = yield* polling("10 seconds")
      yield* seconds(2)
      yield* change(null)
      yield* Fiber.join(ended)
      assert.deepStrictEqual(begun, [0])
      const on = yield* Effect.forkChild(untilOn(cadence), { startImmediately: true })
      yield* seconds(5)
      assert.isUndefined(on.pollUnsafe())
      yield* change("1 hour")
      yield* Fiber.join(on)
    })
  )

  it.effect("repeats what fails after 5, 10, 20 … seconds, up to the interval that is in force", () =>
    Effect.gen(function* () {
      const { begun, change } = yield* polling("1 minute", Effect.fail(new Failed()))
      yield* seconds(40)
      assert.deepStrictEqual(begun, [0, 5, 15, 35])
      yield* change("7 seconds")
      yield* seconds(10)
      assert.deepStrictEqual(begun, [0, 5, 15, 35, 42, 49])
    })
  )

  it.effect("ends with the term", () =>
    Effect.gen(function* () {
      const { ended } = yield* polling("1 minute", Effect.fail(new Superseded()))
      assert.strictEqual((yield* Effect.flip(Fiber.join(ended)))._tag, "Superseded")
    })
  )
})
