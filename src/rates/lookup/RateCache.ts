import { Clock, Context, DateTime, Duration, Effect, Layer, Metric, Option, Predicate } from "effect"
import * as EffectRedis from "effect/persistence/Redis"
import { Settings } from "../../config/Settings.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import { FUTURE_TOLERANCE, isFuture, type Rate, type RateId, replaces } from "../../domain/rates/Rate.ts"
import * as RedisMetrics from "../../platform/metrics/RedisMetrics.ts"
import { PollCadence } from "../../platform/PollCadence.ts"
import { Redis } from "../../platform/Redis.ts"
import { RedisKeys } from "../../platform/RedisKeys.ts"
import type { RefusalReason } from "../../platform/RedisRefusals.ts"
import * as RateFreshness from "../RateFreshness.ts"
import * as ForeignRates from "./ForeignRates.ts"
import * as RateJson from "./RateJson.ts"

const makeRedis = Effect.gen(function* () {
  const { cacheTtl, pairs } = yield* Settings
  const freshness = yield* RateFreshness.make
  const cadence = yield* PollCadence
  const { refusals } = yield* Redis
  const redis = yield* EffectRedis.Redis
  const keys = yield* RedisKeys
  const memory = makeMemory(yield* Clock.Clock)
  const foreign = ForeignRates.make()

  const keyOf = (pair: AssetPair) => keys.rate(pair.key)
  const logFailure = (error: EffectRedis.RedisError) => Effect.logDebug("Redis failed", error.cause)
  /** Returns an empty text, which is not a rate, for a key of another type such as a list. */
  const read = (pair: AssetPair) =>
    redis.send<string | null>("GET", keyOf(pair)).pipe(Effect.catchIf(isWrongType, () => Effect.succeed("")))

  const get = Effect.fn("RateCache.get")(function* (pair: AssetPair) {
    const reply = yield* read(pair).pipe(Effect.tapError(logFailure), Effect.option)
    if (Option.isNone(reply)) {
      yield* Effect.logWarning(`Redis is unavailable for the lookup of ${pair.key}`)
      return Option.none()
    }
    const text = reply.value
    if (text === null) return yield* miss(pair, "no rate")
    const cached = RateJson.decodeCached(text)
    if (Option.isNone(cached)) return yield* miss(pair, "a value that is not a rate")
    const { database, rate } = cached.value
    if (database !== keys.database) {
      yield* foreign.report(keyOf(pair), database)
      return yield* miss(pair, "the rate of another database")
    }
    if (rate.pair.key !== pair.key) return yield* miss(pair, "the rate of another pair")
    if (isFuture(rate, yield* Clock.currentTimeMillis)) return yield* miss(pair, "a rate from the future")
    return Option.some(rate)
  })

  const miss = Effect.fnUntraced(function* (pair: AssetPair, found: string) {
    yield* Metric.update(RedisMetrics.misses, 1)
    yield* Effect.logWarning(`Redis has ${found} under ${keyOf(pair)}`)
    return Option.none<Rate>()
  })

  const put = Effect.fn("RateCache.put")(function* (rate: Rate) {
    memory.putLocal(rate)
    const maxAge = Option.getOrElse(cacheTtl, () => defaultTtl(cadence.interval()))
    const now = yield* DateTime.now
    const ttl = Duration.subtract(maxAge, freshness.ageAt(rate, now))
    if (!Duration.isPositive(ttl) || isFuture(rate, DateTime.toEpochMillis(now))) return
    yield* redis
      .eval(setUnlessNewer)(
        keyOf(rate.pair),
        RateJson.encodeCached(rate, keys.database),
        RateJson.sortKeyOf(rate),
        Math.ceil(Duration.toMillis(ttl)),
        RateJson.sortKeyBound(DateTime.addDuration(now, FUTURE_TOLERANCE)),
        keys.database
      )
      .pipe(
        Effect.tap((replaced) => (replaced === null ? Effect.void : reportForeign(rate.pair, replaced))),
        Effect.tapError(logFailure),
        Effect.ignore
      )
  })

  /** Reports a value under the key of a pair if it is the rate of another database, or of none. */
  const reportForeign = (pair: AssetPair, text: string) =>
    Option.match(RateJson.decodeCached(text), {
      onNone: () => Effect.void,
      onSome: ({ database }) =>
        database === keys.database ? Effect.void : foreign.report(keyOf(pair), database)
    })

  const evict = Effect.fn("RateCache.evict")(function* (pair: AssetPair, id: RateId) {
    memory.evictLocal(pair, id)
    yield* redis.eval(deleteRate)(keyOf(pair), id).pipe(Effect.tapError(logFailure), Effect.ignore)
  })

  /** Writes, because a read-only or full Redis still answers pings; and reads the rates, to find foreign ones. */
  const health = Effect.gen(function* () {
    const isWritten = yield* Effect.isSuccess(redis.send("SET", keys.own("health"), "1", "PX", "60000"))
    const cached = yield* Effect.forEach(
      pairs.all,
      (pair) =>
        Effect.option(
          Effect.tap(read(pair), (text) => (text === null ? Effect.void : reportForeign(pair, text)))
        ),
      { concurrency: "unbounded" }
    )
    const [refusal] = refusals()
    const refused = refusal === undefined ? undefined : `Redis refuses commands: ${refusal.detail}`
    if (!isWritten && cached.every(Option.isNone))
      return { status: "down", detail: refused ?? "Redis does not respond" } as const
    const writer = yield* foreign.current
    const foreigner = writer && `${writer} writes rates to the same Redis; they are ignored`
    const details = [refused, foreigner].filter((detail) => detail !== undefined)
    if (details.length === 0) return { status: "ok" } as const
    return {
      status: "degraded",
      detail: details.join(". "),
      ...(refusal === undefined ? {} : { refused: refusal.reason })
    } as const
  })

  return RateCache.of({ ...memory, get, put, evict, health })
})

const isWrongType = ({ cause }: EffectRedis.RedisError) =>
  Predicate.isError(cause) && cause.message.startsWith("WRONGTYPE")

/** State of Redis, as seen by this node. */
export interface RedisHealth {
  /** `off` if none is configured; `degraded` if it refuses commands, or if another deployment writes to it. */
  readonly status: "ok" | "degraded" | "down" | "off"
  readonly detail?: string
  /** Set if Redis answers but refuses commands. */
  readonly refused?: RefusalReason
}

/** Caches the latest rates in this process's memory, in front of Redis if one is configured. */
export class RateCache extends Context.Service<
  RateCache,
  {
    /** Returns the rate in memory, without I/O. None if it is from the future, because the clock was set back. */
    readonly peek: (pair: AssetPair) => Option.Option<Rate>
    /**
     * Returns the rate in Redis, but none from the future. Misses are logged and counted; a Redis failure is logged and
     * returns none.
     */
    readonly get: (pair: AssetPair) => Effect.Effect<Option.Option<Rate>>
    /** Stores a rate in memory and in Redis, unless a newer one is cached. Never fails. */
    readonly put: (rate: Rate) => Effect.Effect<void>
    /** Returns the pairs of the rates in memory. */
    readonly pairs: () => ReadonlyArray<AssetPair>
    /** Stores a rate in memory only, unless a newer one is cached. */
    readonly putLocal: (rate: Rate) => void
    /** Removes a rate by its id from memory and from Redis. Keeps another rate of the pair. Never fails. */
    readonly evict: (pair: AssetPair, id: RateId) => Effect.Effect<void>
    /** Reads from and writes to Redis. */
    readonly health: Effect.Effect<RedisHealth>
  }
>()("effex/rates/lookup/RateCache") {
  /** Memory of this process only. */
  static readonly layerMemory = Layer.effect(
    RateCache,
    Effect.clockWith((clock) => {
      const memory = makeMemory(clock)
      return Effect.succeed(
        RateCache.of({
          ...memory,
          get: () => Effect.succeedNone,
          put: (rate) => Effect.sync(() => memory.putLocal(rate)),
          evict: (pair, id) => Effect.sync(() => memory.evictLocal(pair, id)),
          health: Effect.succeed({ status: "off" })
        })
      )
    })
  )

  /** Memory in front of Redis, where keys such as `fxrate:USD:NGN` hold a rate as JSON for `CACHE_TTL`. */
  static readonly layerRedis = Layer.effect(RateCache, makeRedis)
}

const makeMemory = (clock: Clock.Clock) => {
  const rates = new Map<string, Rate>()
  return {
    peek: (pair: AssetPair) => {
      const rate = rates.get(pair.key)
      return rate === undefined || isFuture(rate, clock.currentTimeMillisUnsafe())
        ? Option.none()
        : Option.some(rate)
    },
    pairs: () => Array.from(rates.values(), ({ pair }) => pair),
    putLocal: (rate: Rate) => {
      const cached = rates.get(rate.pair.key)
      if (cached === undefined || replaces(rate, cached, clock.currentTimeMillisUnsafe())) {
        rates.set(rate.pair.key, rate)
      }
    },
    evictLocal: (pair: AssetPair, id: RateId) => {
      if (rates.get(pair.key)?.id === id) rates.delete(pair.key)
    }
  }
}

/**
 * Keeps the newer rate, unless it is from the future: nodes may write in another order than they fetched. Replaces a value
 * of another type. Replaces the rate of another database, and returns it.
 */
const setUnlessNewer = EffectRedis.script(
  (
    key: string,
    value: string,
    sortKey: string,
    ttlMillis: number,
    presentBound: string,
    database: string
  ) => [key, value, sortKey, ttlMillis, presentBound, database],
  {
    numberOfKeys: 1,
    lua: `
local cached = redis.pcall('GET', KEYS[1])
if type(cached) == 'string' then
  local ok, rate = pcall(cjson.decode, cached)
  if not ok or type(rate) ~= 'table' or rate.database ~= ARGV[5] then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
    return cached
  end
  if type(rate.fetched_at) == 'string' and type(rate.rate_id) == 'string'
    and rate.fetched_at .. rate.rate_id > ARGV[2] and rate.fetched_at <= ARGV[4] then
    return false
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return false`
  }
).withReturnType<string | null>()

/** Deletes a rate by its id. Keeps another rate of the pair. */
const deleteRate = EffectRedis.script((key: string, id: string) => [key, id], {
  numberOfKeys: 1,
  lua: `
local cached = redis.pcall('GET', KEYS[1])
local ok, rate = pcall(cjson.decode, type(cached) == 'string' and cached or '')
if ok and type(rate) == 'table' and rate.rate_id == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`
})

/** TTL without CACHE_TTL: two intervals, so that a rate survives one failed poll. */
const defaultTtl = (interval: Option.Option<Duration.Duration>) =>
  Option.match(interval, {
    onNone: () => Duration.seconds(120),
    onSome: (interval) => Duration.times(interval, 2)
  })
