import { Context, Effect, Fiber, Layer, Option } from "effect"
import type { CurrencyPair } from "../domain/money/CurrencyPair.ts"
import type { Rate, RateTick } from "../domain/rates/Rate.ts"
import type { StoreUnavailable } from "../platform/postgres/Database.ts"
import type { Superseded } from "../platform/Leader.ts"
import type { ProviderError } from "../providers/ProviderError.ts"
import { RateProvider } from "../providers/RateProvider.ts"
import { Broadcaster } from "./feed/Broadcaster.ts"
import type { LedPoll } from "./polling/PollRepo.ts"
import { RateCache } from "./lookup/RateCache.ts"
import { type Origin, RateGuard } from "./guard/RateGuard.ts"
import { RateRepo } from "./RateRepo.ts"
import { SharedSingleFlight } from "./lookup/SharedSingleFlight.ts"
import * as SingleFlight from "../platform/SingleFlight.ts"

/** Asks when it may, and is told when there is an answer, before anything is made of it. */
export type InTurn = <A, E>(
  ask: (answered: Effect.Effect<void>) => Effect.Effect<A, E>
) => Effect.Effect<A, E>

const atOnce: InTurn = (ask) => ask(Effect.void)

/**
 * The one way by which a rate comes in: from the provider, judged by the guard, then stored, and once that is committed,
 * cached and told.
 */
export class RateIngest extends Context.Service<
  RateIngest,
  {
    /**
     * A new rate of the pair. Callers who ask while one is on its way, to this process or to another one, share it, so
     * that the provider is asked once; it goes on when they no longer wait.
     */
    readonly take: (pair: CurrencyPair) => Effect.Effect<Rate, ProviderError | StoreUnavailable>
    /**
     * As {@link take}, for a poll, whose providers are asked in turn. For a led one, nothing is stored when its term is
     * over.
     */
    readonly takePolled: (
      pair: CurrencyPair,
      poll: Option.Option<LedPoll>,
      inTurn?: InTurn
    ) => Effect.Effect<Rate, ProviderError | StoreUnavailable | Superseded>
    /** Remembers and tells of a rate that is stored already. */
    readonly tell: (rate: Rate) => Effect.Effect<void>
  }
>()("effex/rates/RateIngest") {
  static readonly layerNoDeps = Layer.effect(
    RateIngest,
    Effect.gen(function* () {
      const provider = yield* RateProvider
      const guard = yield* RateGuard
      const repo = yield* RateRepo
      const cache = yield* RateCache
      const broadcaster = yield* Broadcaster
      const shared = yield* SharedSingleFlight
      const flight = yield* SingleFlight.make<Rate, ProviderError | StoreUnavailable | Superseded>()

      const tell: RateIngest["Service"]["tell"] = (rate) =>
        Effect.andThen(cache.put(rate), broadcaster.publish(rate))

      const fetch = Effect.fn("RateIntake.fetch")(function* (
        pair: CurrencyPair,
        origin: Origin,
        inTurn: InTurn
      ) {
        const insert = (tick: RateTick): Effect.Effect<Rate, StoreUnavailable | Superseded> =>
          Option.match(origin.poll, {
            onNone: () => repo.insert(tick),
            onSome: (poll) => repo.insertLed(tick, poll)
          })
        const rate = yield* inTurn((answered) =>
          provider.rate(pair, (tick) => Effect.andThen(answered, guard.admit(tick, insert(tick), origin)))
        )
        yield* tell(rate)
        return rate
      })

      const fly = (pair: CurrencyPair, origin: Origin, inTurn = atOnce) => {
        // A poll must find rates that are newer than itself.
        const rate = Effect.tap(shared.join(pair, fetch(pair, origin, inTurn), origin.polled), (rate) =>
          Effect.sync(() => cache.remember(rate))
        )
        return Effect.flatMap(flight(pair.key, rate), Fiber.join)
      }

      // Whoever shares the flight of a poll that is superseded takes off again.
      const flyUnled = (
        pair: CurrencyPair,
        polled: boolean,
        inTurn?: InTurn
      ): Effect.Effect<Rate, ProviderError | StoreUnavailable> =>
        Effect.catchTag(fly(pair, { polled, poll: Option.none() }, inTurn), "Superseded", () =>
          flyUnled(pair, polled, inTurn)
        )

      const take: RateIngest["Service"]["take"] = (pair) => flyUnled(pair, false)

      const takePolled: RateIngest["Service"]["takePolled"] = (pair, poll, inTurn) =>
        Option.isSome(poll) ? fly(pair, { polled: true, poll }, inTurn) : flyUnled(pair, true, inTurn)

      return RateIngest.of({ take, takePolled, tell })
    })
  )

  static readonly layer = RateIngest.layerNoDeps.pipe(
    Layer.provide([SharedSingleFlight.layer, RateGuard.layer])
  )
}
