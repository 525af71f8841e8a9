import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { Broadcaster } from "../../src/rates/Broadcaster.ts"
import { RateCache } from "../../src/rates/RateCache.ts"
import { RateIntake } from "../../src/rates/RateIntake.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"
import { Rates } from "../../src/rates/Rates.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { hanging, TestProvider } from "../support/TestProvider.ts"
import { pairOf, tick } from "../support/Ticks.ts"

const TestLayer = Rates.layer.pipe(
  Layer.provideMerge(RateIntake.layer),
  Layer.provideMerge(Layer.mergeAll(RateCache.layerMemory, Broadcaster.layerMemory)),
  Layer.provideMerge(Layer.mergeAll(RateRepo.layer, TestProvider.layer)),
  Layer.provideMerge(SecureRandom.layerWebCrypto),
  Layer.provideMerge(TestDatabase.layer())
)

describe("A lookup that waits for the provider", () => {
  it.effect("answers with what another process has told of meanwhile", () =>
    Effect.gen(function* () {
      const pair = pairOf("USD", "NGN")
      const [rates, cache, repo] = [yield* Rates, yield* RateCache, yield* RateRepo]
      const provider = yield* TestProvider
      yield* rates.lookup(pair)
      yield* provider.answer(hanging)
      yield* TestClock.adjust("2 minutes")
      const waiting = yield* Effect.forkChild(rates.lookup(pair, { maxAge: Duration.minutes(1) }))
      yield* TestClock.adjust("500 millis")
      const told = yield* repo.insert(yield* tick("USD", "NGN", "1555"))
      cache.remember(told)
      yield* TestClock.adjust("500 millis")
      const found = yield* Fiber.join(waiting)
      assert.deepStrictEqual([found.rate.id, found.source], [told.id, "memory"])
    }).pipe(Effect.provide(TestLayer))
  )
})
