import { Context, Duration, Effect, Layer } from "effect"
import * as EffectRedis from "effect/persistence/Redis"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import { RedisKeys } from "../../platform/RedisKeys.ts"

/** Time after which a provider is asked again for a pair that it did not quote. */
const REFUSAL_TTL = Duration.hours(1)
/** Maximum number of pairs in the memory of a process. The oldest is evicted first. */
const MAX_PAIRS = 10_000

/** Pairs that providers answered not to quote. They are not asked for them again for an hour. */
export class UnquotedPairs extends Context.Service<
  UnquotedPairs,
  {
    /** Returns true if the provider answered within the last hour that it does not quote the pair. */
    readonly isRefused: (provider: string, pair: AssetPair) => Effect.Effect<boolean>
    /** Records that a provider does not quote a pair. Never fails. */
    readonly refuse: (provider: string, pair: AssetPair) => Effect.Effect<void>
  }
>()("effex/rates/lookup/UnquotedPairs") {
  /** Memory of this process. */
  static readonly layerMemory = Layer.sync(UnquotedPairs, () => {
    const memory = makeMemory()
    return UnquotedPairs.of({
      isRefused: (provider, pair) => memory.has(keyOf(provider, pair)),
      refuse: (provider, pair) => memory.add(keyOf(provider, pair), REFUSAL_TTL)
    })
  })

  /** Memory of this process in front of Redis, under keys such as `unquoted:flutterwave:KES:GHS`. */
  static readonly layerRedis = Layer.effect(
    UnquotedPairs,
    Effect.gen(function* () {
      const redis = yield* EffectRedis.Redis
      const keys = yield* RedisKeys
      const memory = makeMemory()
      const redisKeyOf = (key: string) => keys.own(`unquoted:${key}`)

      /** Milliseconds until the refusal of another process expires; negative if there is none. */
      const ttlOf = (key: string) =>
        Effect.orElseSucceed(redis.send<number>("PTTL", redisKeyOf(key)), () => -1)

      return UnquotedPairs.of({
        isRefused: Effect.fn("UnquotedPairs.isRefused")(function* (provider, pair) {
          const key = keyOf(provider, pair)
          if (yield* memory.has(key)) return true
          const ttl = yield* ttlOf(key)
          if (ttl > 0) yield* memory.add(key, Duration.millis(ttl))
          return ttl > 0
        }),
        refuse: Effect.fn("UnquotedPairs.refuse")(function* (provider, pair) {
          const key = keyOf(provider, pair)
          yield* memory.add(key, REFUSAL_TTL)
          const ttl = String(Duration.toMillis(REFUSAL_TTL))
          yield* Effect.ignore(redis.send("SET", redisKeyOf(key), "1", "PX", ttl))
        })
      })
    })
  )
}

const keyOf = (provider: string, pair: AssetPair) => `${provider}:${pair.key}`

const makeMemory = () => {
  /** Monotonic time of expiry in milliseconds, oldest first. */
  const expiries = new Map<string, number>()
  return {
    has: (key: string) =>
      Effect.map(MonotonicClock.millis, (now) => {
        const expiry = expiries.get(key)
        if (expiry !== undefined && expiry > now) return true
        expiries.delete(key)
        return false
      }),
    add: (key: string, ttl: Duration.Duration) =>
      Effect.map(MonotonicClock.millis, (now) => {
        expiries.delete(key)
        expiries.set(key, now + Duration.toMillis(ttl))
        const [oldest] = expiries.keys()
        if (expiries.size > MAX_PAIRS && oldest !== undefined) expiries.delete(oldest)
      })
  }
}
