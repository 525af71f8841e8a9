import { Context, DateTime, Duration, Effect, Layer, Metric, Option } from "effect"
import * as EffectRedis from "effect/persistence/Redis"
import { Settings } from "../../config/Settings.ts"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import { ageAt, isNewer, type Rate } from "../../domain/rates/Rate.ts"
import * as Metrics from "../../platform/telemetry/Metrics.ts"
import { PollCadence } from "../../platform/PollCadence.ts"
import { Redis } from "../../platform/Redis.ts"
import * as RateJson from "./RateJson.ts"

/** The latest rates near at hand: in this process's memory, and in front of that in Redis, where there is one. */
export class RateCache extends Context.Service<
  RateCache,
  {
    /** The rate that this process remembers, at once. */
    readonly peek: (pair: CurrencyPair) => Option.Option<Rate>
    /** The rate that all processes share. A miss is logged and counted, and so is a Redis that does not answer. */
    readonly get: (pair: CurrencyPair) => Effect.Effect<Option.Option<Rate>>
    /** Remembers a rate here and for all processes, unless a newer one is known. Never fails. */
    readonly put: (rate: Rate) => Effect.Effect<void>
    /** Remembers a rate here only, unless a newer one is known. */
    readonly remember: (rate: Rate) => void
    /** Whether Redis answers; `off` where there is none. */
    readonly health: Effect.Effect<"ok" | "down" | "off">
  }
>()("effex/rates/lookup/RateCache") {
  /** This process alone. */
  static readonly layerMemory = Layer.sync(RateCache, () => {
    const memory = makeMemory()
    return RateCache.of({
      ...memory,
      get: () => Effect.succeedNone,
      put: (rate) => Effect.sync(() => memory.remember(rate)),
      health: Effect.succeed("off")
    })
  })

  /** This process's memory in front of Redis, where `fxrate:USD:NGN` holds a rate as JSON for `CACHE_TTL`. */
  static readonly layerRedis = Layer.effect(
    RateCache,
    Effect.suspend(() => makeRedis)
  )
}

const makeMemory = () => {
  const rates = new Map<string, Rate>()
  return {
    peek: (pair: CurrencyPair) => Option.fromUndefinedOr(rates.get(pair.key)),
    remember: (rate: Rate) => {
      const known = rates.get(rate.pair.key)
      if (known === undefined || isNewer(rate, known)) rates.set(rate.pair.key, rate)
    }
  }
}

const keyOf = (pair: CurrencyPair) => `fxrate:${pair.key}`

/** Nodes may write in another order than they fetched: the newer rate stays. */
const setUnlessNewer = EffectRedis.script(
  (key: string, value: string, order: string, ttlMillis: number) => [key, value, order, ttlMillis],
  {
    numberOfKeys: 1,
    lua: `
local held = redis.call('GET', KEYS[1])
if held then
  local ok, rate = pcall(cjson.decode, held)
  if ok and type(rate) == 'table' and type(rate.fetched_at) == 'string' and type(rate.rate_id) == 'string'
    and rate.fetched_at .. rate.rate_id > ARGV[2] then
    return 0
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1`
  }
)

/** How long Redis keeps a rate where CACHE_TTL does not say so: until a poll that failed has been made good by the next. */
const lifetimeFor = (interval: Option.Option<Duration.Duration>) =>
  Option.match(interval, {
    onNone: () => Duration.seconds(120),
    onSome: (interval) => Duration.times(interval, 2)
  })

const makeRedis = Effect.gen(function* () {
  const { cacheTtl } = yield* Settings
  const cadence = yield* PollCadence
  const { use } = yield* Redis
  const redis = yield* EffectRedis.Redis
  const memory = makeMemory()

  const failed = (error: EffectRedis.RedisError) => Effect.logDebug("Redis failed", error.cause)

  const get = Effect.fn("RateCache.get")(function* (pair: CurrencyPair) {
    const answer = yield* use((client) => client.get(keyOf(pair))).pipe(
      Effect.tapError(failed),
      Effect.option
    )
    if (Option.isNone(answer)) {
      yield* Effect.logWarning(`Redis did not answer for ${pair.key}`)
      return Option.none()
    }
    const text = answer.value
    if (text === null) return yield* missed(pair, "has no rate")
    const cached = yield* Effect.option(RateJson.decode(text))
    if (Option.isNone(cached)) return yield* missed(pair, "holds something that is no rate")
    if (cached.value.pair.key !== pair.key) return yield* missed(pair, "holds another pair's rate")
    return cached
  })

  const missed = Effect.fnUntraced(function* (pair: CurrencyPair, what: string) {
    yield* Metric.update(Metrics.redisMisses, 1)
    yield* Effect.logWarning(`Redis ${what} for ${pair.key}`)
    return Option.none<Rate>()
  })

  const put = Effect.fn("RateCache.put")(function* (rate: Rate) {
    memory.remember(rate)
    const lifetime = Option.getOrElse(cacheTtl, () => lifetimeFor(cadence.interval()))
    const ttl = Duration.subtract(lifetime, ageAt(rate, yield* DateTime.now))
    if (!Duration.isPositive(ttl)) return
    yield* redis
      .eval(setUnlessNewer)(
        keyOf(rate.pair),
        RateJson.encode(rate),
        RateJson.orderOf(rate),
        Math.ceil(Duration.toMillis(ttl))
      )
      .pipe(Effect.tapError(failed), Effect.ignore)
  })

  const health = use((client) => client.ping()).pipe(
    Effect.match({ onSuccess: () => "ok" as const, onFailure: () => "down" as const })
  )

  return RateCache.of({ ...memory, get, put, health })
})
