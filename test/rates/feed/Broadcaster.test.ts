import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Latch, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
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

describe("Broadcaster.catchUp", () => {
  it.effect("reads the database again for callers that arrive during a read, once for all of them", () =>
    Effect.gen(function* () {
      const database = yield* makeDatabase
      const broadcaster = yield* start(database.repo)
      yield* database.latch.close
      const first = yield* Effect.forkChild(broadcaster.catchUp)
      yield* database.firstRead
      const others = yield* Effect.forEach(Array.from({ length: 1000 }), () =>
        Effect.forkChild(broadcaster.catchUp, { startImmediately: true })
      )
      assert.strictEqual(database.reads(), 1)
      yield* database.latch.open
      yield* Fiber.joinAll([first, ...others])
      assert.strictEqual(database.reads(), 2)
    })
  )
})
