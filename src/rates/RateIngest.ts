import { Context, Effect, Layer, Option } from "effect"
import type { AssetPair } from "../domain/money/AssetPair.ts"
import type { Rate, RateTick } from "../domain/rates/Rate.ts"
import * as ClockSkew from "../platform/ClockSkew.ts"
import type { Superseded } from "../platform/LeaderTerms.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import type { ProviderError } from "../providers/ProviderError.ts"
import { RateProvider } from "../providers/RateProvider.ts"
import { Broadcaster } from "./feed/Broadcaster.ts"
import * as PollSiblings from "./guard/PollSiblings.ts"
import { RateGuard, type TickOrigin } from "./guard/RateGuard.ts"
import { RateCache } from "./lookup/RateCache.ts"
import { SharedSingleFlight } from "./lookup/SharedSingleFlight.ts"
import type { FencedPoll } from "./polling/PollRepo.ts"
import { RateRepo } from "./RateRepo.ts"

/**
 * Runs a provider call once a permit is free. The call releases the permit when the provider has responded, before the
 * rate is checked and stored.
 */
export type WithPermit = <A, E>(
  call: (release: Effect.Effect<void>) => Effect.Effect<A, E>
) => Effect.Effect<A, E>

const withoutPermit: WithPermit = (call) => call(Effect.void)

export interface PollFetchOptions {
  readonly withPermit?: WithPermit
  readonly siblings?: PollSiblings.PollSiblings
}

/**
 * Ingests rates; the only path by which new rates enter the system. The guard checks the provider's tick. The rate is
 * stored, and after the commit it is cached and published.
 */
export class RateIngest extends Context.Service<
  RateIngest,
  {
    /**
     * Fetches and stores a new rate of the pair. Concurrent callers, in this and in other processes, share one provider
     * call, which continues when they are interrupted. Fails with `ClockSkewed` while the clock of this node is wrong.
     */
    readonly fetch: (
      pair: AssetPair
    ) => Effect.Effect<Rate, ProviderError | StoreUnavailable | ClockSkew.ClockSkewed>
    /**
     * Like {@link fetch}, for a poll: never returns the outcome of an earlier call, limits provider calls by permits,
     * and compares a suspicious rate with the other pairs of the poll.
     * For a fenced poll, nothing is stored after its leadership term has ended.
     */
    readonly fetchForPoll: (
      pair: AssetPair,
      poll: Option.Option<FencedPoll>,
      options?: PollFetchOptions
    ) => Effect.Effect<Rate, ProviderError | StoreUnavailable | Superseded>
    /** Caches and publishes a rate that is stored. */
    readonly publish: (rate: Rate) => Effect.Effect<void>
  }
>()("effex/rates/RateIngest") {
  static readonly layer = Layer.effect(
    RateIngest,
    Effect.gen(function* () {
      const provider = yield* RateProvider
      const guard = yield* RateGuard
      const repo = yield* RateRepo
      const cache = yield* RateCache
      const broadcaster = yield* Broadcaster
      const singleFlight = yield* SharedSingleFlight
      const requireAllowedSkew = ClockSkew.requireAllowed.pipe(
        Effect.provideService(ClockSkew.ClockSkew, yield* ClockSkew.ClockSkew)
      )

      const publish: RateIngest["Service"]["publish"] = (rate) =>
        Effect.andThen(cache.put(rate), broadcaster.publish(rate))

      const fetchAndStore = Effect.fn("RateIngest.fetch")(function* (
        pair: AssetPair,
        origin: TickOrigin,
        withPermit: WithPermit
      ) {
        const insert = (tick: RateTick): Effect.Effect<Rate, StoreUnavailable | Superseded> =>
          Option.match(origin.poll, {
            onNone: () => repo.insert(tick),
            onSome: (poll) => repo.insertFenced(tick, poll)
          })
        const rate = yield* withPermit((release) =>
          provider.rate(pair, (tick) => Effect.andThen(release, guard.admit(tick, insert(tick), origin)), {
            isPoll: origin.isPoll
          })
        )
        yield* publish(rate)
        return rate
      })

      const fetchShared = (pair: AssetPair, origin: TickOrigin, withPermit = withoutPermit) =>
        singleFlight
          .run(pair, fetchAndStore(pair, origin, withPermit), { bypassRecent: origin.isPoll })
          .pipe(Effect.tap((rate) => Effect.sync(() => cache.putLocal(rate))))

      // A caller without a term may have joined the call of a poll whose term has ended. It then starts another call.
      const fetchSharedUnfenced = (
        pair: AssetPair,
        isPoll: boolean,
        options: PollFetchOptions = {}
      ): Effect.Effect<Rate, ProviderError | StoreUnavailable> =>
        Effect.catchTag(
          fetchShared(
            pair,
            { isPoll, poll: Option.none(), siblings: options.siblings ?? PollSiblings.none },
            options.withPermit
          ),
          "Superseded",
          () => fetchSharedUnfenced(pair, isPoll, options)
        )

      const fetch: RateIngest["Service"]["fetch"] = (pair) =>
        Effect.andThen(requireAllowedSkew, fetchSharedUnfenced(pair, false))

      const fetchForPoll: RateIngest["Service"]["fetchForPoll"] = (pair, poll, options = {}) => {
        const { siblings = PollSiblings.none, withPermit } = options
        const fetched = Option.isSome(poll)
          ? fetchShared(pair, { isPoll: true, poll, siblings }, withPermit)
          : fetchSharedUnfenced(pair, true, options)
        // Also when there is no answer, or the call of a lookup was joined.
        return Effect.ensuring(fetched, siblings.arrive(pair))
      }

      return RateIngest.of({ fetch, fetchForPoll, publish })
    })
  )
}
