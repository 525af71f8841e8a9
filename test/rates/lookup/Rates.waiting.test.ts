import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { Rates } from "../../../src/rates/lookup/Rates.ts"
import { hanging, TestProvider } from "../../support/TestProvider.ts"
import { pairOf, tick } from "../../support/RateTicks.ts"
import * as TestRates from "./TestRates.ts"

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
    }).pipe(Effect.provide(TestRates.layer))
  )

  it.effect("answers with what was told meanwhile also where the provider's rate was observed before", () =>
    Effect.gen(function* () {
      const pair = pairOf("USD", "NGN")
      const [rates, cache, repo] = [yield* Rates, yield* RateCache, yield* RateRepo]
      const provider = yield* TestProvider
      yield* rates.lookup(pair)
      yield* TestClock.adjust("2 minutes")
      yield* provider.answer((pair) =>
        Effect.flatMap(tick(pair.from, pair.to, "1500"), (observed) =>
          Effect.delay(Effect.succeed(observed), "400 millis")
        )
      )
      const waiting = yield* Effect.forkChild(rates.lookup(pair, { maxAge: Duration.minutes(1) }))
      yield* provider.asked(2)
      yield* TestClock.adjust("200 millis")
      const told = yield* repo.insert(yield* tick("USD", "NGN", "1555"))
      cache.remember(told)
      yield* TestClock.adjust("200 millis")
      const found = yield* Fiber.join(waiting)
      assert.deepStrictEqual([found.rate.id, found.source, found.stale], [told.id, "memory", false])
    }).pipe(Effect.provide(TestRates.layer))
  )
})
