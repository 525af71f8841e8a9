import { Duration } from "effect"
import { type Allowance, type Kind, type RateLimit, QuotaExceeded } from "../domain/access/RateLimit.ts"

/** How many callers are remembered, of one kind of limit, who have used some of what they may: in some 20 MB. */
const MOST = 100_000
/** How many of the ones that came first are looked at, whether they can be forgotten, when a new one comes. */
const LOOKED_AT = 2

interface Bucket {
  tokens: number
  refilledAt: number
}

/** What is left to a caller, or that it asked for too much. */
export type Counted = Allowance | QuotaExceeded

/**
 * Counts the requests of callers in this process, at once, as Effect's own store of token buckets does, and forgets
 * whoever has all that they may again: that one keeps everybody who ever came. `now` is the time in milliseconds since
 * 1970. Tests look at the buckets.
 */
export const counter = (
  kind: Kind,
  quota: RateLimit,
  buckets = new Map<string, Bucket>(),
  most = MOST
): ((caller: string, now: number) => Counted) => {
  const { limit, window } = quota
  /** In how many milliseconds there is one more. */
  const every = Duration.toMillis(Duration.divideUnsafe(window, limit))

  /** Puts in what has come since; of a full one the time begins with the next that is taken. */
  const refill = (bucket: Bucket, now: number) => {
    const since = Math.max(0, now - bucket.refilledAt)
    const more = Math.floor(since / every)
    bucket.tokens = Math.min(limit, bucket.tokens + more)
    bucket.refilledAt = bucket.tokens === limit ? now : Math.min(now, bucket.refilledAt + more * every)
  }

  const forget = (now: number) => {
    let looked = 0
    for (const [key, bucket] of buckets) {
      if (looked++ === LOOKED_AT) return
      buckets.delete(key)
      refill(bucket, now)
      if (bucket.tokens < limit && buckets.size < most - 1) buckets.set(key, bucket)
    }
  }

  const bucketOf = (caller: string, now: number) => {
    const known = buckets.get(caller)
    if (known !== undefined) {
      refill(known, now)
      return known
    }
    forget(now)
    const full = { tokens: limit, refilledAt: now }
    buckets.set(caller, full)
    return full
  }

  return (caller, now) => {
    const bucket = bucketOf(caller, now)
    /** How long it takes until there are so many more. */
    const after = (tokens: number) => Duration.millis(Math.max(0, tokens * every - (now - bucket.refilledAt)))
    if (bucket.tokens < 1) return new QuotaExceeded({ kind, limit, window, retryAfter: after(1) })
    bucket.tokens--
    return { kind, quota, remaining: bucket.tokens, resetAfter: after(limit - bucket.tokens) }
  }
}
