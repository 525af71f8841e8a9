import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { Rates } from "../../../src/rates/lookup/Rates.ts"
import { hanging, TestProvider } from "../../support/TestProvider.ts"
import { pairOf, tick } from "../../support/RateTicks.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import * as TestRates from "../TestRates.ts"

layer(TestDatabase.layer(), { excludeTestServices: true })("Rates.lookup during a refresh", (it) => {
  it.effect("returns a rate that another process publishes during the wait", () =>
    Effect.gen(function* () {
      const pair = pairOf("USD", "NGN")
      const [rates, cache, repo] = [yield* Rates, yield* RateCache, yield* RateRepo]
      const provider = yield* TestProvider
      yield* rates.lookup(pair)
      yield* provider.respondWith(hanging)
      yield* TestClock.adjust("2 minutes")
      const waiting = yield* Effect.forkChild(rates.lookup(pair, { maxAge: Duration.minutes(1) }))
      yield* TestClock.adjust("500 millis")
      const published = yield* repo.insert(yield* tick("USD", "NGN", "1555"))
      cache.putLocal(published)
      yield* TestClock.adjust("500 millis")
      const found = yield* Fiber.join(waiting)
      assert.deepStrictEqual([found.rate.id, found.source], [published.id, "memory"])
    }).pipe(TestRates.withOwnServices)
  )

  it.effect("returns a rate published during the wait if it is newer than the provider's", () =>
    Effect.gen(function* () {
      const pair = pairOf("USD", "KES")
      const [rates, cache, repo] = [yield* Rates, yield* RateCache, yield* RateRepo]
      const provider = yield* TestProvider
      yield* rates.lookup(pair)
      yield* TestClock.adjust("2 minutes")
      yield* provider.respondWith((pair) =>
        Effect.flatMap(tick(pair.from, pair.to, "1500"), (observed) =>
          Effect.delay(Effect.succeed(observed), "400 millis")
        )
      )
      const waiting = yield* Effect.forkChild(rates.lookup(pair, { maxAge: Duration.minutes(1) }))
      yield* provider.awaitCalls(2)
      yield* TestClock.adjust("200 millis")
      const published = yield* repo.insert(yield* tick("USD", "KES", "1555"))
      cache.putLocal(published)
      yield* TestClock.adjust("200 millis")
      const found = yield* Fiber.join(waiting)
      assert.deepStrictEqual([found.rate.id, found.source, found.stale], [published.id, "memory", false])
    }).pipe(TestRates.withOwnServices)
  )
})
