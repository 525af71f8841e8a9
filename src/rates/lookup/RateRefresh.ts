import { Clock, Context, DateTime, Duration, Effect, Exit, Fiber, Layer, Option } from "effect"
import type { RateLimitExceeded } from "../../domain/access/RateLimit.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import type { Freshness } from "../../domain/rates/Freshness.ts"
import { type Rate, replaces } from "../../domain/rates/Rate.ts"
import type { ClockSkewed } from "../../platform/ClockSkew.ts"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as SingleFlight from "../../platform/SingleFlight.ts"
import type { ProviderError } from "../../providers/ProviderError.ts"
import { RateIngest } from "../RateIngest.ts"
import * as RateFreshness from "../RateFreshness.ts"
import { RateRepo } from "../RateRepo.ts"
import { RateCache } from "./RateCache.ts"

// A lookup that memory cannot serve goes through up to three single flights. They are separate, because they
// have different callers and end differently:
//
//     lookup ──> read flight ───────> refresh flight ─────────> SharedSingleFlight ──> provider
//                Redis, PostgreSQL    budget and cooldown       polls, other processes
//
// - The read flight protects the database from bursts of lookups. If it fails, the lookup fails.
// - The refresh flight outlives its callers. Their budget counts from its start, and its failure starts the cooldown.
// - `SharedSingleFlight` is also joined by polls and other processes, which have neither budget nor cooldown.

/** Source of the rate of a lookup. */
export type LookupSource = "memory" | "cache" | "database" | "provider"

export interface SourcedRate {
  readonly rate: Rate
  readonly source: LookupSource
}

export interface RefreshOptions {
  /** A stored rate up to this age makes the provider call unnecessary. */
  readonly maxAge: Duration.Duration
  /** Redis and PostgreSQL were read just before. */
  readonly hasRead: boolean
  /** Maximum wait, counted from the start of the refresh. */
  readonly budget: Duration.Duration
  /** Runs before a refresh starts, but not when one in progress is joined. */
  readonly permit?: RefreshPermit
}

/** Counts a refresh that a caller demands against its limit. */
export type RefreshPermit = Effect.Effect<unknown, RateLimitExceeded>

export type RefreshError = ProviderError | StoreUnavailable | ClockSkewed

/** A pair is not refreshed again for this time after a failed refresh. */
const FAILURE_COOLDOWN = Duration.seconds(1)
/** Cooldown after a quarantined rate, which is longer because the provider is unlikely to change its rate soon. */
const QUARANTINE_COOLDOWN = Duration.seconds(30)
/** Cooldown after no provider quoted the pair. Providers are then asked again after an hour: see `UnquotedPairs`. */
const REFUSAL_COOLDOWN = Duration.minutes(1)

const make = Effect.gen(function* () {
  const cache = yield* RateCache
  const repo = yield* RateRepo
  const ingest = yield* RateIngest
  const isWithin = isWithinBy(yield* RateFreshness.make)
  const readFlight = yield* SingleFlight.make<Option.Option<SourcedRate>, StoreUnavailable>()
  const refreshFlight = yield* SingleFlight.make<SourcedRate, RefreshError>()
  const states = new Map<string, PairState>()

  /** A rate from Redis is sufficient while PostgreSQL is unavailable. */
  const readStores = Effect.fn("RateRefresh.read")(function* (pair: AssetPair, maxAge: Duration.Duration) {
    const cached = yield* cache.get(pair)
    if (Option.isSome(cached)) cache.putLocal(cached.value)
    const fromCache = Option.map(cached, (rate): SourcedRate => ({ rate, source: "cache" }))
    if (Option.isSome(cached) && isWithin(maxAge, cached.value, yield* DateTime.now)) return fromCache
    const stored = yield* repo.latest(pair).pipe(
      Effect.catchIf(
        () => Option.isSome(cached),
        () => Effect.succeedNone
      )
    )
    if (Option.isSome(stored)) yield* cache.put(stored.value)
    const now = yield* Clock.currentTimeMillis
    const newer = Option.filter(stored, (rate) => Option.isNone(cached) || replaces(rate, cached.value, now))
    return Option.orElse(
      Option.map(newer, (rate): SourcedRate => ({ rate, source: "database" })),
      () => fromCache
    )
  })

  /** Another process may have refreshed the pair, so the provider is called last. */
  const refreshOnce = Effect.fn("RateRefresh.refresh")(
    function* (pair: AssetPair, maxAge: Duration.Duration, hasRead: boolean) {
      if (!hasRead) {
        const stored = yield* readStores(pair, maxAge)
        if (Option.isSome(stored) && isWithin(maxAge, stored.value.rate, yield* DateTime.now))
          return stored.value
      }
      return { rate: yield* ingest.fetch(pair, maxAge), source: "provider" } satisfies SourcedRate
    },
    (effect, pair) => Effect.onExit(effect, (exit) => recordOutcome(pair, exit))
  )

  /** Starts the cooldown after a failure, and logs when a pair starts to fail and when it has recovered. */
  const recordOutcome = Effect.fnUntraced(function* (
    pair: AssetPair,
    exit: Exit.Exit<SourcedRate, RefreshError>
  ) {
    const state = stateOf(pair)
    const isFailing = Exit.isFailure(exit)
    if (isFailing) {
      state.cooldownUntil = (yield* MonotonicClock.millis) + Duration.toMillis(cooldownAfter(exit))
    }
    state.lastFailure = Option.getOrUndefined(Exit.findErrorOption(exit))
    if (isFailing && !state.isFailing)
      yield* isExpected(state.lastFailure)
        ? Effect.logDebug(`Refresh of ${pair.key} failed: ${state.lastFailure?.message}`)
        : Effect.logWarning(`Refresh of ${pair.key} failed`, exit.cause)
    if (!isFailing && state.isFailing) yield* Effect.logInfo(`Refresh of ${pair.key} has recovered`)
    state.isFailing = isFailing
  })

  const stateOf = (pair: AssetPair) => {
    const existing = states.get(pair.key)
    if (existing !== undefined) return existing
    const state: PairState = {
      startedAt: 0,
      cooldownUntil: Number.NEGATIVE_INFINITY,
      isFailing: false,
      lastFailure: undefined,
      isRefreshing: false
    }
    states.set(pair.key, state)
    return state
  }

  const read: RateRefresh["Service"]["read"] = (pair, maxAge) =>
    Effect.flatMap(readFlight(pair.key, readStores(pair, maxAge)), Fiber.join)

  const refresh: RateRefresh["Service"]["refresh"] = Effect.fnUntraced(function* (
    pair,
    { budget, hasRead, maxAge, permit = Effect.void }
  ) {
    const now = yield* MonotonicClock.millis
    const state = stateOf(pair)
    if (now < state.cooldownUntil) return Option.none<SourcedRate>()
    if (!state.isRefreshing) yield* permit
    const fiber = yield* refreshFlight(
      pair.key,
      Effect.acquireUseRelease(
        Effect.sync(() => {
          state.startedAt = now
          state.isRefreshing = true
        }),
        () => refreshOnce(pair, maxAge, hasRead),
        () =>
          Effect.sync(() => {
            state.isRefreshing = false
          })
      )
    )
    const remaining = Duration.subtract(budget, Duration.millis(now - state.startedAt))
    const exit = yield* Effect.timeoutOption(Fiber.await(fiber), remaining)
    return Option.flatMap(exit, (done) => (Exit.isSuccess(done) ? Option.some(done.value) : Option.none()))
  })

  const lastFailure: RateRefresh["Service"]["lastFailure"] = ({ key }) => states.get(key)?.lastFailure

  return RateRefresh.of({ read, refresh, lastFailure })
})

/** Finds rates that are not fresh in memory: in Redis, in PostgreSQL, or at the provider. */
export class RateRefresh extends Context.Service<
  RateRefresh,
  {
    /** Reads Redis, then PostgreSQL, and caches the result in memory. Concurrent reads of a pair share one. */
    readonly read: (
      pair: AssetPair,
      maxAge: Duration.Duration
    ) => Effect.Effect<Option.Option<SourcedRate>, StoreUnavailable>
    /**
     * Refreshes a pair from Redis, PostgreSQL or the provider, and waits for it within the budget. Returns none when
     * the budget is used up, the refresh fails, or the pair is cooling down. The refresh continues without its callers.
     * Fails if the permit does.
     */
    readonly refresh: (
      pair: AssetPair,
      options: RefreshOptions
    ) => Effect.Effect<Option.Option<SourcedRate>, RateLimitExceeded>
    /** Failure of the last refresh of a pair. Undefined if it succeeded. */
    readonly lastFailure: (pair: AssetPair) => RefreshError | undefined
  }
>()("effex/rates/lookup/RateRefresh") {
  static readonly layer = Layer.effect(RateRefresh, make)
}

interface PairState {
  /** Monotonic time in milliseconds, as the next one. */
  startedAt: number
  cooldownUntil: number
  isFailing: boolean
  lastFailure: RefreshError | undefined
  isRefreshing: boolean
}

/** Makes the function that returns true for a rate whose age is known and at most `maxAge`. */
export const isWithinBy =
  ({ isFresh }: Freshness) =>
  (maxAge: Duration.Duration, rate: Rate, now: DateTime.Utc) =>
    isFresh(rate, Duration.toMillis(maxAge), DateTime.toEpochMillis(now))

/** Callers cause these failures by asking for any pair, so that they would fill the log. */
const isExpected = (error: RefreshError | undefined) =>
  error?._tag === "ProviderError" && (error.refusal !== undefined || error.reason._tag === "OnDemandLimited")

const cooldownAfter = (exit: Exit.Exit<unknown, RefreshError>) => {
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  if (error?._tag !== "ProviderError") return FAILURE_COOLDOWN
  if (error.isQuarantined) return QUARANTINE_COOLDOWN
  return error.refusal === undefined ? FAILURE_COOLDOWN : REFUSAL_COOLDOWN
}
