import { Context, DateTime, Duration, Effect, Exit, Layer, type Metric, Option, Result } from "effect"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { Settings } from "../../config/Settings.ts"
import type { AssetCode } from "../../domain/money/Asset.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import { type RateId, type RateRecord, type RateTooOld, RateUnavailable } from "../../domain/rates/Rate.ts"
import { timedByExit } from "../../platform/metrics/MetricSeries.ts"
import * as RateMetrics from "../../platform/metrics/RateMetrics.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { RequestedPairs } from "../polling/RequestedPairs.ts"
import * as RateFreshness from "../RateFreshness.ts"
import { RateRepo } from "../RateRepo.ts"
import { RateCache } from "./RateCache.ts"
import * as RateLookup from "./RateLookup.ts"
import { isWithinBy, type LookupSource, RateRefresh, type SourcedRate } from "./RateRefresh.ts"

export type { LookupOptions } from "./RateLookup.ts"

/** Result of a lookup. */
export interface FoundRate extends SourcedRate {
  /** Fetched or quoted longer ago than `STALE_AFTER`, because it could not be refreshed. */
  readonly stale: boolean
}

const make = Effect.gen(function* () {
  const { staleAfter } = yield* Settings
  const freshness = yield* RateFreshness.make
  const isWithin = isWithinBy(freshness)
  const { pairs } = yield* AssetCatalog
  const cache = yield* RateCache
  const repo = yield* RateRepo
  const lookupBeyondMemory = yield* RateLookup.make
  const requested = yield* RequestedPairs
  const context = yield* Effect.context<never>()
  const staleAfterMillis = Duration.toMillis(staleAfter)

  const countLookup: Rates["Service"]["countLookup"] = ({ rate, source, stale }) => {
    lookupsBySource[source].updateUnsafe(1, context)
    requested.note(rate.pair)
    if (stale) RateMetrics.staleLookups.updateUnsafe(1, context)
  }

  /** Returns the rate in memory if it is at most `maxAgeMillis` old; callers pass at most `STALE_AFTER`. */
  const peekMemory = (pair: AssetPair, maxAgeMillis: number, now: number): FoundRate | undefined => {
    const rate = Option.getOrUndefined(cache.peek(pair))
    if (rate === undefined || !freshness.isFresh(rate, maxAgeMillis, now)) return undefined
    return { rate, source: "memory", stale: false }
  }

  const toFound = Effect.fnUntraced(function* ({ rate, source }: SourcedRate) {
    const found = { rate, source, stale: !isWithin(staleAfter, rate, yield* DateTime.now) }
    countLookup(found)
    return found
  })

  const peek: Rates["Service"]["peek"] = (pair, now) =>
    pairs.isDelisted(pair) ? undefined : peekMemory(pair, staleAfterMillis, now)

  const lookup: Rates["Service"]["lookup"] = (pair, options = {}) =>
    Effect.clockWith((clock) => {
      const { acceptsDelisted = false, maxAge = Duration.infinity } = options
      if (!acceptsDelisted && pairs.isDelisted(pair))
        return new RateUnavailable({ pair, reason: delistedReason(pair) })
      const maxAgeMillis = Math.min(staleAfterMillis, Duration.toMillis(maxAge))
      const found = peekMemory(pair, maxAgeMillis, clock.currentTimeMillisUnsafe())
      if (found === undefined)
        return timedLookup(Effect.flatMap(lookupBeyondMemory(pair, cache.peek(pair), options), toFound))
      countLookup(found)
      return Effect.succeed(found)
    })

  /** Loads the latest rates into memory: from PostgreSQL, or from Redis while PostgreSQL is unavailable. */
  const loadMissing = Effect.fnUntraced(
    function* (_missing: ReadonlyArray<AssetPair>) {
      for (const rate of yield* repo.latestAll) cache.putLocal(rate)
    },
    (loaded, missing) =>
      Effect.catchTag(loaded, "StoreUnavailable", (error) =>
        Effect.forEach(missing, (pair) => cache.get(pair), { concurrency: "unbounded" }).pipe(
          Effect.flatMap((cached) => {
            for (const rate of cached.flatMap(Option.toArray)) cache.putLocal(rate)
            return pairs.polled.some((pair) => Option.isSome(cache.peek(pair)))
              ? Effect.void
              : Effect.fail(error)
          })
        )
      )
  )

  const list = Effect.fn("Rates.list")(function* (source: Option.Option<AssetCode>) {
    const isSelected = ({ from }: AssetPair) => Option.isNone(source) || from === source.value
    const polled = pairs.polled.filter(isSelected)
    const missing = polled.filter((pair) => Option.isNone(cache.peek(pair)))
    if (missing.length > 0) yield* loadMissing(missing)
    const others = cache
      .pairs()
      .filter(
        (pair) =>
          isSelected(pair) &&
          !pairs.isPolled(pair) &&
          !pairs.isDelisted(pair) &&
          Result.isSuccess(pairs.find(pair.from, pair.to))
      )
    const now = yield* DateTime.now
    return [...polled, ...others].flatMap((pair) =>
      Option.toArray(cache.peek(pair)).map((rate): FoundRate => ({
        rate,
        source: "memory",
        stale: !isWithin(staleAfter, rate, now)
      }))
    )
  })

  return Rates.of({ lookup, peek, countLookup, list, evict: cache.evict, byId: repo.byId })
})

/** Looks up current rates: last known good, refreshed when stale. */
export class Rates extends Context.Service<
  Rates,
  {
    /**
     * Returns the latest rate from memory, Redis or PostgreSQL; if it is older than `STALE_AFTER` (or `maxAge`), from
     * the provider. With a last known good rate it takes at most `LOOKUP_BUDGET`, and then returns that rate as stale
     * while the refresh continues in the background.
     *
     * Fails with `RateTooOld` if no rate that was fetched and quoted within `maxAge` is available, with `RateUnavailable` if no rate is known and the
     * provider has none, or if the asset is delisted or not traded any more, and with `StoreUnavailable` if no rate is cached and the database is unavailable.
     */
    readonly lookup: (
      pair: AssetPair,
      options?: RateLookup.LookupOptions
    ) => Effect.Effect<FoundRate, RateUnavailable | RateTooOld | StoreUnavailable>
    /**
     * Returns the rate in memory if it is fresh at `now`, in epoch milliseconds; otherwise undefined. Call
     * {@link countLookup} if the result is used.
     */
    readonly peek: (pair: AssetPair, now: number) => FoundRate | undefined
    /** Counts a lookup that {@link peek} served. */
    readonly countLookup: (found: FoundRate) => void
    /**
     * Returns all known rates of one source currency, or of all: those of polled pairs first, then those of other pairs that
     * were asked for. Never calls the provider.
     */
    readonly list: (
      source: Option.Option<AssetCode>
    ) => Effect.Effect<ReadonlyArray<FoundRate>, StoreUnavailable>
    /** Removes a rate from memory and from Redis. */
    readonly evict: (pair: AssetPair, id: RateId) => Effect.Effect<void>
    /** Returns the full record of one immutable rate. */
    readonly byId: (id: RateId) => Effect.Effect<Option.Option<RateRecord>, StoreUnavailable>
  }
>()("effex/rates/lookup/Rates") {
  static readonly layerNoDeps = Layer.effect(Rates, make)

  static readonly layer = Rates.layerNoDeps.pipe(Layer.provide([RateRefresh.layer, RequestedPairs.layer]))
}

const delistedReason = ({ from }: AssetPair) => `${from} is delisted, and only its history can be read`

/** Records the duration of lookups beyond memory; those from memory take microseconds. */
const timedLookup = timedByExit<FoundRate>((exit) =>
  RateMetrics.lookupDuration.of({ source: Exit.isSuccess(exit) ? exit.value.source : "nowhere" })
)

const lookupsBySource: Record<LookupSource, Metric.Counter<number>> = {
  memory: RateMetrics.lookups.of({ source: "memory" }),
  cache: RateMetrics.lookups.of({ source: "cache" }),
  database: RateMetrics.lookups.of({ source: "database" }),
  provider: RateMetrics.lookups.of({ source: "provider" })
}
