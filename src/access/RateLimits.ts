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
import { RedisKeys } from "../platform/RedisKeys.ts"
import * as MemoryRateLimiter from "./MemoryRateLimiter.ts"
import * as RedisRateLimiter from "./RedisRateLimiter.ts"

/** Time that a write waits for Redis before this node counts it in memory. */
const REDIS_TIMEOUT = Duration.millis(75)
/** Limit of requests with an invalid API key per address, because each may cost a database query. */
export const INVALID_KEY_RATE_LIMIT: RateLimit = { limit: 600, window: Duration.minutes(1) }
/**
 * Limit of requests outside of the API per address, such as documentation, metrics, health checks and unknown paths. None
 * if `RATE_LIMIT_READS` is `off`. A limit of its own, so that a low limit of reads does not stop monitoring.
 */
export const PAGE_RATE_LIMIT: RateLimit = { limit: 600, window: Duration.minutes(1) }

/** Refreshes that all callers without a key may demand, and all callers with one, as a multiple of those of one caller. */
const ALL_REFRESHES_FACTOR = 3

const make = Effect.fnUntraced(function* (redis?: RedisRateLimiter.RedisRateLimiter) {
  const { readQuota, refreshQuota, writeQuota } = yield* Settings
  const context = yield* Effect.context<never>()
  const memory = {
    reads: inMemory("reads", readQuota, context),
    writes: inMemory("writes", writeQuota, context),
    keys: inMemory("keys", Option.some(INVALID_KEY_RATE_LIMIT), context),
    pages: inMemory("pages", Option.as(readQuota, PAGE_RATE_LIMIT), context),
    refreshes: inMemory("refreshes", refreshQuota, context),
    "all-refreshes": inMemory(
      "all-refreshes",
      Option.map(refreshQuota, ({ limit, window }) => ({ limit: limit * ALL_REFRESHES_FACTOR, window })),
      context
    )
  }
  const limiters: Record<RateLimitKind, Limiter> = {
    reads: toEffect(memory.reads),
    writes:
      redis === undefined || Option.isNone(writeQuota)
        ? toEffect(memory.writes)
        : inRedis("writes", writeQuota.value, redis, toEffect(memory.writes), context),
    keys: toEffect(memory.keys),
    pages: toEffect(memory.pages),
    refreshes: toEffect(memory.refreshes),
    "all-refreshes": toEffect(memory["all-refreshes"])
  }
  return RateLimits.of({
    consume: (kind, identity, cost = 1) => limiters[kind].consume(identity, cost),
    consumeBatch: (kind, identity, requests) => limiters[kind].consumeBatch(identity, requests),
    consumeSync: (kind, identity, now, cost) => memory[kind](identity, now, cost)
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
    /** Counts a request as `cost` requests, by default 1. Returns none if the kind has no limit. */
    readonly consume: (
      kind: RateLimitKind,
      identity: string,
      cost?: number
    ) => Effect.Effect<Option.Option<RateLimitStatus>, RateLimitExceeded>
    /** Counts several concurrent requests of a client. Returns the outcome of each. */
    readonly consumeBatch: (
      kind: RateLimitKind,
      identity: string,
      requests: number
    ) => Effect.Effect<ReadonlyArray<ConsumeResult>>
    /**
     * Like {@link consume}, synchronously for the lookup fast path. `now` is in epoch milliseconds. Returns undefined if
     * the kind has no limit.
     */
    readonly consumeSync: (
      kind: Exclude<RateLimitKind, "writes">,
      identity: string,
      now: number,
      cost?: number
    ) => MemoryRateLimiter.Outcome | undefined
  }
>()("effex/access/RateLimits") {
  /** Counts everything in this process. */
  static readonly layerMemory = Layer.effect(RateLimits, make())

  /** Counts writes in Redis, in keys of this deployment that start with `limit:`. */
  static readonly layerRedisWithTimeout = (
    timeout: Duration.Duration
  ): Layer.Layer<RateLimits, never, Settings | EffectRedis.Redis | RedisKeys> =>
    Layer.effect(RateLimits, Effect.flatMap(RedisRateLimiter.make(timeout), make)).pipe(
      Layer.provide(
        Layer.unwrap(
          Effect.map(RedisKeys, ({ own }) => RateLimiter.layerStoreRedis({ prefix: own("limit:") }))
        )
      )
    )

  /** Counts writes in Redis, and in memory if Redis does not answer within 75 ms. */
  static readonly layerRedis = RateLimits.layerRedisWithTimeout(REDIS_TIMEOUT)
}

type ConsumeSync = (identity: string, now: number, cost?: number) => MemoryRateLimiter.Outcome | undefined
type ConsumeResult = Result.Result<Option.Option<RateLimitStatus>, RateLimitExceeded>

interface Limiter {
  readonly consume: (
    identity: string,
    cost: number
  ) => Effect.Effect<Option.Option<RateLimitStatus>, RateLimitExceeded>
  readonly consumeBatch: (identity: string, requests: number) => Effect.Effect<ReadonlyArray<ConsumeResult>>
}

const inMemory = (
  kind: RateLimitKind,
  policy: Option.Option<RateLimit>,
  context: Context.Context<never>
): ConsumeSync => {
  if (Option.isNone(policy)) return () => undefined
  const rejections = HttpMetrics.rateLimited.of({ limit: kind })
  const consume = MemoryRateLimiter.make(kind, policy.value)
  return (identity, now, cost) => {
    const outcome = consume(identity, now, cost)
    if (outcome instanceof RateLimitExceeded) rejections.updateUnsafe(1, context)
    return outcome
  }
}

const toEffect = (consume: ConsumeSync): Limiter => {
  const consumeAt = (identity: string, now: number, cost?: number): ConsumeResult => {
    const outcome = consume(identity, now, cost)
    return outcome instanceof RateLimitExceeded
      ? Result.fail(outcome)
      : Result.succeed(Option.fromUndefinedOr(outcome))
  }
  return {
    consume: (identity, cost) =>
      Effect.clockWith((clock) =>
        Effect.fromResult(consumeAt(identity, clock.currentTimeMillisUnsafe(), cost))
      ),
    consumeBatch: (identity, requests) =>
      Effect.clockWith((clock) => {
        const now = clock.currentTimeMillisUnsafe()
        return Effect.succeed(Array.from({ length: requests }, () => consumeAt(identity, now)))
      })
  }
}

/** Counts requests in Redis, or with `fallback` if Redis does not count them. */
const inRedis = (
  kind: RateLimitKind,
  policy: RateLimit,
  redis: RedisRateLimiter.RedisRateLimiter,
  fallback: Limiter,
  context: Context.Context<never>
): Limiter => {
  const { limit, window } = policy
  const rejections = HttpMetrics.rateLimited.of({ limit: kind })
  const optionsOf = (identity: string) =>
    ({ algorithm: "token-bucket", key: `${kind}:${identity}`, limit, window }) as const
  /** Returns undefined if Redis did not count the request. */
  const toResult = (outcome: RedisRateLimiter.Outcome, cost: number): ConsumeResult | undefined => {
    if (Option.isNone(outcome)) return undefined
    if (Result.isSuccess(outcome.value)) {
      const { remaining, resetAfter } = outcome.value.success
      return Result.succeed(Option.some({ kind, policy, remaining, resetAfter }))
    }
    rejections.updateUnsafe(1, context)
    const { remaining, retryAfter } = outcome.value.failure
    return Result.fail(new RateLimitExceeded({ kind, limit, window, cost, remaining, retryAfter }))
  }
  return {
    consume: (identity, requestedCost) => {
      const cost = Math.min(requestedCost, limit)
      return Effect.flatMap(redis.consume({ ...optionsOf(identity), tokens: cost }), (outcome) => {
        const result = toResult(outcome, cost)
        return result === undefined ? fallback.consume(identity, cost) : Effect.fromResult(result)
      })
    },
    consumeBatch: Effect.fnUntraced(function* (identity, requests) {
      const results = (yield* redis.consumeBatch(optionsOf(identity), requests)).map((outcome) =>
        toResult(outcome, 1)
      )
      const counted = results.filter((result) => result !== undefined)
      if (counted.length === requests) return counted
      return [...counted, ...(yield* fallback.consumeBatch(identity, requests - counted.length))]
    })
  }
}
