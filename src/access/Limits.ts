import { Context, Duration, Effect, Layer, Metric, Option } from "effect"
import type * as EffectRedis from "effect/persistence/Redis"
import { Settings } from "../config/Settings.ts"
import { type Allowance, type Kind, type Quota, QuotaExceeded } from "../domain/Quota.ts"
import * as Metrics from "../platform/Metrics.ts"
import * as LimiterMemory from "./LimiterMemory.ts"
import * as LimiterRedis from "./LimiterRedis.ts"

/** How long a request waits for Redis to count it, before this node counts by itself. */
const PATIENCE = Duration.millis(75)
/** How many keys that a node does not know one address may show it: each is a question to the database. */
export const KEYS_QUOTA: Quota = { limit: 600, window: Duration.minutes(1) }

/** What is always counted in this process. */
type Near = Exclude<Kind, "writes">

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
    /** As `count` does, of what is counted in this process; `now` is the time in milliseconds since 1970. */
    readonly countNow: (kind: Near, caller: string, now: number) => LimiterMemory.Counted | undefined
  }
>()("effex/access/Limits") {
  /** This process alone. */
  static readonly layerMemory = Layer.effect(
    Limits,
    Effect.suspend(() => make())
  )

  /** Writes are counted in Redis, in keys that start with `effex:limit:`. */
  static readonly layerRedisWithin = (
    patience: Duration.Duration
  ): Layer.Layer<Limits, never, Settings | EffectRedis.Redis> =>
    Layer.effect(Limits, Effect.flatMap(LimiterRedis.make(patience), make))

  static readonly layerRedis = Layer.suspend(() => Limits.layerRedisWithin(PATIENCE))
}

/** Writes are counted with `shared`, and in this process where there is none, or while it does not count. */
const make = Effect.fnUntraced(function* (shared?: LimiterRedis.Count) {
  const { readQuota, writeQuota } = yield* Settings
  const context = yield* Effect.context<never>()
  const now = {
    reads: countingNow("reads", readQuota, context),
    writes: countingNow("writes", writeQuota, context),
    keys: countingNow("keys", Option.some(KEYS_QUOTA), context)
  }
  const near = atOnce(now.writes)
  const counts: Record<Kind, Counting> = {
    reads: atOnce(now.reads),
    writes: shared === undefined ? near : counting("writes", writeQuota, shared, near),
    keys: atOnce(now.keys)
  }
  return Limits.of({
    count: (kind, caller) => counts[kind](caller),
    countNow: (kind, caller, millis) => now[kind](caller, millis)
  })
})

type CountingNow = (caller: string, now: number) => LimiterMemory.Counted | undefined

const countingNow = (
  kind: Kind,
  quota: Option.Option<Quota>,
  context: Context.Context<never>
): CountingNow => {
  if (Option.isNone(quota)) return () => undefined
  const refused = Metrics.rateLimited.of({ limit: kind })
  const count = LimiterMemory.counter(kind, quota.value)
  return (caller, now) => {
    const counted = count(caller, now)
    if (counted instanceof QuotaExceeded) refused.updateUnsafe(1, context)
    return counted
  }
}

type Counting = (caller: string) => Effect.Effect<Option.Option<Allowance>, QuotaExceeded>

const atOnce = (count: CountingNow) => (caller: string) =>
  Effect.clockWith((clock): ReturnType<Counting> => {
    const counted = count(caller, clock.currentTimeMillisUnsafe())
    return counted instanceof QuotaExceeded
      ? Effect.fail(counted)
      : Effect.succeed(Option.fromUndefinedOr(counted))
  })

const counting = (
  kind: Kind,
  quota: Option.Option<Quota>,
  shared: LimiterRedis.Count,
  near: Counting
): Counting => {
  if (Option.isNone(quota)) return near
  const { limit, window } = quota.value
  const refused = Metrics.rateLimited.of({ limit: kind })
  return (caller) =>
    Effect.matchEffect(shared({ algorithm: "token-bucket", key: `${kind}:${caller}`, limit, window }), {
      onFailure: ({ retryAfter }) =>
        Effect.andThen(
          Metric.update(refused, 1),
          Effect.fail(new QuotaExceeded({ kind, limit, window, retryAfter }))
        ),
      onSuccess: Option.match({
        onNone: () => near(caller),
        onSome: ({ remaining, resetAfter }) =>
          Effect.succeedSome({ kind, quota: quota.value, remaining, resetAfter })
      })
    })
}
