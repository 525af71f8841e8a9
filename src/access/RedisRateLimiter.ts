import { Clock, Duration, Effect, Exit, Option, Result, type Scope } from "effect"
import { RateLimiter } from "effect/persistence"
import * as Batcher from "../platform/Batcher.ts"
import * as RedisMetrics from "../platform/metrics/RedisMetrics.ts"
import * as MonotonicClock from "../platform/MonotonicClock.ts"

type Options = Parameters<RateLimiter.RateLimiter["consume"]>[0]
type Status = Pick<RateLimiter.ConsumeResult, "remaining" | "resetAfter">
type BatchItem = Batcher.BatchItem<Options, Outcome, never>

/** Outcome of counting one request; none if Redis did not count it. */
export type Outcome = Option.Option<Result.Result<Status, RateLimiter.RateLimitExceeded>>

export interface RedisRateLimiter {
  /** Counts one request. */
  readonly consume: (options: Options) => Effect.Effect<Outcome>
  /** Counts several concurrent requests of a client. Returns the outcome of each. */
  readonly consumeBatch: (options: Options, requests: number) => Effect.Effect<ReadonlyArray<Outcome>>
}

/** Time without requests to Redis after a failure. Then one request probes it. */
const COOLDOWN = Duration.seconds(1)
const MAX_BATCH_SIZE = 1024
/** More than the event-loop turns within the timeout: a batch never waits for the response to an earlier one. */
const CONCURRENT_BATCHES = 1024

/**
 * Adds to Effect's Redis rate limiter: one command for the concurrent requests of a client, a timeout, and a cooldown after
 * a failure or a timeout. During the cooldown, requests are not counted and do not wait.
 */
export const make = Effect.fnUntraced(function* (
  timeout: Duration.Duration
): Effect.fn.Return<RedisRateLimiter, never, RateLimiter.RateLimiterStore | Scope.Scope> {
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const { consume } = yield* RateLimiter.make
  let isUnavailable = false
  let probeAt = 0

  const startCooldown = () => {
    RedisMetrics.failures.updateUnsafe(1, context)
    isUnavailable = true
    probeAt = MonotonicClock.millisUnsafe(clock) + Duration.toMillis(COOLDOWN)
  }

  const shouldTry = () => {
    if (!isUnavailable) return true
    const now = MonotonicClock.millisUnsafe(clock)
    if (now < probeAt) return false
    probeAt = now + Duration.toMillis(COOLDOWN)
    return true
  }

  const tryConsume = (options: Options): Effect.Effect<Outcome> =>
    Effect.suspend(() => {
      const startedAt = MonotonicClock.millisUnsafe(clock)
      const answered = (result: Result.Result<Status, RateLimiter.RateLimitExceeded>) => {
        if (MonotonicClock.millisUnsafe(clock) - startedAt < Duration.toMillis(timeout)) isUnavailable = false
        return Option.some(result)
      }
      return Effect.match(consume(options), {
        onSuccess: (status) => answered(Result.succeed(status)),
        onFailure: ({ reason }) => {
          if (reason._tag === "RateLimitExceeded") return answered(Result.fail(reason))
          startCooldown()
          return Option.none()
        }
      })
    })

  const consumeOne = ({ item, settle }: BatchItem) =>
    Effect.map(tryConsume(item), (outcome) => {
      settle(Exit.succeed(outcome))
      return outcome
    })

  /** Counts requests of a client one by one. If the first is rejected, so are the others, without another command. */
  const consumeEach = Effect.fnUntraced(function* ([first, ...others]: ReadonlyArray<BatchItem>) {
    if (first === undefined) return
    const outcome = yield* consumeOne(first)
    if (isAllowed(outcome))
      yield* Effect.forEach(others, consumeOne, { concurrency: "unbounded", discard: true })
    else for (const { settle } of others) settle(Exit.succeed(outcome))
  })

  /** Counts requests of a client that take equally many tokens with one command, or one by one if together they exceed the limit. */
  const consumeTogether = Effect.fnUntraced(function* (items: ReadonlyArray<BatchItem>, options: Options) {
    const outcome = yield* tryConsume({ ...options, tokens: items.length * tokensOf(options) })
    if (Option.isSome(outcome) && Result.isFailure(outcome.value)) return yield* consumeEach(items)
    items.forEach(({ settle }, i) => {
      const statusOf = (last: Status) =>
        statusBefore(last, (items.length - 1 - i) * tokensOf(options), options)
      settle(Exit.succeed(Option.map(outcome, Result.map(statusOf))))
    })
  })

  const batcher = yield* Batcher.make<Options, Outcome, never>({
    handle: (items) =>
      Effect.forEach(
        Map.groupBy(items, ({ item }) => `${tokensOf(item)}:${item.key}`).values(),
        (ofClient) => {
          const [first] = ofClient
          return first === undefined || ofClient.length === 1
            ? consumeEach(ofClient)
            : consumeTogether(ofClient, first.item)
        },
        { concurrency: "unbounded", discard: true }
      ),
    maxBatchSize: MAX_BATCH_SIZE,
    concurrency: CONCURRENT_BATCHES,
    timeout,
    onTimeout: () => {
      startCooldown()
      return Exit.succeed(Option.none())
    }
  })

  return {
    consume: (options) => Effect.suspend(() => (shouldTry() ? batcher.run(options) : Effect.succeedNone)),
    consumeBatch: (options, requests) =>
      Effect.suspend(() => {
        const items = Array.from({ length: requests }, () => options)
        return shouldTry()
          ? Effect.map(batcher.runAll(items), (exits) =>
              exits.map((exit) => (Exit.isSuccess(exit) ? exit.value : Option.none()))
            )
          : Effect.succeed(items.map(() => Option.none()))
      })
  }
})

const isAllowed = (outcome: Outcome) => Option.isSome(outcome) && Result.isSuccess(outcome.value)

const tokensOf = ({ tokens = 1 }: Options) => tokens

/** Status before the last `tokens` tokens were taken. */
const statusBefore = (last: Status, tokens: number, { limit, window }: Options): Status => ({
  remaining: last.remaining + tokens,
  resetAfter: Duration.millis(
    Math.max(0, Duration.toMillis(last.resetAfter) - (tokens * Duration.toMillis(window)) / limit)
  )
})
