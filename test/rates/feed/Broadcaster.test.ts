import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Latch, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import * as RateFollower from "../../../src/rates/feed/RateFollower.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import * as TestSettings from "../../support/TestSettings.ts"

/** A database without rates, in which each read waits for the latch. */
const makeDatabase = Effect.gen(function* () {
  const latch = yield* Latch.make(true)
  let reads = 0
  const firstRead = yield* Deferred.make<void>()
  const repo = Layer.mock(RateRepo)({
    latestAll: Effect.succeed([]),
    latestIds: Effect.gen(function* () {
      reads++
      yield* Effect.yieldNow
      yield* Deferred.succeed(firstRead, undefined)
      yield* latch.await
      return new Map()
    })
  })
  return { repo, latch, firstRead: Deferred.await(firstRead), reads: () => reads }
})

const start = (repo: Layer.Layer<RateRepo>) =>
  Effect.map(
    Layer.build(
      Broadcaster.layerMemory.pipe(
        Layer.provide([repo, SecureRandom.layerWebCrypto, TestSettings.layer({})]),
        Layer.fresh
      )
    ),
    Context.get(Broadcaster)
  )

/** A database whose first read crashes. */
const makeCrashingDatabase = () => {
  let reads = 0
  const repo = Layer.mock(RateRepo)({
    latestAll: Effect.succeed([]),
    latestIds: Effect.suspend(() => (reads++ === 0 ? Effect.die("crash") : Effect.succeed(new Map())))
  })
  return { repo, reads: () => reads }
}

describe("RateFollower", () => {
  it.effect("continues after a read of the database crashed", () =>
    Effect.gen(function* () {
      const database = makeCrashingDatabase()
      const broadcaster = yield* start(database.repo)
      yield* Layer.build(
        RateFollower.layer.pipe(
          Layer.provide([Layer.succeed(Broadcaster, broadcaster), RateCache.layerMemory]),
          Layer.fresh
        )
      )
      yield* TestClock.adjust("2 seconds")
      assert.isAtLeast(database.reads(), 2)
    })
  )
})

/** A position in the epoch of another process. */
const ELSEWHERE = { epoch: "other", sequence: 1 }

describe("Broadcaster.catchUp", () => {
  it.effect("reads the database again after a read crashed", () =>
    Effect.gen(function* () {
      const database = makeCrashingDatabase()
      const broadcaster = yield* start(database.repo)
      const caughtUp = yield* Effect.forkChild(broadcaster.catchUp(ELSEWHERE))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(caughtUp)
      assert.strictEqual(database.reads(), 2)
    })
  )

  it.effect("reads the database again for callers that arrive during a read, once for all of them", () =>
    Effect.gen(function* () {
      const database = yield* makeDatabase
      const broadcaster = yield* start(database.repo)
      yield* database.latch.close
      const first = yield* Effect.forkChild(broadcaster.catchUp(ELSEWHERE))
      yield* database.firstRead
      const others = yield* Effect.forEach(Array.from({ length: 1000 }), () =>
        Effect.forkChild(broadcaster.catchUp(ELSEWHERE), { startImmediately: true })
      )
      assert.strictEqual(database.reads(), 1)
      yield* database.latch.open
      yield* Fiber.joinAll([first, ...others])
      assert.strictEqual(database.reads(), 2)
    })
  )
})
