import { Duration, Effect, Layer } from "effect"
import { RateLimiter } from "effect/persistence"

/** How many callers are remembered, of one kind of limit, who have used some of what they may: in some 20 MB. */
const MOST = 100_000
/** How many of the ones that came first are looked at, whether they can be forgotten, when a new one comes. */
const LOOKED_AT = 2

interface Bucket {
  tokens: number
  refilledAt: number
}

type TokenBucket = RateLimiter.RateLimiterStore["Service"]["tokenBucket"]
type Options = Parameters<TokenBucket>[0]

/**
 * Counts in this process, as Effect's own store does, and forgets whoever has all that they may again: that one keeps
 * everybody who ever came.
 */
export const layer = Layer.effect(
  RateLimiter.RateLimiterStore,
  Effect.map(RateLimiter.RateLimiterStore, (store) =>
    RateLimiter.RateLimiterStore.of({ ...store, tokenBucket: make() })
  )
).pipe(Layer.provide(RateLimiter.layerStoreMemory))

/** Exported for tests, which look at how many are remembered. */
export const make = (buckets = new Map<string, Bucket>(), most = MOST): TokenBucket => {
  const forget = (options: Options, now: number) => {
    let looked = 0
    for (const [key, bucket] of buckets) {
      if (looked++ === LOOKED_AT) return
      buckets.delete(key)
      refill(bucket, options, now)
      if (bucket.tokens < options.limit && buckets.size < most - 1) buckets.set(key, bucket)
    }
  }

  return (options) =>
    Effect.clockWith((clock) =>
      Effect.sync(() => {
        const now = clock.currentTimeMillisUnsafe()
        let bucket = buckets.get(options.key)
        if (bucket === undefined) {
          forget(options, now)
          bucket = { tokens: options.limit, refilledAt: now }
          buckets.set(options.key, bucket)
        } else refill(bucket, options, now)
        const left = bucket.tokens - options.tokens
        if (left >= 0 || options.allowOverflow) bucket.tokens = left
        return [left, now - bucket.refilledAt] as const
      })
    )
}

/** Puts in what has come since; of a full one the time begins with the next that is taken. */
const refill = (bucket: Bucket, { limit, refillRate }: Options, now: number) => {
  const every = Duration.toMillis(refillRate)
  const since = Math.max(0, now - bucket.refilledAt)
  const more = Math.floor(since / every)
  bucket.tokens = Math.min(limit, bucket.tokens + more)
  bucket.refilledAt = bucket.tokens === limit ? now : Math.min(now, bucket.refilledAt + more * every)
}
