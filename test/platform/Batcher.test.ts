import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Batcher from "../../src/platform/Batcher.ts"

const deadline = { after: Duration.seconds(4), late: (item: number) => Exit.fail(`${item} is late`) }

/** Answers each number with the batch that it was in, which takes a second. */
const make = Effect.gen(function* () {
  const batches: Array<ReadonlyArray<number>> = []
  const { all, one: ask } = yield* Batcher.make<number, number, string>(
    3,
    (batch) => {
      const n = batches.push(batch.map(({ item }) => item))
      return Effect.delay(
        Effect.sync(() => batch.forEach(({ settle }) => settle(Exit.succeed(n)))),
        "1 second"
      )
    },
    deadline
  )
  return { all, ask, batches }
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
      const { one: ask } = yield* Batcher.make<number, number, string>(1, () => Effect.never, deadline)
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

  it.effect("tells whoever asks for several what came of each, once all is known", () =>
    Effect.gen(function* () {
      const { all, batches } = yield* make
      assert.deepStrictEqual(yield* all([]), [])
      const asked = yield* Effect.forkChild(all([1, 2, 3, 4]), { startImmediately: true })
      yield* TestClock.adjust("1500 millis")
      assert.isUndefined(asked.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        yield* Fiber.join(asked),
        [1, 1, 1, 2].map((n) => Exit.succeed(n))
      )
      assert.deepStrictEqual(batches, [[1, 2, 3], [4]])
    })
  )

  it.effect("tells whoever asks for several which of them are late, and leaves out those who went away", () =>
    Effect.gen(function* () {
      const { all, batches } = yield* make
      const asked = yield* Effect.forkChild(all(Array.from({ length: 15 }, (_, i) => i)), {
        startImmediately: true
      })
      yield* TestClock.adjust("500 millis")
      const gone = yield* Effect.forkChild(all([100, 101]), { startImmediately: true })
      yield* Fiber.interrupt(gone)
      yield* TestClock.adjust("10 seconds")
      const outcomes = yield* Fiber.join(asked)
      assert.deepStrictEqual(
        outcomes.slice(0, 9).map(Exit.isSuccess),
        Array.from({ length: 9 }, () => true)
      )
      assert.deepStrictEqual(
        outcomes.slice(12),
        [12, 13, 14].map((n) => Exit.fail(`${n} is late`))
      )
      assert.notIncludeMembers(batches.flat(), [100, 101])
    })
  )

  it.effect("has as many batches under way as there are lanes", () =>
    Effect.gen(function* () {
      const batches: Array<ReadonlyArray<number>> = []
      const { one } = yield* Batcher.make<number, number, string>(
        3,
        (batch) => {
          batches.push(batch.map(({ item }) => item))
          return Effect.never
        },
        deadline,
        2
      )
      for (const item of [1, 2, 3]) {
        yield* askAll(one, [item])
        yield* TestClock.adjust("1 millis")
      }
      assert.deepStrictEqual(batches, [[1], [2]])
    })
  )
})
