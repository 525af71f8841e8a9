import { assert, layer } from "@effect/vitest"
import { Clock, Duration, Effect, Layer } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import type { AssetPair } from "../../../src/domain/money/AssetPair.ts"
import { type FoundRate, Rates } from "../../../src/rates/lookup/Rates.ts"
import { storeInFuture } from "../../support/FutureRates.ts"
import { pairOf } from "../../support/RateTicks.ts"
import * as SkewedClock from "../../support/SkewedClock.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import { failing, rate, TestProvider } from "../../support/TestProvider.ts"
import * as TestRates from "../TestRates.ts"

const summary = ({ rate, source, stale }: FoundRate) => ({ rate: Decimal.format(rate.rate), source, stale })

/** Runs a test with its own services and a clock that it can set. */
const withClock = <E, R>(
  test: (clock: Effect.Success<typeof SkewedClock.make>) => Effect.Effect<void, E, R>
) =>
  Effect.flatMap(SkewedClock.make, (clock) =>
    test(clock).pipe(
      Effect.provide(
        Layer.fresh(
          TestRates.withProvider(TestProvider.layer).pipe(Layer.provideMerge(TestSettings.layer()))
        ).pipe(Layer.provideMerge(Layer.succeed(Clock.Clock, clock.clock)))
      )
    )
  )

const lookup = (pair: AssetPair, maxAge?: Duration.Input) =>
  Effect.flatMap(Rates, (rates) =>
    rates.lookup(pair, maxAge === undefined ? {} : { maxAge: Duration.fromInputUnsafe(maxAge) })
  )

layer(TestDatabase.layer(), { excludeTestServices: true })("Rates.lookup with a wrong clock", (it) => {
  it.effect("refreshes a cached rate after the clock was set back, instead of serving it as fresh", () =>
    withClock(({ setTimeOfDay }) =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        const rates = yield* Rates
        const pair = pairOf("USD", "NGN")
        yield* lookup(pair)
        yield* setTimeOfDay("1 hour", "behind")
        yield* provider.respondWith(rate("1620"))
        assert.isUndefined(rates.peek(pair, yield* Clock.currentTimeMillis))
        const refreshed = { rate: "1620", source: "provider", stale: false }
        assert.deepStrictEqual(summary(yield* lookup(pair, "1 minute")), refreshed)
        assert.deepStrictEqual(summary(yield* lookup(pair)), { ...refreshed, source: "memory" })
      })
    )
  )

  it.effect("serves the last rate as stale after the clock was set back", () =>
    withClock(({ setTimeOfDay }) =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        const pair = pairOf("USD", "KES")
        yield* lookup(pair)
        yield* setTimeOfDay("1 hour", "behind")
        yield* provider.respondWith(failing)
        assert.deepInclude(summary(yield* lookup(pair)), { rate: "1500", stale: true })
      })
    )
  )

  it.effect("ends the cooldown of a failed pair although the clock was set back", () =>
    withClock(({ setForward, setTimeOfDay }) =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        const pair = pairOf("USD", "GHS")
        yield* provider.respondWith(failing)
        yield* Effect.flip(lookup(pair))
        yield* setTimeOfDay("1 hour", "behind")
        yield* provider.respondWith(rate("11"))
        yield* setForward("1 second")
        assert.deepInclude(summary(yield* lookup(pair)), { rate: "11", stale: false })
      })
    )
  )

  it.effect("refreshes a pair whose latest rate in the database is from the future", () =>
    withClock(() =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        const pair = pairOf("USD", "ZMW")
        yield* storeInFuture("USD", "ZMW", "20")
        yield* provider.respondWith(rate("22"))
        assert.deepStrictEqual(summary(yield* lookup(pair, "1 minute")), {
          rate: "22",
          source: "provider",
          stale: false
        })
      })
    )
  )
})
