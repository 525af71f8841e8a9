import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Together from "../../src/platform/Together.ts"

const deadline = { after: Duration.seconds(4), late: (item: number) => Effect.fail(`${item} is late`) }

/** Answers each number with the batch that it was in, which takes a second. */
const make = Effect.gen(function* () {
  const batches: Array<ReadonlyArray<number>> = []
  const ask = yield* Together.make<number, number, string>(
    3,
    (batch) => {
      const n = batches.push(batch.map(({ item }) => item))
      return Effect.delay(
        Effect.sync(() => batch.forEach(({ settle }) => settle(Effect.succeed(n)))),
        "1 second"
      )
    },
    deadline
  )
  return { ask, batches }
})

const askAll = (ask: (item: number) => Effect.Effect<number, string>, items: ReadonlyArray<number>) =>
  Effect.forkChild(
    Effect.forEach(items, (item) => Effect.result(ask(item)), { concurrency: "unbounded" }),
    { startImmediately: true }
  )

describe("Together", () => {
  it.effect("takes what came at once, and then what came meanwhile", () =>
    Effect.gen(function* () {
      const { ask, batches } = yield* make
      yield* askAll(ask, [1, 2])
      yield* TestClock.adjust("500 millis")
      const rest = yield* askAll(ask, [3, 4, 5, 6])
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(rest)
      assert.deepStrictEqual(batches, [[1, 2], [3, 4, 5], [6]])
    })
  )

  it.effect("leaves out whoever went away", () =>
    Effect.gen(function* () {
      const { ask, batches } = yield* make
      yield* askAll(ask, [1])
      yield* TestClock.adjust("500 millis")
      const gone = yield* askAll(ask, [2])
      const rest = yield* askAll(ask, [3])
      yield* Fiber.interrupt(gone)
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(rest)
      assert.deepStrictEqual(batches, [[1], [3]])
    })
  )

  it.effect("tells whoever has waited for too long, and nobody else", () =>
    Effect.gen(function* () {
      const ask = yield* Together.make<number, number, string>(1, () => Effect.never, deadline)
      const early = yield* Effect.forkChild(Effect.flip(ask(1)), { startImmediately: true })
      yield* TestClock.adjust("3 seconds")
      const later = yield* Effect.forkChild(Effect.flip(ask(2)), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(early), "1 is late")
      assert.isUndefined(later.pollUnsafe())
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(later), "2 is late")
    })
  )
})
