import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import * as PasswordQueue from "../../src/accounts/PasswordQueue.ts"

/** Work that records its start and ends with `release`. */
const make = Effect.gen(function* () {
  const { enqueue } = yield* PasswordQueue.make({ concurrency: 2, maxWaiting: 3 })
  const started: Array<number> = []
  const release = yield* Deferred.make<void>()
  const run = (name: number) =>
    enqueue(
      Effect.gen(function* () {
        started.push(name)
        yield* Deferred.await(release)
        return name
      })
    )
  const start = (name: number) => Effect.forkChild(run(name), { startImmediately: true })
  return { enqueue, release: Deferred.succeed(release, undefined), run, start, started }
})

describe("PasswordQueue", () => {
  it.effect("runs a few at a time, and all in the order of arrival", () =>
    Effect.gen(function* () {
      const { release, start, started } = yield* make
      const fibers = yield* Effect.forEach([1, 2, 3, 4, 5], start)
      assert.deepStrictEqual(started, [1, 2])
      yield* release
      assert.deepStrictEqual(yield* Effect.forEach(fibers, Fiber.join), [1, 2, 3, 4, 5])
      assert.deepStrictEqual(started, [1, 2, 3, 4, 5])
    })
  )

  it.effect("refuses more than may wait, and accepts others when some have ended or given up", () =>
    Effect.gen(function* () {
      const { release, run, start, started } = yield* make
      const fibers = yield* Effect.forEach([1, 2, 3, 4, 5], start)
      const refused = yield* Effect.flip(run(6))
      assert.strictEqual(refused._tag, "TooManySignIns")
      assert.match(refused.message, /^This node has 3 waiting sign-ins and registrations, its maximum/)
      // A client that disconnects gives up its place.
      const [, , third] = fibers
      yield* Fiber.interrupt(third ?? assert.fail())
      const seventh = yield* start(7)
      assert.strictEqual((yield* Effect.flip(run(8)))._tag, "TooManySignIns")
      yield* release
      assert.strictEqual(yield* Fiber.join(seventh), 7)
      assert.deepStrictEqual(started, [1, 2, 4, 5, 7])
      assert.strictEqual(yield* run(9), 9)
    })
  )

  it.effect("frees the place of work that fails", () =>
    Effect.gen(function* () {
      const { enqueue, release, run } = yield* make
      for (let i = 0; i < 10; i++)
        assert.strictEqual(yield* Effect.flip(enqueue(Effect.fail("wrong password"))), "wrong password")
      yield* release
      assert.strictEqual(yield* run(1), 1)
    })
  )
})
