import { Cause, Context, Duration, Effect, Exit, Layer, Metric, Option } from "effect"
import { CircuitBreaker, RateLimiter } from "effect/persistence"
import type * as EffectRedis from "effect/persistence/Redis"
import { Settings } from "../config/Settings.ts"
import { type Allowance, type Kind, type Quota, QuotaExceeded } from "../domain/Quota.ts"
import * as Metrics from "../platform/Metrics.ts"
import * as LimiterMemory from "./LimiterMemory.ts"

/**
 * How long a request waits for Redis to count it, before this node counts by itself. It is three times a third, so that a
 * process that was busy reads what has arrived in the meantime, and does not take its own delay for one of Redis.
 */
const PATIENCE = Duration.millis(75)
const WAITS = 3
/** How long Redis is not asked again that did not count. */
const AGAIN_AFTER = Duration.seconds(1)
/** How many keys that a node does not know one address may show it: each is a question to the database. */
export const KEYS_QUOTA: Quota = { limit: 600, window: Duration.minutes(1) }

/** How much a caller may ask for. */
export class Limits extends Context.Service<
  Limits,
  {
    /**
     * Counts a request of a caller, the id of an API key or an address, and says what is left to it; none where there is
     * no limit. Reads, and keys that may be guessed, are counted in this process, at once; writes with all nodes, or in
     * this process while Redis does not count.
     */
    readonly count: (kind: Kind, caller: string) => Effect.Effect<Option.Option<Allowance>, QuotaExceeded>
  }
>()("effex/access/Limits") {
  /** This process alone. */
  static readonly layerMemory = Layer.effect(
    Limits,
    Effect.suspend(() => Effect.flatMap(makeNear, make))
  )

  /** Writes are counted in Redis, in keys that start with `effex:limit:`. */
  static readonly layerRedisWithin = (
    patience: Duration.Duration
  ): Layer.Layer<Limits, never, Settings | EffectRedis.Redis> =>
    Layer.effect(
      Limits,
      Effect.flatMap(makeNear, (near) => Effect.flatMap(makeShared(near, patience), make))
    )

  static readonly layerRedis = Layer.suspend(() => Limits.layerRedisWithin(PATIENCE))
}

type Consume = RateLimiter.RateLimiter["consume"]

/** Counts of one kind: the memory fills up what it looks at as it is asked to fill up what is counted. */
const makeNear = RateLimiter.make.pipe(
  Effect.provide(LimiterMemory.layer),
  Effect.map(({ consume }): Consume => consume)
)

/** Counts in Redis, and where that fails with `near`, until Redis has had some time to come back. */
const makeShared = Effect.fnUntraced(function* (near: Consume, patience: Duration.Duration) {
  const store = yield* RateLimiter.makeStoreRedis({ prefix: "effex:limit:" })
  const { consume } = yield* Effect.provideService(RateLimiter.make, RateLimiter.RateLimiterStore, store)
  const breaker = yield* CircuitBreaker.make({
    tripPolicy: CircuitBreaker.consecutive(1),
    openDuration: AGAIN_AFTER
  }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))

  const shared: Consume = (options) =>
    consume(options).pipe(
      Effect.raceFirst(overdue(patience)),
      Effect.tapErrorTag("RateLimiterError", ({ reason }) =>
        reason._tag === "RateLimitStoreError" ? Metric.update(Metrics.redisFailures, 1) : Effect.void
      ),
      breaker.execute<RateLimiter.ConsumeResult, RateLimiter.RateLimiterError>({ key: "redis", classify }),
      Effect.catchReason("RateLimiterError", "RateLimitStoreError", () => near(options)),
      Effect.catchTag("CircuitBreakerError", () => near(options))
    )
  return shared
})

const overdue = (patience: Duration.Duration) =>
  Effect.sleep(Duration.divideUnsafe(patience, WAITS)).pipe(
    Effect.repeat({ times: WAITS - 1 }),
    Effect.andThen(
      Effect.fail(
        new RateLimiter.RateLimiterError({
          reason: new RateLimiter.RateLimitStoreError({
            message: `nothing within ${Duration.format(patience)}`
          })
        })
      )
    )
  )

/** Whoever is refused was counted. */
const classify = (exit: Exit.Exit<unknown, RateLimiter.RateLimiterError>): CircuitBreaker.Outcome =>
  Exit.match(exit, {
    onSuccess: () => CircuitBreaker.success,
    onFailure: (cause) => {
      const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
      if (failure === undefined) return CircuitBreaker.ignored
      return failure.reason._tag === "RateLimitExceeded" ? CircuitBreaker.success : CircuitBreaker.failure()
    }
  })

const make = Effect.fnUntraced(function* (writes: Consume) {
  const { readQuota, writeQuota } = yield* Settings
  const counts = {
    reads: counting("reads", readQuota, yield* makeNear),
    writes: counting("writes", writeQuota, writes),
    keys: counting("keys", Option.some(KEYS_QUOTA), yield* makeNear)
  }
  return Limits.of({ count: (kind, caller) => counts[kind](caller) })
})

const counting = (kind: Kind, quota: Option.Option<Quota>, consume: Consume) => {
  if (Option.isNone(quota)) return () => Effect.succeedNone
  const { limit, window } = quota.value
  const refused = Metrics.rateLimited.of({ limit: kind })
  return (caller: string): Effect.Effect<Option.Option<Allowance>, QuotaExceeded> =>
    consume({ algorithm: "token-bucket", key: `${kind}:${caller}`, limit, window }).pipe(
      Effect.map(({ remaining, resetAfter }) =>
        Option.some({ kind, quota: quota.value, remaining, resetAfter })
      ),
      Effect.catch(({ reason }) =>
        reason._tag === "RateLimitExceeded"
          ? Effect.andThen(
              Metric.update(refused, 1),
              Effect.fail(new QuotaExceeded({ kind, limit, window, retryAfter: reason.retryAfter }))
            )
          : // Counting is no reason to refuse.
            Effect.succeedNone
      )
    )
}
