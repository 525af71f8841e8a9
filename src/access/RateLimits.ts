import { Context, Duration, Effect, Layer, Option, Result } from "effect"
import { RateLimiter } from "effect/persistence"
import type * as EffectRedis from "effect/persistence/Redis"
import { Settings } from "../config/Settings.ts"
import {
  type RateLimit,
  RateLimitExceeded,
  type RateLimitKind,
  type RateLimitStatus
} from "../domain/access/RateLimit.ts"
import * as HttpMetrics from "../platform/metrics/HttpMetrics.ts"
import * as MemoryRateLimiter from "./MemoryRateLimiter.ts"
import * as RedisRateLimiter from "./RedisRateLimiter.ts"

/** Time that a write waits for Redis before this node counts it in memory. */
const REDIS_TIMEOUT = Duration.millis(75)
/** Limit of requests with an invalid API key per address, because each may cost a database query. */
export const INVALID_KEY_RATE_LIMIT: RateLimit = { limit: 600, window: Duration.minutes(1) }

const make = Effect.fnUntraced(function* (redis?: RedisRateLimiter.Consume) {
  const { readQuota, writeQuota } = yield* Settings
  const context = yield* Effect.context<never>()
  const memory = {
    reads: inMemory("reads", readQuota, context),
    writes: inMemory("writes", writeQuota, context),
    keys: inMemory("keys", Option.some(INVALID_KEY_RATE_LIMIT), context)
  }
  const limiters: Record<RateLimitKind, Consume> = {
    reads: toEffect(memory.reads),
    writes:
      redis === undefined || Option.isNone(writeQuota)
        ? toEffect(memory.writes)
        : inRedis("writes", writeQuota.value, redis, toEffect(memory.writes), context),
    keys: toEffect(memory.keys)
  }
  return RateLimits.of({
    consume: (kind, identity) => limiters[kind](identity),
    consumeSync: (kind, identity, now) => memory[kind](identity, now)
  })
})

/**
 * Limits the requests of each client, by its rate-limit identity: the id of an API key, or an address. Reads and invalid
 * keys are counted in memory, per node. Writes are counted across all nodes with `layerRedis`, and in memory while Redis
 * is unavailable.
 */
export class RateLimits extends Context.Service<
  RateLimits,
  {
    /** Counts a request. Returns none if the kind has no limit. */
    readonly consume: (
      kind: RateLimitKind,
      identity: string
    ) => Effect.Effect<Option.Option<RateLimitStatus>, RateLimitExceeded>
    /**
     * Counts a request synchronously, for the lookup fast path. `now` is in epoch milliseconds. Returns undefined if
     * the kind has no limit.
     */
    readonly consumeSync: (
      kind: Exclude<RateLimitKind, "writes">,
      identity: string,
      now: number
    ) => MemoryRateLimiter.Outcome | undefined
  }
>()("effex/access/RateLimits") {
  /** Counts everything in this process. */
  static readonly layerMemory = Layer.effect(RateLimits, make())

  /** Counts writes in Redis, in keys that start with `effex:limit:`. */
  static readonly layerRedisWithTimeout = (
    timeout: Duration.Duration
  ): Layer.Layer<RateLimits, never, Settings | EffectRedis.Redis> =>
    Layer.effect(RateLimits, Effect.flatMap(RedisRateLimiter.make(timeout), make)).pipe(
      Layer.provide(RateLimiter.layerStoreRedis({ prefix: "effex:limit:" }))
    )

  /** Counts writes in Redis, and in memory if Redis does not answer within 75 ms. */
  static readonly layerRedis = RateLimits.layerRedisWithTimeout(REDIS_TIMEOUT)
}

type ConsumeSync = (identity: string, now: number) => MemoryRateLimiter.Outcome | undefined
type Consume = (identity: string) => Effect.Effect<Option.Option<RateLimitStatus>, RateLimitExceeded>

const inMemory = (
  kind: RateLimitKind,
  policy: Option.Option<RateLimit>,
  context: Context.Context<never>
): ConsumeSync => {
  if (Option.isNone(policy)) return () => undefined
  const rejections = HttpMetrics.rateLimited.of({ limit: kind })
  const consume = MemoryRateLimiter.make(kind, policy.value)
  return (identity, now) => {
    const outcome = consume(identity, now)
    if (outcome instanceof RateLimitExceeded) rejections.updateUnsafe(1, context)
    return outcome
  }
}

const toEffect =
  (consume: ConsumeSync): Consume =>
  (identity) =>
    Effect.clockWith((clock) => {
      const outcome = consume(identity, clock.currentTimeMillisUnsafe())
      return outcome instanceof RateLimitExceeded
        ? Effect.fail(outcome)
        : Effect.succeed(Option.fromUndefinedOr(outcome))
    })

/** Counts requests in Redis, or with `fallback` if Redis does not count them. */
const inRedis = (
  kind: RateLimitKind,
  policy: RateLimit,
  consume: RedisRateLimiter.Consume,
  fallback: Consume,
  context: Context.Context<never>
): Consume => {
  const { limit, window } = policy
  const rejections = HttpMetrics.rateLimited.of({ limit: kind })
  return (identity) =>
    Effect.flatMap(
      consume({ algorithm: "token-bucket", key: `${kind}:${identity}`, limit, window }),
      (outcome) => {
        if (Option.isNone(outcome)) return fallback(identity)
        if (Result.isSuccess(outcome.value)) {
          const { remaining, resetAfter } = outcome.value.success
          return Effect.succeedSome({ kind, policy, remaining, resetAfter })
        }
        rejections.updateUnsafe(1, context)
        const { retryAfter } = outcome.value.failure
        return Effect.fail(new RateLimitExceeded({ kind, limit, window, retryAfter }))
      }
    )
}
