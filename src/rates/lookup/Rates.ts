import { Clock, Context, DateTime, Duration, Effect, Exit, Layer, type Metric, Option, Result } from "effect"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { Settings } from "../../config/Settings.ts"
import type { RateLimitExceeded } from "../../domain/access/RateLimit.ts"
import type { AssetCode } from "../../domain/money/Asset.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import {
  ageAt,
  isNewer,
  type Rate,
  type RateId,
  type RateRecord,
  RateTooOld,
  RateUnavailable
} from "../../domain/rates/Rate.ts"
import { timedByExit } from "../../platform/metrics/MetricSeries.ts"
import * as RateMetrics from "../../platform/metrics/RateMetrics.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as Cadence from "../../platform/PollCadence.ts"
import { RequestedPairs } from "../polling/RequestedPairs.ts"
import * as RateFreshness from "../RateFreshness.ts"
import { RateRepo } from "../RateRepo.ts"
import { RateCache } from "./RateCache.ts"
import {
  isWithinBy,
  type LookupSource,
  type RefreshError,
  RateRefresh,
  type RefreshPermit,
  type SourcedRate
} from "./RateRefresh.ts"

/** Result of a lookup. */
export interface FoundRate extends SourcedRate {
  /** Fetched or quoted longer ago than `STALE_AFTER`, because it could not be refreshed. */
  readonly stale: boolean
}

export interface LookupOptions {
  /** Maximum age of the rate. Infinite by default. */
  readonly maxAge?: Duration.Duration
  /**
   * Counts a refresh that only this caller demands: by `maxAge` of a rate that is not stale, or because the pair is not
   * polled. If it fails, there is no refresh.
   */
  readonly permit?: RefreshPermit
}

/** Maximum wait for the provider while no rate of the pair is known. */
const FIRST_RATE_BUDGET = Duration.seconds(30)

const make = Effect.gen(function* () {
  const { lookupBudget, staleAfter } = yield* Settings
  const freshness = yield* RateFreshness.make
  const isWithin = isWithinBy(freshness)
  const { pairs } = yield* AssetCatalog
  const cache = yield* RateCache
  const repo = yield* RateRepo
  const { lastFailure, read, refresh } = yield* RateRefresh
  const requested = yield* RequestedPairs
  const cadence = yield* Cadence.PollCadence
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

  const lookupBeyondMemory = Effect.fn("Rates.lookup")(function* (
    pair: AssetPair,
    inMemory: Option.Option<Rate>,
    { maxAge = Duration.infinity, permit = Effect.void }: LookupOptions
  ) {
    yield* Effect.annotateCurrentSpan({ pair: pair.key })
    const freshFor = Duration.min(staleAfter, maxAge)
    let best = Option.map(inMemory, (rate): SourcedRate => ({ rate, source: "memory" }))
    if (Option.isNone(best)) {
      best = yield* read(pair, freshFor)
      if (Option.isSome(best) && isWithin(freshFor, best.value.rate, yield* DateTime.now)) {
        return yield* toFound(best.value)
      }
    }
    const budget = Option.isSome(best) ? lookupBudget : FIRST_RATE_BUDGET
    let hasRead = Option.isNone(inMemory)
    // A stale rate is refreshed for everybody; a fresh one, or one that is not polled, only because this caller demands it.
    const isDemanded =
      !pairs.isPolled(pair) ||
      (Option.isSome(best) && isWithin(staleAfter, best.value.rate, yield* DateTime.now))
    let denied: RateLimitExceeded | undefined
    const refreshWithin = (budget: Duration.Duration) =>
      refresh(pair, {
        maxAge: freshFor,
        hasRead,
        budget,
        ...(isDemanded ? { permit } : {})
      }).pipe(
        Effect.catchTag("RateLimitExceeded", (exceeded) => {
          denied = exceeded
          return Effect.succeedNone
        })
      )
    const startedAt = yield* Clock.monotonicTimeNanos
    const isQuoteWithin = (rate: Rate, now: DateTime.Utc) =>
      freshness.isQuoteFresh(rate, Duration.toMillis(freshFor), DateTime.toEpochMillis(now))
    const isSufficient = (found: SourcedRate, now: DateTime.Utc) =>
      found.source === "provider" ? isQuoteWithin(found.rate, now) : isWithin(freshFor, found.rate, now)
    // The provider was called a moment ago, and its own quote is older than the caller accepts.
    const isCoolingDown = ({ rate }: SourcedRate, now: DateTime.Utc) =>
      !isQuoteWithin(rate, now) && Duration.isLessThan(ageAt(rate, now), Cadence.lookupCooldown(cadence))
    const mayRefresh = Option.isNone(best) || !isCoolingDown(best.value, yield* DateTime.now)
    if (mayRefresh && isDemanded && !hasRead) {
      // Another process may have refreshed the pair, which needs no permit.
      const stored = yield* read(pair, freshFor).pipe(
        Effect.timeoutOption(budget),
        Effect.map(Option.flatten),
        Effect.orElseSucceed(() => Option.none<SourcedRate>())
      )
      if (Option.isSome(stored) && isWithin(freshFor, stored.value.rate, yield* DateTime.now))
        return yield* toFound(stored.value)
      hasRead = true
    }
    const remainingBudget = Effect.map(Clock.monotonicTimeNanos, (now) =>
      Duration.subtract(budget, Duration.nanos(now - startedAt))
    )
    let refreshed = mayRefresh ? yield* refreshWithin(yield* remainingBudget) : Option.none<SourcedRate>()
    if (
      Option.isSome(refreshed) &&
      refreshed.value.source !== "provider" &&
      !isSufficient(refreshed.value, yield* DateTime.now)
    ) {
      // The refresh was started by a lookup that accepts older rates than this one.
      refreshed = yield* refreshWithin(yield* remainingBudget)
    }
    best = Option.orElse(refreshed, () => best)
    // Another process may have published a rate during the wait, even while the provider's rate was being stored.
    const published = Option.map(cache.peek(pair), (rate): SourcedRate => ({ rate, source: "memory" }))
    const now = yield* DateTime.now
    const newer = Option.filter(
      published,
      ({ rate }) => Option.isNone(best) || isNewer(rate, best.value.rate)
    )
    best = Option.orElse(newer, () => best)
    if (Option.isNone(best)) return yield* unavailable(pair, lastFailure(pair), denied)
    // The last known price of an asset that is not traded is no price.
    const untraded = isWithin(staleAfter, best.value.rate, now)
      ? undefined
      : untradedReason(lastFailure(pair))
    if (untraded !== undefined) return yield* new RateUnavailable({ pair, reason: untraded })
    const age = freshness.quoteAgeAt(best.value.rate, now)
    const isAnySufficient =
      isSufficient(best.value, now) || Option.exists(refreshed, (found) => isSufficient(found, now))
    if (!isAnySufficient && Duration.isGreaterThan(age, maxAge)) {
      return yield* new RateTooOld({
        pair,
        age,
        maxAge,
        ...(denied === undefined ? {} : { refreshes: denied })
      })
    }
    return yield* toFound(best.value)
  })

  const peek: Rates["Service"]["peek"] = (pair, now) =>
    pairs.isDelisted(pair) ? undefined : peekMemory(pair, staleAfterMillis, now)

  const lookup: Rates["Service"]["lookup"] = (pair, options = {}) =>
    Effect.clockWith((clock) => {
      if (pairs.isDelisted(pair)) return new RateUnavailable({ pair, reason: delistedReason(pair) })
      const { maxAge = Duration.infinity } = options
      const maxAgeMillis = Math.min(staleAfterMillis, Duration.toMillis(maxAge))
      const found = peekMemory(pair, maxAgeMillis, clock.currentTimeMillisUnsafe())
      if (found === undefined) return timedLookup(lookupBeyondMemory(pair, cache.peek(pair), options))
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
      options?: LookupOptions
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

/** Tells why there is no rate, as far as a caller can understand it. */
const unavailable = (
  pair: AssetPair,
  failure: RefreshError | undefined,
  denied: RateLimitExceeded | undefined
) => {
  if (failure?._tag === "ProviderError") {
    const { reason, refusal, untraded } = failure
    if (untraded !== undefined) return new RateUnavailable({ pair, reason: untraded })
    if (refusal !== undefined)
      return new RateUnavailable({ pair, reason: refusal, retryAfter: REFUSAL_RETRY })
    if (reason._tag === "OnDemandLimited" && denied === undefined)
      return new RateUnavailable({ pair, reason: ON_DEMAND_LIMITED, retryAfter: reason.retryAfter })
  }
  return denied === undefined
    ? new RateUnavailable({ pair })
    : new RateUnavailable({ pair, reason: denied.message, retryAfter: denied.retryAfter })
}

const untradedReason = (failure: RefreshError | undefined) =>
  failure?._tag === "ProviderError" ? failure.untraded : undefined

const delistedReason = ({ from }: AssetPair) => `${from} is delisted, and only its history can be read`

const ON_DEMAND_LIMITED = "this node has used up its provider calls for pairs that are not polled"

/** `Retry-After` of a pair that no provider quotes. */
const REFUSAL_RETRY = Duration.hours(1)

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
