import { Clock, DateTime, Duration, Effect, Option } from "effect"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { Settings } from "../../config/Settings.ts"
import type { RateLimitExceeded } from "../../domain/access/RateLimit.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import { ageAt, isNewer, type Rate, RateTooOld, RateUnavailable } from "../../domain/rates/Rate.ts"
import * as Cadence from "../../platform/PollCadence.ts"
import * as RateFreshness from "../RateFreshness.ts"
import * as LookupFailure from "./LookupFailure.ts"
import { RateCache } from "./RateCache.ts"
import { isWithinBy, RateRefresh, type RefreshPermit, type SourcedRate } from "./RateRefresh.ts"

export interface LookupOptions {
  /** Maximum age of the rate. Infinite by default. */
  readonly maxAge?: Duration.Duration
  /**
   * Counts a refresh that only this caller demands: by `maxAge` of a rate that is not stale, or because the pair is not
   * polled. If it fails, there is no refresh.
   */
  readonly permit?: RefreshPermit
  /** Also looks up the price of a delisted asset, which holders can still sell. False by default. */
  readonly acceptsDelisted?: boolean
}

/** Maximum wait for the provider while no rate of the pair is known. */
const FIRST_RATE_BUDGET = Duration.seconds(30)

/** One lookup while it runs. */
interface Lookup {
  readonly pair: AssetPair
  /** Age up to which a rate answers the lookup without a refresh. */
  readonly freshFor: Duration.Duration
  /** Time that the lookup may still take. */
  readonly remaining: Effect.Effect<Duration.Duration>
  /** Counts a refresh, if only this caller demands it. */
  readonly permit: RefreshPermit | undefined
  /** The caches and the database have been read. */
  hasRead: boolean
  /** The caller may not refresh the rate. */
  denied: RateLimitExceeded | undefined
}

/** Makes the lookup of a rate that is not in memory, or too old there. */
export const make = Effect.gen(function* () {
  const { lookupBudget, staleAfter } = yield* Settings
  const freshness = yield* RateFreshness.make
  const isWithin = isWithinBy(freshness)
  const { pairs } = yield* AssetCatalog
  const cache = yield* RateCache
  const { lastFailure, read, refresh } = yield* RateRefresh
  const cadence = yield* Cadence.PollCadence

  const isQuoteWithin = ({ freshFor }: Lookup, rate: Rate, now: DateTime.Utc) =>
    freshness.isQuoteFresh(rate, Duration.toMillis(freshFor), DateTime.toEpochMillis(now))

  const isSufficient = (lookup: Lookup, { rate, source }: SourcedRate, now: DateTime.Utc) =>
    source === "provider" ? isQuoteWithin(lookup, rate, now) : isWithin(lookup.freshFor, rate, now)

  /** Returns true if the provider was called a moment ago, and its own quote is older than the caller accepts. */
  const isCoolingDown = (lookup: Lookup, { rate }: SourcedRate, now: DateTime.Utc) =>
    !isQuoteWithin(lookup, rate, now) &&
    Duration.isLessThan(ageAt(rate, now), Cadence.lookupCooldown(cadence))

  const inMemory = (pair: AssetPair) =>
    Option.map(cache.peek(pair), (rate): SourcedRate => ({ rate, source: "memory" }))

  /** Returns the stored rate if it is fresh enough: another process may have refreshed the pair, which needs no permit. */
  const readFresh = Effect.fnUntraced(function* (lookup: Lookup) {
    const stored = yield* read(lookup.pair, lookup.freshFor).pipe(
      Effect.timeoutOption(yield* lookup.remaining),
      Effect.map(Option.flatten),
      Effect.orElseSucceed(() => Option.none<SourcedRate>())
    )
    lookup.hasRead = true
    const now = yield* DateTime.now
    return Option.filter(stored, ({ rate }) => isWithin(lookup.freshFor, rate, now))
  })

  const refreshOnce = Effect.fnUntraced(function* (lookup: Lookup) {
    const { freshFor, hasRead, pair, permit, remaining } = lookup
    return yield* refresh(pair, {
      maxAge: freshFor,
      hasRead,
      budget: yield* remaining,
      ...(permit === undefined ? {} : { permit })
    }).pipe(
      Effect.catchTag("RateLimitExceeded", (exceeded) => {
        lookup.denied = exceeded
        return Effect.succeedNone
      })
    )
  })

  /** Refreshes again if the refresh was started by a lookup that accepts older rates than this one. */
  const refreshed = Effect.fnUntraced(function* (lookup: Lookup) {
    const first = yield* refreshOnce(lookup)
    if (Option.isNone(first) || first.value.source === "provider") return first
    return isSufficient(lookup, first.value, yield* DateTime.now) ? first : yield* refreshOnce(lookup)
  })

  /** Another process may have published a rate during the wait, even while the provider's rate was being stored. */
  const newerOf = (pair: AssetPair, best: Option.Option<SourcedRate>) =>
    Option.orElse(
      Option.filter(inMemory(pair), ({ rate }) => Option.isNone(best) || isNewer(rate, best.value.rate)),
      () => best
    )

  const start = Effect.fnUntraced(function* (
    pair: AssetPair,
    known: Option.Option<SourcedRate>,
    freshFor: Duration.Duration,
    hasRead: boolean,
    permit: RefreshPermit
  ) {
    const budget = Option.isSome(known) ? lookupBudget : FIRST_RATE_BUDGET
    const startedAt = yield* Clock.monotonicTimeNanos
    const now = yield* DateTime.now
    // A stale rate is refreshed for everybody; a fresh one, or one that is not polled, only because this caller demands it.
    const isDemanded =
      !pairs.isPolled(pair) || Option.exists(known, ({ rate }) => isWithin(staleAfter, rate, now))
    const lookup: Lookup = {
      pair,
      freshFor,
      remaining: Effect.map(Clock.monotonicTimeNanos, (now) =>
        Duration.subtract(budget, Duration.nanos(now - startedAt))
      ),
      permit: isDemanded ? permit : undefined,
      hasRead,
      denied: undefined
    }
    return lookup
  })

  /** Returns the best known rate, or fails if it does not satisfy the lookup. */
  const answer = Effect.fnUntraced(function* (
    lookup: Lookup,
    found: Option.Option<SourcedRate>,
    best: Option.Option<SourcedRate>,
    maxAge: Duration.Duration
  ) {
    const { denied, pair } = lookup
    const now = yield* DateTime.now
    if (Option.isNone(best)) return yield* LookupFailure.unavailable(pair, lastFailure(pair), denied)
    const { rate } = best.value
    // The last known price of an asset that is not traded is no price.
    const untraded = isWithin(staleAfter, rate, now)
      ? undefined
      : LookupFailure.untradedReason(lastFailure(pair))
    if (untraded !== undefined) return yield* new RateUnavailable({ pair, reason: untraded })
    const age = freshness.quoteAgeAt(rate, now)
    const isAnySufficient =
      isSufficient(lookup, best.value, now) ||
      Option.exists(found, (found) => isSufficient(lookup, found, now))
    if (!isAnySufficient && Duration.isGreaterThan(age, maxAge)) {
      return yield* new RateTooOld({
        pair,
        age,
        maxAge,
        ...(denied === undefined ? {} : { refreshes: denied })
      })
    }
    return best.value
  })

  return Effect.fn("Rates.lookup")(function* (
    pair: AssetPair,
    remembered: Option.Option<Rate>,
    { maxAge = Duration.infinity, permit = Effect.void }: LookupOptions
  ) {
    yield* Effect.annotateCurrentSpan({ pair: pair.key })
    const freshFor = Duration.min(staleAfter, maxAge)
    const hasRead = Option.isNone(remembered)
    const known = hasRead
      ? yield* read(pair, freshFor)
      : Option.map(remembered, (rate): SourcedRate => ({ rate, source: "memory" }))
    if (hasRead && Option.isSome(known) && isWithin(freshFor, known.value.rate, yield* DateTime.now))
      return known.value
    const lookup = yield* start(pair, known, freshFor, hasRead, permit)
    const mayRefresh = Option.isNone(known) || !isCoolingDown(lookup, known.value, yield* DateTime.now)
    if (mayRefresh && lookup.permit !== undefined && !lookup.hasRead) {
      const stored = yield* readFresh(lookup)
      if (Option.isSome(stored)) return stored.value
    }
    const found = mayRefresh ? yield* refreshed(lookup) : Option.none<SourcedRate>()
    const best = newerOf(
      pair,
      Option.orElse(found, () => known)
    )
    return yield* answer(lookup, found, best, maxAge)
  })
})
