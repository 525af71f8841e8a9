import { Context, Duration, Effect, Layer, Option } from "effect"
import { AssetCatalog } from "../assets/AssetCatalog.ts"
import { Settings } from "../config/Settings.ts"
import type { AssetPair } from "../domain/money/AssetPair.ts"
import type { Rate, RateTick } from "../domain/rates/Rate.ts"
import * as ClockSkew from "../platform/ClockSkew.ts"
import type { Superseded } from "../platform/LeaderTerms.ts"
import { lookupCooldown, PollCadence } from "../platform/PollCadence.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { ProviderError } from "../providers/ProviderError.ts"
import { type OnDemandRequest, RateProvider } from "../providers/RateProvider.ts"
import { Broadcaster } from "./feed/Broadcaster.ts"
import * as PollSiblings from "./guard/PollSiblings.ts"
import { RateGuard, type TickOrigin } from "./guard/RateGuard.ts"
import * as DerivedRates from "./lookup/DerivedRates.ts"
import { OnDemandBudget } from "./lookup/OnDemandBudget.ts"
import { RateCache } from "./lookup/RateCache.ts"
import { SharedSingleFlight } from "./lookup/SharedSingleFlight.ts"
import { UnquotedPairs } from "./lookup/UnquotedPairs.ts"
import type { FencedPoll } from "./polling/PollRepo.ts"
import * as RateFreshness from "./RateFreshness.ts"
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
     * call, which continues when they are interrupted. If no provider quotes the pair, its rate is derived from two quoted
     * legs, which are stored as rates of their pairs; a stored leg of at most `maxLegAge`, by default `STALE_AFTER`, is
     * used. Fails with `ClockSkewed` while the clock of this node is wrong.
     */
    readonly fetch: (
      pair: AssetPair,
      maxLegAge?: Duration.Duration
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
      const { staleAfter } = yield* Settings
      const { pairs } = yield* AssetCatalog
      const cadence = yield* PollCadence
      const provider = yield* RateProvider
      const guard = yield* RateGuard
      const repo = yield* RateRepo
      const cache = yield* RateCache
      const broadcaster = yield* Broadcaster
      const singleFlight = yield* SharedSingleFlight
      const unquoted = yield* UnquotedPairs
      const budget = yield* OnDemandBudget
      const derive = DerivedRates.make({ cache, pairs, repo, freshness: yield* RateFreshness.make })
      const requireAllowedSkew = ClockSkew.requireAllowed.pipe(
        Effect.provideService(ClockSkew.ClockSkew, yield* ClockSkew.ClockSkew)
      )

      const publish: RateIngest["Service"]["publish"] = (rate) =>
        Effect.andThen(cache.put(rate), broadcaster.publish(rate))

      const insert = (
        tick: RateTick,
        { poll }: TickOrigin
      ): Effect.Effect<Rate, StoreUnavailable | Superseded> =>
        Option.match(poll, {
          onNone: () => repo.insert(tick),
          onSome: (poll) => repo.insertFenced(tick, poll)
        })

      /** Limits of the provider calls for a pair that is not polled. The poller limits its own. */
      const onDemandRequest = (pair: AssetPair, { isPoll }: TickOrigin): OnDemandRequest => ({
        isRefused: (name) => unquoted.isRefused(name, pair),
        refuse: (name) => unquoted.refuse(name, pair),
        permit: isPoll ? Effect.void : budget.permit
      })

      const fetchAndStore = Effect.fn("RateIngest.fetch")(function* (
        pair: AssetPair,
        origin: TickOrigin,
        withPermit: WithPermit
      ) {
        const rate = yield* withPermit((release) =>
          provider.rate(
            pair,
            (tick) => Effect.andThen(release, guard.admit(tick, insert(tick, origin), origin)),
            {
              isPoll: origin.isPoll,
              ...(pairs.isPolled(pair) ? {} : { onDemand: onDemandRequest(pair, origin) })
            }
          )
        )
        yield* publish(rate)
        return rate
      })

      const fetchQuoted = (pair: AssetPair, origin: TickOrigin, withPermit = withoutPermit) =>
        singleFlight
          .run(pair, fetchAndStore(pair, origin, withPermit), { bypassRecent: origin.isPoll })
          .pipe(Effect.tap((rate) => Effect.sync(() => cache.putLocal(rate))))

      const fetchLeg =
        (isPoll: boolean) =>
        (leg: AssetPair): Effect.Effect<Rate, ProviderError | StoreUnavailable> =>
          Effect.catchTag(
            fetchQuoted(leg, { isPoll, poll: Option.none(), siblings: PollSiblings.none }),
            "Superseded",
            () => fetchLeg(isPoll)(leg)
          )

      const deriveAndStore = Effect.fn("RateIngest.derive")(function* (
        pair: AssetPair,
        origin: TickOrigin,
        error: ProviderError,
        maxLegAge: Duration.Duration
      ) {
        const tick = yield* derive(pair, error, { maxAge: maxLegAge, fetch: fetchLeg(origin.isPoll) })
        const rate = yield* Effect.catchTag(
          guard.admit(tick, insert(tick, origin), origin),
          "Quarantined",
          (reason) => new ProviderError({ provider: tick.provider, pair, reason })
        )
        yield* publish(rate)
        return rate
      })

      const fetchDerived = (
        pair: AssetPair,
        origin: TickOrigin,
        error: ProviderError,
        maxLegAge: Duration.Duration
      ) =>
        singleFlight
          .run(pair, deriveAndStore(pair, origin, error, maxLegAge), {
            bypassRecent: origin.isPoll,
            isDerived: true
          })
          .pipe(Effect.tap((rate) => Effect.sync(() => cache.putLocal(rate))))

      const fetchShared = (
        pair: AssetPair,
        origin: TickOrigin,
        maxLegAge: Duration.Duration,
        withPermit?: WithPermit
      ) =>
        Effect.catchTag(fetchQuoted(pair, origin, withPermit), "ProviderError", (error) =>
          error.isNotQuoted ? fetchDerived(pair, origin, error, maxLegAge) : Effect.fail(error)
        )

      // A caller may have joined the call of a poll whose term has ended. It then starts another call.
      const fetchSharedUnfenced = (
        pair: AssetPair,
        isPoll: boolean,
        maxLegAge: Duration.Duration,
        options: PollFetchOptions = {}
      ): Effect.Effect<Rate, ProviderError | StoreUnavailable> =>
        Effect.catchTag(
          fetchShared(
            pair,
            { isPoll, poll: Option.none(), siblings: options.siblings ?? PollSiblings.none },
            maxLegAge,
            options.withPermit
          ),
          "Superseded",
          () => fetchSharedUnfenced(pair, isPoll, maxLegAge, options)
        )

      /** Fails with `Superseded` only when the term of this poll has ended, not that of a call it has joined. */
      const fetchSharedFenced = (
        pair: AssetPair,
        poll: FencedPoll,
        maxLegAge: Duration.Duration,
        options: PollFetchOptions = {}
      ): Effect.Effect<Rate, ProviderError | StoreUnavailable | Superseded> =>
        Effect.catchTag(
          fetchShared(
            pair,
            { isPoll: true, poll: Option.some(poll), siblings: options.siblings ?? PollSiblings.none },
            maxLegAge,
            options.withPermit
          ),
          "Superseded",
          (superseded) =>
            superseded.name === poll.leadership.name && superseded.term === poll.leadership.term
              ? Effect.fail(superseded)
              : fetchSharedFenced(pair, poll, maxLegAge, options)
        )

      const fetch: RateIngest["Service"]["fetch"] = (pair, maxLegAge = staleAfter) =>
        Effect.andThen(
          requireAllowedSkew,
          fetchSharedUnfenced(pair, false, Duration.min(maxLegAge, staleAfter))
        )

      const fetchForPoll: RateIngest["Service"]["fetchForPoll"] = (pair, poll, options = {}) => {
        // An older leg would make the derived rate stale before the next poll.
        const maxLegAge = Duration.min(lookupCooldown(cadence), staleAfter)
        const fetched = Option.match(poll, {
          onNone: () => fetchSharedUnfenced(pair, true, maxLegAge, options),
          onSome: (poll) => fetchSharedFenced(pair, poll, maxLegAge, options)
        })
        // Also when there is no answer, or the call of a lookup was joined.
        return Effect.ensuring(fetched, (options.siblings ?? PollSiblings.none).arrive(pair))
      }

      return RateIngest.of({ fetch, fetchForPoll, publish })
    })
  ).pipe(Layer.provide(OnDemandBudget.layer))
}
