import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import * as Batcher from "../../src/platform/Batcher.ts"

const timeouts = {
  timeout: Duration.seconds(4),
  onTimeout: (item: number) => Exit.fail(`${item} timed out`)
}

/** A batcher that takes one second per batch and returns the number of the batch for each of its items. */
const make = Effect.gen(function* () {
  const batches: Array<ReadonlyArray<number>> = []
  const batcher = yield* Batcher.make<number, number, string>({
    ...timeouts,
    maxBatchSize: 3,
    handle: (batch) => {
      const n = batches.push(batch.map(({ item }) => item))
      return Effect.delay(
        Effect.sync(() => batch.forEach(({ settle }) => settle(Exit.succeed(n)))),
        "1 second"
      )
    }
  })
  return { ...batcher, batches }
})

const runEach = (run: (item: number) => Effect.Effect<number, string>, items: ReadonlyArray<number>) =>
  Effect.forkChild(
    Effect.forEach(items, (item) => Effect.result(run(item)), { concurrency: "unbounded" }),
    { startImmediately: true }
  )

describe("Batcher", () => {
  it.effect("batches concurrent items, then the items queued during the batch", () =>
    Effect.gen(function* () {
      const { batches, run } = yield* make
      yield* runEach(run, [1, 2])
      yield* TestClock.adjust("500 millis")
      const later = yield* runEach(run, [3, 4, 5, 6])
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(later)
      assert.deepStrictEqual(batches, [[1, 2], [3, 4, 5], [6]])
    })
  )

  it.effect("skips items whose callers were interrupted", () =>
    Effect.gen(function* () {
      const { batches, run } = yield* make
      yield* runEach(run, [1])
      yield* TestClock.adjust("500 millis")
      const interrupted = yield* runEach(run, [2])
      const remaining = yield* runEach(run, [3])
      yield* Fiber.interrupt(interrupted)
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(remaining)
      assert.deepStrictEqual(batches, [[1], [3]])
    })
  )

  it.effect("times out each item by its own age", () =>
    Effect.gen(function* () {
      const { run } = yield* Batcher.make<number, number, string>({
        ...timeouts,
        maxBatchSize: 1,
        handle: () => Effect.never
      })
      const earlier = yield* Effect.forkChild(Effect.flip(run(1)), { startImmediately: true })
      yield* TestClock.adjust("3 seconds")
      const later = yield* Effect.forkChild(Effect.flip(run(2)), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(earlier), "1 timed out")
      assert.isUndefined(later.pollUnsafe())
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(later), "2 timed out")
    })
  )

  it.effect("returns to each caller the outcome of its own item", () =>
    Effect.gen(function* () {
      const { batches, run } = yield* make
      const running = yield* runEach(run, [1, 2, 3, 4])
      yield* TestClock.adjust("1500 millis")
      assert.isUndefined(running.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        yield* Fiber.join(running),
        [1, 1, 1, 2].map((n) => Result.succeed(n))
      )
      assert.deepStrictEqual(batches, [[1, 2, 3], [4]])
    })
  )

  it.effect("returns the outcomes of runAll in order, once all are known", () =>
    Effect.gen(function* () {
      const { batches, runAll } = yield* make
      assert.deepStrictEqual(yield* runAll([]), [])
      const running = yield* Effect.forkChild(runAll([1, 2, 3, 4]), { startImmediately: true })
      yield* TestClock.adjust("1500 millis")
      assert.isUndefined(running.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        yield* Fiber.join(running),
        [1, 1, 1, 2].map((n) => Exit.succeed(n))
      )
      assert.deepStrictEqual(batches, [[1, 2, 3], [4]])
    })
  )

  it.effect("times out the items behind a long queue, and skips those of interrupted callers", () =>
    Effect.gen(function* () {
      const { batches, run } = yield* make
      const running = yield* runEach(
        run,
        Array.from({ length: 15 }, (_, i) => i)
      )
      yield* TestClock.adjust("500 millis")
      const interrupted = yield* runEach(run, [100, 101])
      yield* Fiber.interrupt(interrupted)
      yield* TestClock.adjust("10 seconds")
      const outcomes = yield* Fiber.join(running)
      assert.deepStrictEqual(
        outcomes.slice(0, 9).map(Result.isSuccess),
        Array.from({ length: 9 }, () => true)
      )
      assert.deepStrictEqual(
        outcomes.slice(12),
        [12, 13, 14].map((n) => Result.fail(`${n} timed out`))
      )
      assert.notIncludeMembers(batches.flat(), [100, 101])
    })
  )

  it.effect("handles as many batches at a time as its concurrency", () =>
    Effect.gen(function* () {
      const batches: Array<ReadonlyArray<number>> = []
      const { run } = yield* Batcher.make<number, number, string>({
        ...timeouts,
        maxBatchSize: 3,
        concurrency: 2,
        handle: (batch) => {
          batches.push(batch.map(({ item }) => item))
          return Effect.never
        }
      })
      for (const item of [1, 2, 3]) {
        yield* runEach(run, [item])
        yield* TestClock.adjust("1 millis")
      }
      assert.deepStrictEqual(batches, [[1], [2]])
    })
  )

  it.effect("divides a long queue among the free lanes, and not a short one", () =>
    Effect.gen(function* () {
      const sizesOf = Effect.fnUntraced(function* (items: number) {
        const sizes: Array<number> = []
        const { run } = yield* Batcher.make<number, number, string>({
          ...timeouts,
          maxBatchSize: 256,
          concurrency: 2,
          divideFrom: 32,
          handle: (batch) => {
            sizes.push(batch.length)
            return Effect.never
          }
        })
        yield* runEach(
          run,
          Array.from({ length: items }, (_, n) => n)
        )
        yield* TestClock.adjust("1 millis")
        return sizes
      })
      assert.deepStrictEqual(yield* sizesOf(31), [31])
      assert.deepStrictEqual(yield* sizesOf(63), [32, 31])
    })
  )
})
