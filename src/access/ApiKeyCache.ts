import { Clock, Duration, Effect, Fiber, Option, Semaphore } from "effect"
import type { ApiKey } from "../domain/access/ApiKey.ts"
import { DEADLINE, StoreUnavailable } from "../platform/postgres/Database.ts"
import * as SingleFlight from "../platform/SingleFlight.ts"

/** How long the database is not asked again about a key: the time in which a revoked one is refused. */
export const FRESH = Duration.seconds(10)
/** How long a key goes on working while the database does not answer. */
export const GRACE = Duration.minutes(15)
/** How long a request waits to have a key checked again that was known to be good. */
export const PATIENCE = Duration.millis(250)
/** How often the database is asked about a key while it does not answer. */
const AGAIN_AFTER = Duration.seconds(1)
/** How many keys are remembered, and how many texts that are none: of each, the ones that came last. */
const MOST = 10_000
/** How many questions about what may be no keys may be under way, so that whoever guesses cannot take all connections. */
const CONCURRENCY = 4

interface Answer {
  readonly key: Option.Option<ApiKey>
  readonly checkedAt: number
  /** When the database was asked in vain after that. */
  readonly failedAt?: number
}

type Lookup = (hash: string) => Effect.Effect<Option.Option<ApiKey>, StoreUnavailable>

/**
 * Finds keys by their hash, in memory while what it knows is fresh. A key that is known goes on working while the
 * database does not answer, and a request does not wait for it then.
 */
export const make = Effect.fnUntraced(function* (lookup: Lookup) {
  const known = new Map<string, Answer>()
  const unknown = new Map<string, Answer>()
  const flight = yield* SingleFlight.make<Option.Option<ApiKey>, StoreUnavailable>()
  const permits = yield* Semaphore.make(CONCURRENCY)

  const remember = (hash: string, answer: Answer) => {
    const [to, from] = Option.isSome(answer.key) ? [known, unknown] : [unknown, known]
    from.delete(hash)
    to.delete(hash)
    to.set(hash, answer)
    const [oldest] = to.keys()
    if (to.size > MOST && oldest !== undefined) to.delete(oldest)
  }

  const check = Effect.fnUntraced(function* (hash: string) {
    const checkedAt = yield* Clock.currentTimeMillis
    // Whoever guesses must not keep a key that was revoked from being checked again.
    const key = yield* (known.has(hash) ? lookup(hash) : permits.withPermit(lookup(hash))).pipe(
      // Those who wait for a permit are told as soon as those who wait for the database.
      Effect.timeoutOrElse({
        duration: DEADLINE,
        orElse: () => Effect.fail(new StoreUnavailable({ cause: "too many keys are being checked" }))
      }),
      Effect.tapCause(() =>
        Effect.map(Clock.currentTimeMillis, (failedAt) => {
          const answer = known.get(hash)
          if (answer !== undefined) known.set(hash, { ...answer, failedAt })
        })
      )
    )
    remember(hash, { key, checkedAt })
    return key
  })

  const find = Effect.fnUntraced(function* (hash: string) {
    const now = yield* Clock.currentTimeMillis
    const answer = known.get(hash) ?? unknown.get(hash)
    const age = now - (answer?.checkedAt ?? -Infinity)
    if (answer !== undefined && age < Duration.toMillis(FRESH)) return answer.key
    if (answer === undefined || Option.isNone(answer.key) || age >= Duration.toMillis(GRACE))
      return yield* Effect.flatMap(flight(hash, check(hash)), Fiber.join)
    if (answer.failedAt === undefined) {
      const checking = yield* flight(hash, check(hash))
      return yield* Fiber.join(checking).pipe(
        Effect.timeout(PATIENCE),
        Effect.catchCause(() => Effect.succeed(answer.key))
      )
    }
    if (now - answer.failedAt >= Duration.toMillis(AGAIN_AFTER)) yield* flight(hash, check(hash))
    return answer.key
  })

  /** Whether there was such a key when the database was last asked. */
  const isKnown = (hash: string) => known.has(hash)

  return { find, isKnown }
})
