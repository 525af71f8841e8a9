import { Context, Effect, Fiber, Layer } from "effect"
import type { CurrencyPair } from "../domain/CurrencyPair.ts"
import type { Rate, RateTick } from "../domain/Rate.ts"
import type { StoreUnavailable } from "../platform/Database.ts"
import type { Superseded } from "../platform/Leader.ts"
import type { ProviderError } from "../providers/ProviderError.ts"
import { RateProvider } from "../providers/RateProvider.ts"
import { Broadcaster } from "./Broadcaster.ts"
import type { LedPoll } from "./PollRepo.ts"
import { RateCache } from "./RateCache.ts"
import { RateRepo } from "./RateRepo.ts"
import { SharedFlight } from "./SharedFlight.ts"
import * as SingleFlight from "./SingleFlight.ts"

/** The one way by which a rate comes in: from the provider, then stored, and once that is committed, cached and told. */
export class RateIntake extends Context.Service<
  RateIntake,
  {
    /**
     * A new rate of the pair. Callers who ask while one is on its way, to this process or to another one, share it, so
     * that the provider is asked once; it goes on when they no longer wait.
     */
    readonly take: (pair: CurrencyPair) => Effect.Effect<Rate, ProviderError | StoreUnavailable>
    /** As {@link take}, for a led poll: nothing is stored when its term is over. */
    readonly takeLed: (
      pair: CurrencyPair,
      poll: LedPoll
    ) => Effect.Effect<Rate, ProviderError | StoreUnavailable | Superseded>
  }
>()("effex/rates/RateIntake") {
  static readonly layerNoDeps = Layer.effect(
    RateIntake,
    Effect.gen(function* () {
      const provider = yield* RateProvider
      const repo = yield* RateRepo
      const cache = yield* RateCache
      const broadcaster = yield* Broadcaster
      const shared = yield* SharedFlight
      const flight = yield* SingleFlight.make<Rate, ProviderError | StoreUnavailable | Superseded>()

      const fetch = Effect.fn("RateIntake.fetch")(function* <E>(
        pair: CurrencyPair,
        insert: (tick: RateTick) => Effect.Effect<Rate, E>
      ) {
        const tick = yield* provider.rate(pair)
        const rate = yield* insert(tick)
        yield* cache.put(rate)
        yield* broadcaster.publish(rate)
        return rate
      })

      const fly = (
        pair: CurrencyPair,
        insert: (tick: RateTick) => Effect.Effect<Rate, StoreUnavailable | Superseded>
      ) => {
        const rate = Effect.tap(shared.join(pair, fetch(pair, insert)), (rate) =>
          Effect.sync(() => cache.remember(rate))
        )
        return Effect.flatMap(flight(pair.key, rate), Fiber.join)
      }

      // Whoever shares the flight of a poll that is superseded takes off again.
      const take: RateIntake["Service"]["take"] = (pair) =>
        Effect.catchTag(fly(pair, repo.insert), "Superseded", () => take(pair))

      const takeLed: RateIntake["Service"]["takeLed"] = (pair, poll) =>
        fly(pair, (tick) => repo.insertLed(tick, poll))

      return RateIntake.of({ take, takeLed })
    })
  )

  static readonly layer = RateIntake.layerNoDeps.pipe(Layer.provide(SharedFlight.layer))
}
