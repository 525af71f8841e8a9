import { Context, Duration, Effect, Exit, Layer, Option, Result } from "effect"
import type * as EffectRedis from "effect/persistence/Redis"
import { Settings } from "../config/Settings.ts"
import { type Allowance, type Kind, type RateLimit, QuotaExceeded } from "../domain/access/RateLimit.ts"
import * as Metrics from "../platform/telemetry/Metrics.ts"
import * as LocalGrants from "./LocalGrants.ts"
import * as MemoryRateLimiter from "./MemoryRateLimiter.ts"
import * as RedisRateLimiter from "./RedisRateLimiter.ts"

/** How long a request waits for Redis to count it, before this node counts by itself. */
const PATIENCE = Duration.millis(75)
/** How many keys that a node does not know one address may show it: each is a question to the database. */
export const KEYS_QUOTA: RateLimit = { limit: 600, window: Duration.minutes(1) }

/** What is always counted in this process. */
type Near = Exclude<Kind, "writes">

/** What is left to a caller after a request, where there is a limit. */
type Outcome = Result.Result<Option.Option<Allowance>, QuotaExceeded>

/** How much a caller may ask for. */
export class RateLimits extends Context.Service<
  RateLimits,
  {
    /**
     * Counts a request of a caller, the id of an API key or an address, and says what is left to it; none where there is
     * no limit. Reads, and keys that may be guessed, are counted in this process, at once; writes with all nodes, or in
     * this process while Redis does not count. A caller who has much left does not wait for Redis: a node gives out a
     * sixteenth of what that said is left, and may count as much less where it then fails.
     */
    readonly count: (kind: Kind, caller: string) => Effect.Effect<Option.Option<Allowance>, QuotaExceeded>
    /** As {@link count}, of so many requests at once: what came of each, in their order. */
    readonly countAll: (kind: Kind, caller: string, requests: number) => Effect.Effect<ReadonlyArray<Outcome>>
    /** As `count` does, of what is counted in this process; `now` is the time in milliseconds since 1970. */
    readonly countNow: (kind: Near, caller: string, now: number) => MemoryRateLimiter.Counted | undefined
  }
>()("effex/access/RateLimits") {
  /** This process alone. */
  static readonly layerMemory = Layer.effect(
    RateLimits,
    Effect.suspend(() => make())
  )

  /** Writes are counted in Redis, in keys that start with `effex:limit:`. */
  static readonly layerRedisWithin = (
    patience: Duration.Duration
  ): Layer.Layer<RateLimits, never, Settings | EffectRedis.Redis> =>
    Layer.effect(
      RateLimits,
      RedisRateLimiter.make(patience).pipe(Effect.flatMap(LocalGrants.make), Effect.flatMap(make))
    )

  static readonly layerRedis = Layer.suspend(() => RateLimits.layerRedisWithin(PATIENCE))
}

/** Writes are counted with `shared`, and in this process where there is none, or while it does not count. */
const make = Effect.fnUntraced(function* (shared?: RedisRateLimiter.Count) {
  const { readQuota, writeQuota } = yield* Settings
  const context = yield* Effect.context<never>()
  const now = {
    reads: countingNow("reads", readQuota, context),
    writes: countingNow("writes", writeQuota, context),
    keys: countingNow("keys", Option.some(KEYS_QUOTA), context)
  }
  const counts: Record<Kind, Counting> = {
    reads: atOnce(now.reads),
    writes:
      shared === undefined ? atOnce(now.writes) : counting("writes", writeQuota, shared, now.writes, context),
    keys: atOnce(now.keys)
  }
  return RateLimits.of({
    count: (kind, caller) =>
      Effect.flatMap(counts[kind](caller, 1), ([outcome]) =>
        outcome === undefined ? Effect.succeedNone : Effect.fromResult(outcome)
      ),
    countAll: (kind, caller, requests) => counts[kind](caller, requests),
    countNow: (kind, caller, millis) => now[kind](caller, millis)
  })
})

type CountingNow = (caller: string, now: number) => MemoryRateLimiter.Counted | undefined

const countingNow = (
  kind: Kind,
  quota: Option.Option<RateLimit>,
  context: Context.Context<never>
): CountingNow => {
  if (Option.isNone(quota)) return () => undefined
  const refused = Metrics.rateLimited.of({ limit: kind })
  const count = MemoryRateLimiter.counter(kind, quota.value)
  return (caller, now) => {
    const counted = count(caller, now)
    if (counted instanceof QuotaExceeded) refused.updateUnsafe(1, context)
    return counted
  }
}

type Counting = (caller: string, requests: number) => Effect.Effect<ReadonlyArray<Outcome>>

const outcomeNow = (count: CountingNow, caller: string, now: number): Outcome => {
  const counted = count(caller, now)
  return counted instanceof QuotaExceeded
    ? Result.fail(counted)
    : Result.succeed(Option.fromUndefinedOr(counted))
}

const atOnce =
  (count: CountingNow): Counting =>
  (caller, requests) =>
    Effect.clockWith((clock) => {
      const now = clock.currentTimeMillisUnsafe()
      return Effect.succeed(Array.from({ length: requests }, () => outcomeNow(count, caller, now)))
    })

/** Counts with all nodes, and in this process what is not counted there. */
const counting = (
  kind: Kind,
  quota: Option.Option<RateLimit>,
  shared: RedisRateLimiter.Count,
  near: CountingNow,
  context: Context.Context<never>
): Counting => {
  if (Option.isNone(quota)) return atOnce(near)
  const { limit, window } = quota.value
  const refused = Metrics.rateLimited.of({ limit: kind })
  const outcomeOf = (counted: RedisRateLimiter.Outcome, caller: string, now: number): Outcome => {
    const exceeded = Exit.findErrorOption(counted)
    if (Option.isSome(exceeded)) {
      refused.updateUnsafe(1, context)
      return Result.fail(new QuotaExceeded({ kind, limit, window, retryAfter: exceeded.value.retryAfter }))
    }
    if (Exit.isFailure(counted) || Option.isNone(counted.value)) return outcomeNow(near, caller, now)
    const { remaining, resetAfter } = counted.value.value
    return Result.succeed(Option.some({ kind, quota: quota.value, remaining, resetAfter }))
  }
  return (caller, requests) =>
    Effect.clockWith((clock) =>
      Effect.map(
        shared({ algorithm: "token-bucket", key: `${kind}:${caller}`, limit, window }, requests),
        (all) => {
          const now = clock.currentTimeMillisUnsafe()
          return all.map((counted) => outcomeOf(counted, caller, now))
        }
      )
    )
}
