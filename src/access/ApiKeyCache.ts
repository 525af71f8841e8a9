import { Clock, Duration, Effect, Fiber, Option, Semaphore } from "effect"
import type { AuthenticatedKey } from "../domain/access/ApiKey.ts"
import * as MonotonicClock from "../platform/MonotonicClock.ts"
import { DatabaseTimeout } from "../platform/postgres/DatabaseTimeout.ts"
import { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as SingleFlight from "../platform/SingleFlight.ts"

/** Age at which a cached key is looked up again. A revoked key is rejected within this time. */
const MAX_FRESH_AGE = Duration.seconds(10)
const MAX_FRESH_AGE_MILLIS = Duration.toMillis(MAX_FRESH_AGE)
/** Age up to which a cached key is accepted while the database is unavailable. */
const MAX_STALE_AGE = Duration.minutes(15)
/** Time that a request waits for the refresh of a cached key before it uses the stale one. */
export const REFRESH_TIMEOUT = Duration.millis(250)
/** Interval between lookups of a stale key after a lookup failed. */
const RETRY_INTERVAL = Duration.seconds(1)
/** Capacity of each of the two caches: known keys and unknown keys. The oldest entry is evicted first. */
const MAX_ENTRIES = 10_000
/** Maximum concurrent lookups of unknown keys, so that guessing cannot occupy all database connections. */
const UNKNOWN_KEY_CONCURRENCY = 4

interface Entry {
  readonly key: Option.Option<AuthenticatedKey>
  /** Monotonic time in milliseconds, as `failedAt`: a clock that is set back must not keep a revoked key valid. */
  readonly checkedAt: number
  /** Time of the last failed lookup since `checkedAt`. */
  readonly failedAt?: number
}

type Lookup = (hash: string) => Effect.Effect<Option.Option<AuthenticatedKey>, StoreUnavailable>

/**
 * Caches API keys by hash in front of `lookup`. A known key stays valid for {@link MAX_STALE_AGE} while the database is
 * unavailable, and requests do not wait for the database after its first failure.
 */
export const make = Effect.fnUntraced(function* (lookup: Lookup) {
  const clock = yield* Clock.Clock
  const timeout = yield* DatabaseTimeout
  const known = new Map<string, Entry>()
  const unknown = new Map<string, Entry>()
  const singleFlight = yield* SingleFlight.make<Option.Option<AuthenticatedKey>, StoreUnavailable>()
  const unknownKeyPermits = yield* Semaphore.make(UNKNOWN_KEY_CONCURRENCY)

  const put = (hash: string, entry: Entry) => {
    const [target, other] = Option.isSome(entry.key) ? [known, unknown] : [unknown, known]
    other.delete(hash)
    target.delete(hash)
    target.set(hash, entry)
    const [oldest] = target.keys()
    if (target.size > MAX_ENTRIES && oldest !== undefined) target.delete(oldest)
  }

  const refresh = Effect.fnUntraced(function* (hash: string) {
    const checkedAt = yield* MonotonicClock.millis
    // Known keys need no permit: guessing must not delay the detection of a revoked key.
    const key = yield* (known.has(hash) ? lookup(hash) : unknownKeyPermits.withPermit(lookup(hash))).pipe(
      // The database has its own deadline; this one also covers the wait for a permit.
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () => Effect.fail(new StoreUnavailable({ cause: "too many concurrent API key lookups" }))
      }),
      Effect.tapCause(() =>
        Effect.map(MonotonicClock.millis, (failedAt) => {
          const entry = known.get(hash)
          if (entry !== undefined) known.set(hash, { ...entry, failedAt })
        })
      )
    )
    put(hash, { key, checkedAt })
    return key
  })

  const find = Effect.fnUntraced(function* (hash: string) {
    const now = yield* MonotonicClock.millis
    const entry = known.get(hash) ?? unknown.get(hash)
    const age = now - (entry?.checkedAt ?? -Infinity)
    if (entry !== undefined && age < Duration.toMillis(MAX_FRESH_AGE)) return entry.key
    if (entry === undefined || Option.isNone(entry.key) || age >= Duration.toMillis(MAX_STALE_AGE))
      return yield* Effect.flatMap(singleFlight(hash, refresh(hash)), Fiber.join)
    if (entry.failedAt === undefined) {
      const refreshing = yield* singleFlight(hash, refresh(hash))
      return yield* Fiber.join(refreshing).pipe(
        Effect.timeout(REFRESH_TIMEOUT),
        Effect.catchCause(() => Effect.succeed(entry.key))
      )
    }
    if (now - entry.failedAt >= Duration.toMillis(RETRY_INTERVAL)) yield* singleFlight(hash, refresh(hash))
    return entry.key
  })

  /** Returns true if the last successful lookup found the key. */
  const isKnown = (hash: string) => known.has(hash)

  /** Returns a key synchronously if it is known and fresh. */
  const peek = (hash: string): AuthenticatedKey | undefined => {
    const entry = known.get(hash)
    return entry !== undefined && MonotonicClock.millisUnsafe(clock) - entry.checkedAt < MAX_FRESH_AGE_MILLIS
      ? Option.getOrUndefined(entry.key)
      : undefined
  }

  return { find, isKnown, peek }
})
