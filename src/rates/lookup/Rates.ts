import { Clock, Context, DateTime, Duration, Effect, Exit, Fiber, Layer, type Metric, Option } from "effect"
import { Settings } from "../../config/Settings.ts"
import type { CurrencyCode } from "../../domain/money/Currency.ts"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import {
  ageAt,
  isNewer,
  type Rate,
  type RateId,
  type RateRecord,
  RateTooOld,
  RateUnavailable
} from "../../domain/rates/Rate.ts"
import type { StoreUnavailable } from "../../platform/postgres/Database.ts"
import * as Metrics from "../../platform/telemetry/Metrics.ts"
import { timedBy } from "../../platform/telemetry/MetricSeries.ts"
import type { ProviderError } from "../../providers/ProviderError.ts"
import { RateCache } from "./RateCache.ts"
import { RateIngest } from "../RateIngest.ts"
import { RateRepo } from "../RateRepo.ts"
import * as SingleFlight from "../../platform/SingleFlight.ts"

/** Where a lookup found its rate. */
export type RateSource = "memory" | "cache" | "database" | "provider"

/** A rate and where it was found. */
export interface FoundRate {
  readonly rate: Rate
  readonly source: RateSource
  /** Older than `STALE_AFTER`, and could not be refreshed. */
  readonly stale: boolean
}

/** How long a lookup waits for the provider when no rate is known at all. */
const FIRST_RATE_BUDGET = Duration.seconds(30)
/** How long a pair is left alone after it could not be refreshed. */
const REST = Duration.seconds(1)
/** How long it is left alone after an answer was not believed: the next one would hardly be another. */
const SUSPECT_REST = Duration.seconds(30)

/** Rates, as applications ask for them. */
export class Rates extends Context.Service<
  Rates,
  {
    /**
     * The latest rate: from memory, else from Redis, else from Postgres, and when all that is older than `STALE_AFTER`
     * (or than `maxAge`), from the provider. With a last known good rate it takes no longer than `LOOKUP_BUDGET`, and
     * answers with that rate, stale, while the refresh goes on behind it.
     *
     * Fails with `RateTooOld` where nothing as fresh as `maxAge` can be had, with `RateUnavailable` where no rate is
     * known and none can be had, and with `StoreUnavailable` where none is near at hand and the database does not answer.
     */
    readonly lookup: (
      pair: CurrencyPair,
      options?: { readonly maxAge?: Duration.Duration }
    ) => Effect.Effect<FoundRate, RateUnavailable | RateTooOld | StoreUnavailable>
    /**
     * What `lookup` would answer with from memory, at a moment in milliseconds; undefined where it would look further.
     * It is not counted.
     */
    readonly peek: (pair: CurrencyPair, now: number) => FoundRate | undefined
    /** Counts a lookup that was answered with what was found. */
    readonly count: (found: FoundRate) => void
    /** Every rate that is known, of one source currency or of all, by pair. Asks no provider. */
    readonly known: (
      source: Option.Option<CurrencyCode>
    ) => Effect.Effect<ReadonlyArray<FoundRate>, StoreUnavailable>
    /** One immutable rate with all that is kept of it; none for an id that was never given. */
    readonly record: (id: RateId) => Effect.Effect<Option.Option<RateRecord>, StoreUnavailable>
  }
>()("effex/rates/lookup/Rates") {
  static readonly layer = Layer.effect(
    Rates,
    Effect.suspend(() => make)
  )
}

type Found = Pick<FoundRate, "rate" | "source">

const make = Effect.gen(function* () {
  const { lookupBudget, pairs, staleAfter } = yield* Settings
  const cache = yield* RateCache
  const repo = yield* RateRepo
  const intake = yield* RateIngest
  const context = yield* Effect.context<never>()
  const recalling = yield* SingleFlight.make<Option.Option<Found>, StoreUnavailable>()
  const refreshing = yield* SingleFlight.make<Found, ProviderError | StoreUnavailable>()
  const refreshes = new Map<string, { startedAt: number; restUntil: number; failing: boolean }>()

  /** What Redis knows, or else Postgres, remembered in memory. What Redis knows is enough while Postgres is gone. */
  const recall = Effect.fn("Rates.recall")(function* (pair: CurrencyPair, limit: Duration.Duration) {
    const cached = yield* cache.get(pair)
    if (Option.isSome(cached)) cache.remember(cached.value)
    const held = Option.map(cached, (rate): Found => ({ rate, source: "cache" }))
    if (Option.isSome(cached) && isWithin(limit, cached.value, yield* DateTime.now)) return held
    const stored = yield* repo.latest(pair).pipe(
      Effect.catchIf(
        () => Option.isSome(cached),
        () => Effect.succeedNone
      )
    )
    if (Option.isSome(stored)) yield* cache.put(stored.value)
    const newer = Option.filter(stored, (rate) => Option.isNone(cached) || isNewer(rate, cached.value))
    return Option.orElse(
      Option.map(newer, (rate): Found => ({ rate, source: "database" })),
      () => held
    )
  })

  /** Another process may have refreshed what this one remembers, so that the provider is asked last. */
  const refresh = Effect.fn("Rates.refresh")(
    function* (pair: CurrencyPair, limit: Duration.Duration, recalled: boolean) {
      if (!recalled) {
        const known = yield* recall(pair, limit)
        if (Option.isSome(known) && isWithin(limit, known.value.rate, yield* DateTime.now)) return known.value
      }
      return { rate: yield* intake.take(pair), source: "provider" } satisfies Found
    },
    (effect, pair) => Effect.onExit(effect, (exit) => conclude(pair, exit))
  )

  /** Logs when a pair begins to fail and when it is well again, not each time in between. */
  const conclude = Effect.fnUntraced(function* (
    pair: CurrencyPair,
    exit: Exit.Exit<Found, ProviderError | StoreUnavailable>
  ) {
    const state = refreshOf(pair)
    const failing = Exit.isFailure(exit)
    if (failing) {
      const rest = isSuspect(exit) ? SUSPECT_REST : REST
      state.restUntil = (yield* Clock.currentTimeMillis) + Duration.toMillis(rest)
    }
    if (failing && !state.failing) yield* Effect.logWarning(`${pair.key} could not be refreshed`, exit.cause)
    if (!failing && state.failing) yield* Effect.logInfo(`${pair.key} is refreshed again`)
    state.failing = failing
  })

  const refreshOf = (pair: CurrencyPair) => {
    const known = refreshes.get(pair.key)
    if (known !== undefined) return known
    const fresh = { startedAt: 0, restUntil: 0, failing: false }
    refreshes.set(pair.key, fresh)
    return fresh
  }

  /** Waits for a refresh, but never longer than `budget` from the moment at which it began. */
  const awaitRefresh = Effect.fnUntraced(function* (
    pair: CurrencyPair,
    limit: Duration.Duration,
    recalled: boolean,
    budget: Duration.Duration
  ) {
    const now = yield* Clock.currentTimeMillis
    const state = refreshOf(pair)
    if (now < state.restUntil) return Option.none<Found>()
    const fiber = yield* refreshing(
      pair.key,
      Effect.andThen(
        Effect.sync(() => {
          state.startedAt = now
        }),
        refresh(pair, limit, recalled)
      )
    )
    const left = Duration.subtract(budget, Duration.millis(now - state.startedAt))
    const exit = yield* Effect.timeoutOption(Fiber.await(fiber), left)
    return Option.flatMap(exit, (done) => (Exit.isSuccess(done) ? Option.some(done.value) : Option.none()))
  })

  const lookupFurther = Effect.fn("Rates.lookup")(function* (
    pair: CurrencyPair,
    held: Option.Option<Rate>,
    maxAge: Duration.Duration
  ) {
    yield* Effect.annotateCurrentSpan({ pair: pair.key })
    const limit = Duration.min(staleAfter, maxAge)
    let best = Option.map(held, (rate): Found => ({ rate, source: "memory" }))
    if (Option.isNone(best)) {
      best = yield* Effect.flatMap(recalling(pair.key, recall(pair, limit)), Fiber.join)
      if (Option.isSome(best) && isWithin(limit, best.value.rate, yield* DateTime.now)) {
        return yield* answer(best.value)
      }
    }
    const budget = Option.isSome(best) ? lookupBudget : FIRST_RATE_BUDGET
    const recalled = Option.isNone(held)
    const startedAt = yield* Clock.monotonicTimeNanos
    const fresh = (found: Found, now: DateTime.Utc) =>
      found.source === "provider" || isWithin(limit, found.rate, now)
    let refreshed = yield* awaitRefresh(pair, limit, recalled, budget)
    if (Option.isSome(refreshed) && !fresh(refreshed.value, yield* DateTime.now)) {
      // It was begun for others, who were content with an older rate than this lookup is.
      const waited = Duration.nanos((yield* Clock.monotonicTimeNanos) - startedAt)
      refreshed = yield* awaitRefresh(pair, limit, recalled, Duration.subtract(budget, waited))
    }
    best = Option.orElse(refreshed, () => best)
    // Another process may have told of a rate meanwhile, also while the provider's was on its way to the database.
    const told = Option.map(cache.peek(pair), (rate): Found => ({ rate, source: "memory" }))
    const later = Option.filter(told, ({ rate }) => Option.isNone(best) || isNewer(rate, best.value.rate))
    best = Option.orElse(later, () => best)
    if (Option.isNone(best)) return yield* new RateUnavailable({ pair })
    const now = yield* DateTime.now
    const age = ageAt(best.value.rate, now)
    const isFresh = fresh(best.value, now) || Option.exists(refreshed, (found) => fresh(found, now))
    if (!isFresh && Duration.isGreaterThan(age, maxAge)) {
      return yield* new RateTooOld({ pair, age, maxAge })
    }
    return yield* answer(best.value)
  })

  const count: Rates["Service"]["count"] = ({ source, stale }) => {
    lookupsFrom[source].updateUnsafe(1, context)
    if (stale) Metrics.staleLookups.updateUnsafe(1, context)
  }

  const answer = Effect.fnUntraced(function* ({ rate, source }: Found) {
    const found = { rate, source, stale: !isWithin(staleAfter, rate, yield* DateTime.now) }
    count(found)
    return found
  })

  /** What this process remembers, where at a moment it is no older than `limit`, in milliseconds: STALE_AFTER at most. */
  const remembered = (pair: CurrencyPair, limit: number, now: number): FoundRate | undefined => {
    const rate = Option.getOrUndefined(cache.peek(pair))
    if (rate === undefined || now - DateTime.toEpochMillis(rate.observedAt) > limit) return undefined
    return { rate, source: "memory", stale: false }
  }

  const staleAfterMillis = Duration.toMillis(staleAfter)
  const peek: Rates["Service"]["peek"] = (pair, now) => remembered(pair, staleAfterMillis, now)

  const lookup: Rates["Service"]["lookup"] = (pair, { maxAge = Duration.infinity } = {}) =>
    Effect.clockWith((clock) => {
      const limit = Math.min(staleAfterMillis, Duration.toMillis(maxAge))
      const found = remembered(pair, limit, clock.currentTimeMillisUnsafe())
      if (found === undefined) return measured(lookupFurther(pair, cache.peek(pair), maxAge))
      count(found)
      return Effect.succeed(found)
    })

  /** Brings rates into memory, from Redis where the database does not answer. */
  const rememberAll = Effect.fnUntraced(
    function* (_missing: ReadonlyArray<CurrencyPair>) {
      for (const rate of yield* repo.latestAll) cache.remember(rate)
    },
    (remembered, missing) =>
      Effect.catchTag(remembered, "StoreUnavailable", (error) =>
        Effect.forEach(missing, (pair) => cache.get(pair), { concurrency: "unbounded" }).pipe(
          Effect.flatMap((cached) => {
            for (const rate of cached.flatMap(Option.toArray)) cache.remember(rate)
            return pairs.all.some((pair) => Option.isSome(cache.peek(pair)))
              ? Effect.void
              : Effect.fail(error)
          })
        )
      )
  )

  const known = Effect.fn("Rates.known")(function* (source: Option.Option<CurrencyCode>) {
    const wanted = pairs.all.filter((pair) => Option.isNone(source) || pair.from === source.value)
    const missing = wanted.filter((pair) => Option.isNone(cache.peek(pair)))
    if (missing.length > 0) yield* rememberAll(missing)
    const now = yield* DateTime.now
    return wanted.flatMap((pair) =>
      Option.toArray(cache.peek(pair)).map((rate): FoundRate => ({
        rate,
        source: "memory",
        stale: !isWithin(staleAfter, rate, now)
      }))
    )
  })

  return Rates.of({ lookup, peek, count, known, record: repo.byId })
})

const isWithin = (limit: Duration.Duration, rate: Rate, now: DateTime.Utc) =>
  Duration.isLessThanOrEqualTo(ageAt(rate, now), limit)

const isSuspect = (exit: Exit.Exit<unknown, ProviderError | StoreUnavailable>) =>
  Option.exists(Exit.findErrorOption(exit), (error) => error._tag === "ProviderError" && error.putAside)

/** Measures a lookup that memory was not enough for; the others take microseconds. */
const measured = timedBy<FoundRate>((exit) =>
  Metrics.lookupDuration.of({ source: Exit.isSuccess(exit) ? exit.value.source : "nowhere" })
)

const lookupsFrom: Record<RateSource, Metric.Counter<number>> = {
  memory: Metrics.lookups.of({ source: "memory" }),
  cache: Metrics.lookups.of({ source: "cache" }),
  database: Metrics.lookups.of({ source: "database" }),
  provider: Metrics.lookups.of({ source: "provider" })
}
