import { Context, Effect, Fiber, Layer } from "effect"
import type { CurrencyPair } from "../domain/CurrencyPair.ts"
import type { Rate } from "../domain/Rate.ts"
import type { StoreUnavailable } from "../platform/Database.ts"
import type { ProviderError } from "../providers/ProviderError.ts"
import { RateProvider } from "../providers/RateProvider.ts"
import { Broadcaster } from "./Broadcaster.ts"
import { RateCache } from "./RateCache.ts"
import { RateRepo } from "./RateRepo.ts"
import * as SingleFlight from "./SingleFlight.ts"

/** The one way by which a rate comes in: from the provider, then stored, and once that is committed, cached and told. */
export class RateIntake extends Context.Service<
  RateIntake,
  {
    /**
     * A new rate of the pair. Callers who ask while one is on its way share it, so that the provider is asked once;
     * it goes on when they no longer wait.
     */
    readonly take: (pair: CurrencyPair) => Effect.Effect<Rate, ProviderError | StoreUnavailable>
  }
>()("effex/rates/RateIntake") {
  static readonly layer = Layer.effect(
    RateIntake,
    Effect.gen(function* () {
      const provider = yield* RateProvider
      const repo = yield* RateRepo
      const cache = yield* RateCache
      const broadcaster = yield* Broadcaster
      const flight = yield* SingleFlight.make<Rate, ProviderError | StoreUnavailable>()

      const fetch = Effect.fn("RateIntake.fetch")(function* (pair: CurrencyPair) {
        const tick = yield* provider.rate(pair)
        const rate = yield* repo.insert(tick)
        yield* cache.put(rate)
        yield* broadcaster.publish(rate)
        return rate
      })

      return RateIntake.of({
        take: (pair) => Effect.flatMap(flight(pair.key, fetch(pair)), Fiber.join)
      })
    })
  )
}
