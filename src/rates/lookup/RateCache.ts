import { Context, DateTime, Duration, Effect, Layer, Metric, Option } from "effect"
import * as EffectRedis from "effect/persistence/Redis"
import { Settings } from "../../config/Settings.ts"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import { ageAt, isNewer, type Rate } from "../../domain/rates/Rate.ts"
import * as RedisMetrics from "../../platform/metrics/RedisMetrics.ts"
import { PollCadence } from "../../platform/PollCadence.ts"
import { Redis } from "../../platform/Redis.ts"
import * as RateJson from "./RateJson.ts"

const makeRedis = Effect.gen(function* () {
  const { cacheTtl } = yield* Settings
  const cadence = yield* PollCadence
  const { use } = yield* Redis
  const redis = yield* EffectRedis.Redis
  const memory = makeMemory()

  const logFailure = (error: EffectRedis.RedisError) => Effect.logDebug("Redis failed", error.cause)

  const get = Effect.fn("RateCache.get")(function* (pair: CurrencyPair) {
    const reply = yield* use((client) => client.get(keyOf(pair))).pipe(
      Effect.tapError(logFailure),
      Effect.option
    )
    if (Option.isNone(reply)) {
      yield* Effect.logWarning(`Redis is unavailable for the lookup of ${pair.key}`)
      return Option.none()
    }
    const text = reply.value
    if (text === null) return yield* miss(pair, "no rate")
    const cached = yield* Effect.option(RateJson.decode(text))
    if (Option.isNone(cached)) return yield* miss(pair, "a value that is not a rate")
    if (cached.value.pair.key !== pair.key) return yield* miss(pair, "the rate of another pair")
    return cached
  })

  const miss = Effect.fnUntraced(function* (pair: CurrencyPair, found: string) {
    yield* Metric.update(RedisMetrics.misses, 1)
    yield* Effect.logWarning(`Redis has ${found} under ${keyOf(pair)}`)
    return Option.none<Rate>()
  })

  const put = Effect.fn("RateCache.put")(function* (rate: Rate) {
    memory.putLocal(rate)
    const maxAge = Option.getOrElse(cacheTtl, () => defaultTtl(cadence.interval()))
    const ttl = Duration.subtract(maxAge, ageAt(rate, yield* DateTime.now))
    if (!Duration.isPositive(ttl)) return
    yield* redis
      .eval(setUnlessNewer)(
        keyOf(rate.pair),
        RateJson.encode(rate),
        RateJson.sortKeyOf(rate),
        Math.ceil(Duration.toMillis(ttl))
      )
      .pipe(Effect.tapError(logFailure), Effect.ignore)
  })

  const health = use((client) => client.ping()).pipe(
    Effect.match({ onSuccess: () => "ok" as const, onFailure: () => "down" as const })
  )

  return RateCache.of({ ...memory, get, put, health })
})

/** Caches the latest rates in this process's memory, in front of Redis if one is configured. */
export class RateCache extends Context.Service<
  RateCache,
  {
    /** Returns the rate in memory, without I/O. */
    readonly peek: (pair: CurrencyPair) => Option.Option<Rate>
    /** Returns the rate in Redis. Misses are logged and counted; a Redis failure is logged and returns none. */
    readonly get: (pair: CurrencyPair) => Effect.Effect<Option.Option<Rate>>
    /** Stores a rate in memory and in Redis, unless a newer one is cached. Never fails. */
    readonly put: (rate: Rate) => Effect.Effect<void>
    /** Stores a rate in memory only, unless a newer one is cached. */
    readonly putLocal: (rate: Rate) => void
    /** Pings Redis; `off` if none is configured. */
    readonly health: Effect.Effect<"ok" | "down" | "off">
  }
>()("effex/rates/lookup/RateCache") {
  /** Memory of this process only. */
  static readonly layerMemory = Layer.sync(RateCache, () => {
    const memory = makeMemory()
    return RateCache.of({
      ...memory,
      get: () => Effect.succeedNone,
      put: (rate) => Effect.sync(() => memory.putLocal(rate)),
      health: Effect.succeed("off")
    })
  })

  /** Memory in front of Redis, where keys such as `fxrate:USD:NGN` hold a rate as JSON for `CACHE_TTL`. */
  static readonly layerRedis = Layer.effect(RateCache, makeRedis)
}

const makeMemory = () => {
  const rates = new Map<string, Rate>()
  return {
    peek: (pair: CurrencyPair) => Option.fromUndefinedOr(rates.get(pair.key)),
    putLocal: (rate: Rate) => {
      const cached = rates.get(rate.pair.key)
      if (cached === undefined || isNewer(rate, cached)) rates.set(rate.pair.key, rate)
    }
  }
}

const keyOf = (pair: CurrencyPair) => `fxrate:${pair.key}`

/** Keeps the newer rate: nodes may write in another order than they fetched. */
const setUnlessNewer = EffectRedis.script(
  (key: string, value: string, sortKey: string, ttlMillis: number) => [key, value, sortKey, ttlMillis],
  {
    numberOfKeys: 1,
    lua: `
local cached = redis.call('GET', KEYS[1])
if cached then
  local ok, rate = pcall(cjson.decode, cached)
  if ok and type(rate) == 'table' and type(rate.fetched_at) == 'string' and type(rate.rate_id) == 'string'
    and rate.fetched_at .. rate.rate_id > ARGV[2] then
    return 0
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1`
  }
)

/** TTL without CACHE_TTL: two intervals, so that a rate survives one failed poll. */
const defaultTtl = (interval: Option.Option<Duration.Duration>) =>
  Option.match(interval, {
    onNone: () => Duration.seconds(120),
    onSome: (interval) => Duration.times(interval, 2)
  })
