import { Clock, Duration, Effect, Exit, Option, Result, type Scope } from "effect"
import { RateLimiter } from "effect/persistence"
import type * as EffectRedis from "effect/persistence/Redis"
import * as Metrics from "../platform/telemetry/Metrics.ts"
import * as Batcher from "../platform/Batcher.ts"

/** Whom to count, and how much is allowed. */
export type Options = Parameters<RateLimiter.RateLimiter["consume"]>[0]
/** What is left to a caller, and how long it takes until all of it is there again. */
export type Counted = Pick<RateLimiter.ConsumeResult, "remaining" | "resetAfter">
/** What came of counting a request: none where Redis does not count it. */
export type Outcome = Exit.Exit<Option.Option<Counted>, RateLimiter.RateLimitExceeded>
type Refused = RateLimiter.RateLimitExceeded
type Request = Batcher.Waiting<Options, Option.Option<Counted>, Refused>

/** Counts so many requests of a caller, and says what came of each, in their order. */
export type Count = (options: Options, requests: number) => Effect.Effect<ReadonlyArray<Outcome>>

/** How long Redis is not asked again that did not count, but by one request. */
const AGAIN_AFTER = Duration.seconds(1)
/** The most requests that are looked at in one go. */
const MOST = 1024

/**
 * Counts in Redis, in keys that start with `effex:limit:`. Where that fails or takes longer than `patience`, nothing is
 * counted until Redis has had some time to come back. What one caller asks for at about the same time is counted by one
 * command.
 */
export const make = Effect.fnUntraced(function* (
  patience: Duration.Duration
): Effect.fn.Return<Count, never, EffectRedis.Redis | Scope.Scope> {
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const store = yield* RateLimiter.makeStoreRedis({ prefix: "effex:limit:" })
  const { consume } = yield* Effect.provideService(RateLimiter.make, RateLimiter.RateLimiterStore, store)
  let fails = false
  let againAt = 0

  const fail = () => {
    Metrics.redisFailures.updateUnsafe(1, context)
    fails = true
    againAt = clock.currentTimeMillisUnsafe() + Duration.toMillis(AGAIN_AFTER)
  }

  /** Whether Redis is asked: it is well, or it is time to see whether it is. */
  const isAsked = () => {
    if (!fails) return true
    const now = clock.currentTimeMillisUnsafe()
    if (now < againAt) return false
    againAt = now + Duration.toMillis(AGAIN_AFTER)
    return true
  }

  const ask = (options: Options): Effect.Effect<Option.Option<Counted>, Refused> =>
    Effect.suspend(() => {
      const begun = clock.currentTimeMillisUnsafe()
      const answered = () => {
        if (clock.currentTimeMillisUnsafe() - begun < Duration.toMillis(patience)) fails = false
      }
      return Effect.matchEffect(consume(options), {
        onSuccess: (counted) => {
          answered()
          return Effect.succeedSome(counted)
        },
        onFailure: ({ reason }) => {
          if (reason._tag === "RateLimitExceeded") {
            answered()
            return Effect.fail(reason)
          }
          fail()
          return Effect.succeedNone
        }
      })
    })

  const countOne = ({ item, settle }: Request) =>
    Effect.map(Effect.exit(ask(item)), (asked) => {
      settle(asked)
      return asked
    })

  /** Not all of them may pass: where the first one may not either, none does, and Redis is asked no more. */
  const countEach = Effect.fnUntraced(function* ([first, ...others]: ReadonlyArray<Request>) {
    if (first === undefined) return
    const asked = yield* countOne(first)
    if (Exit.isSuccess(asked))
      yield* Effect.forEach(others, countOne, { concurrency: "unbounded", discard: true })
    else for (const { settle } of others) settle(asked)
  })

  const countAll = Effect.fnUntraced(function* (requests: ReadonlyArray<Request>, options: Options) {
    const asked = yield* Effect.result(ask({ ...options, tokens: requests.length }))
    if (Result.isFailure(asked)) return yield* countEach(requests)
    requests.forEach(({ settle }, i) => {
      const after = requests.length - 1 - i
      settle(Exit.succeed(Option.map(asked.success, (last) => leftBefore(after, last, options))))
    })
  })

  const together = yield* Batcher.make<Options, Option.Option<Counted>, Refused>(
    MOST,
    (requests) =>
      Effect.forEach(
        Map.groupBy(requests, ({ item }) => item.key).values(),
        (own) => {
          const [first] = own
          return first === undefined || own.length === 1 ? countEach(own) : countAll(own, first.item)
        },
        { concurrency: "unbounded", discard: true }
      ).pipe(Effect.forkChild, Effect.asVoid),
    {
      after: patience,
      late: () => {
        fail()
        return uncounted
      }
    }
  )
  return (options, requests) =>
    Effect.suspend(() =>
      isAsked()
        ? together.all(Array.from({ length: requests }, () => options))
        : Effect.succeed(Array.from({ length: requests }, () => uncounted))
    )
})

const uncounted = Exit.succeed(Option.none())

/** What was left before so many more were counted. */
const leftBefore = (more: number, counted: Counted, { limit, window }: Options): Counted => ({
  remaining: counted.remaining + more,
  resetAfter: Duration.millis(
    Math.max(0, Duration.toMillis(counted.resetAfter) - (more * Duration.toMillis(window)) / limit)
  )
})
