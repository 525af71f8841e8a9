import { Context, Duration, Effect, Layer, Option, Result } from "effect"
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

/** Status after a counted request, or none if the kind has no limit. */
type Outcome = Result.Result<Option.Option<RateLimitStatus>, RateLimitExceeded>

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
     * Counts a request synchronously, for the lookup fast path. `now` is in milliseconds since 1970. Returns undefined if
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
  static readonly layerMemory = Layer.effect(
    RateLimits,
    Effect.suspend(() => make())
  )

  /** Counts writes in Redis, in keys that start with `effex:limit:`. */
  static readonly layerRedisWithTimeout = (
    timeout: Duration.Duration
  ): Layer.Layer<RateLimits, never, Settings | EffectRedis.Redis> =>
    Layer.effect(RateLimits, Effect.flatMap(RedisRateLimiter.make(timeout), make))

  /** Counts writes in Redis, and in memory if Redis does not answer within 75 ms. */
  static readonly layerRedis = RateLimits.layerRedisWithTimeout(REDIS_TIMEOUT)
}

const make = Effect.fnUntraced(function* (redis?: RedisRateLimiter.ConsumeBatch) {
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
        : coalesce(inRedis("writes", writeQuota.value, redis, memory.writes, context), context),
    keys: toEffect(memory.keys)
  }
  return RateLimits.of({
    consume: (kind, identity) => limiters[kind](identity),
    consumeSync: (kind, identity, now) => memory[kind](identity, now)
  })
})

type ConsumeSync = (identity: string, now: number) => MemoryRateLimiter.Outcome | undefined
type Consume = (identity: string) => Effect.Effect<Option.Option<RateLimitStatus>, RateLimitExceeded>
type ConsumeBatch = (identity: string, requests: number) => Effect.Effect<ReadonlyArray<Outcome>>

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

const toOutcome = (outcome: ReturnType<ConsumeSync>): Outcome =>
  outcome instanceof RateLimitExceeded
    ? Result.fail(outcome)
    : Result.succeed(Option.fromUndefinedOr(outcome))

const toEffect =
  (consume: ConsumeSync): Consume =>
  (identity) =>
    Effect.clockWith((clock) =>
      Effect.fromResult(toOutcome(consume(identity, clock.currentTimeMillisUnsafe())))
    )

/** Counts the requests of a client that arrive in the same turn of the event loop as one batch. */
const coalesce = (consumeBatch: ConsumeBatch, context: Context.Context<never>): Consume => {
  type Resume = (outcome: ReturnType<Consume>) => void
  let waiting = new Map<string, Array<Resume>>()

  const consumeAll = () => {
    const batches = waiting
    waiting = new Map()
    for (const [identity, resumes] of batches) {
      const batch = Effect.matchCause(consumeBatch(identity, resumes.length), {
        onSuccess: (outcomes) =>
          outcomes.forEach((outcome, i) => resumes[i]?.(Effect.fromResult(outcome))),
        onFailure: (cause) => resumes.forEach((resume) => resume(Effect.failCause(cause)))
      })
      Effect.runForkWith(context)(batch)
    }
  }

  return (identity) =>
    Effect.callback((resume) => {
      if (waiting.size === 0) setImmediate(consumeAll)
      const resumes = waiting.get(identity)
      if (resumes === undefined) waiting.set(identity, [resume])
      else resumes.push(resume)
    })
}

/** Counts in Redis, and in memory what Redis does not count. */
const inRedis = (
  kind: RateLimitKind,
  policy: RateLimit,
  consumeBatch: RedisRateLimiter.ConsumeBatch,
  fallback: ConsumeSync,
  context: Context.Context<never>
): ConsumeBatch => {
  const { limit, window } = policy
  const rejections = HttpMetrics.rateLimited.of({ limit: kind })
  const outcomeOf = (counted: RedisRateLimiter.Outcome, identity: string, now: number): Outcome => {
    if (Option.isNone(counted)) return toOutcome(fallback(identity, now))
    if (Result.isSuccess(counted.value)) {
      const { remaining, resetAfter } = counted.value.success
      return Result.succeed(Option.some({ kind, policy, remaining, resetAfter }))
    }
    rejections.updateUnsafe(1, context)
    const { retryAfter } = counted.value.failure
    return Result.fail(new RateLimitExceeded({ kind, limit, window, retryAfter }))
  }
  return (identity, requests) =>
    Effect.clockWith((clock) =>
      Effect.map(
        consumeBatch({ algorithm: "token-bucket", key: `${kind}:${identity}`, limit, window }, requests),
        (outcomes) => {
          const now = clock.currentTimeMillisUnsafe()
          return outcomes.map((counted) => outcomeOf(counted, identity, now))
        }
      )
    )
}
