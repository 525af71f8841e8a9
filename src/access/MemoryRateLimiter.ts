import { Duration } from "effect"
import {
  type RateLimit,
  RateLimitExceeded,
  type RateLimitKind,
  type RateLimitStatus
} from "../domain/access/RateLimit.ts"

/** Maximum number of token buckets per limiter, about 20 MB. The oldest is evicted first. */
const MAX_BUCKETS = 100_000
/** Number of the oldest buckets that each insertion checks for eviction. */
const EVICTION_CHECKS = 2

interface Bucket {
  tokens: number
  refilledAt: number
}

/** Outcome of counting one request. */
export type Outcome = RateLimitStatus | RateLimitExceeded

/**
 * Creates a token-bucket rate limiter in memory. It returns synchronously, because every lookup goes through it, and it
 * evicts full buckets; Effect's `RateLimiter.layerStoreMemory` does neither, but refills in the same way. `now` is in
 * epoch milliseconds. A request takes `cost` tokens, at most all of a full bucket. `buckets` and `maxBuckets` are
 * parameters for tests.
 */
export const make = (
  kind: RateLimitKind,
  policy: RateLimit,
  buckets = new Map<string, Bucket>(),
  maxBuckets = MAX_BUCKETS
): ((identity: string, now: number, cost?: number) => Outcome) => {
  const { limit, window } = policy
  const refillIntervalMillis = Duration.toMillis(Duration.divideUnsafe(window, limit))

  /** Adds the tokens that are due. The refill interval of a full bucket starts with the next request. */
  const refill = (bucket: Bucket, now: number) => {
    const elapsed = Math.max(0, now - bucket.refilledAt)
    const refilled = Math.floor(elapsed / refillIntervalMillis)
    bucket.tokens = Math.min(limit, bucket.tokens + refilled)
    bucket.refilledAt =
      bucket.tokens === limit ? now : Math.min(now, bucket.refilledAt + refilled * refillIntervalMillis)
  }

  // Continues where the previous check ended: a new iterator would first pass the slots of all deleted buckets.
  let oldest = buckets.entries()
  const takeOldest = () => {
    const { done, value } = oldest.next()
    if (done !== true) return value
    oldest = buckets.entries()
    return oldest.next().value
  }

  const evict = (now: number) => {
    for (let checked = 0; checked < EVICTION_CHECKS; checked++) {
      const entry = takeOldest()
      if (entry === undefined) return
      const [identity, bucket] = entry
      buckets.delete(identity)
      refill(bucket, now)
      if (bucket.tokens < limit && buckets.size < maxBuckets - 1) buckets.set(identity, bucket)
    }
  }

  const bucketOf = (identity: string, now: number) => {
    const existing = buckets.get(identity)
    if (existing !== undefined) {
      refill(existing, now)
      return existing
    }
    evict(now)
    const full = { tokens: limit, refilledAt: now }
    buckets.set(identity, full)
    return full
  }

  return (identity, now, requestedCost = 1) => {
    const cost = Math.min(requestedCost, limit)
    const bucket = bucketOf(identity, now)
    const timeToRefill = (tokens: number) =>
      Duration.millis(Math.max(0, tokens * refillIntervalMillis - (now - bucket.refilledAt)))
    const remaining = bucket.tokens
    if (remaining < cost) {
      const retryAfter = timeToRefill(cost - remaining)
      return new RateLimitExceeded({ kind, limit, window, cost, remaining, retryAfter })
    }
    bucket.tokens -= cost
    return { kind, policy, remaining: bucket.tokens, resetAfter: timeToRefill(limit - bucket.tokens) }
  }
}
