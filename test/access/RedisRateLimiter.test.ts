import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Option, Result } from "effect"
import { RateLimiter } from "effect/persistence"
import { TestClock } from "effect/testing"
import * as RedisRateLimiter from "../../src/access/RedisRateLimiter.ts"

const POLICY = { algorithm: "token-bucket", limit: 10, window: "10 seconds" } as const
const TIMEOUT = Duration.millis(75)

const unused = () => Effect.die("only token buckets are used")

/** A limiter over a store without refill that records the tokens of each command and fails on demand. */
const make = Effect.gen(function* () {
  const state: { failure: "none" | "error" | "silence" } = { failure: "none" }
  const commands: Array<number> = []
  const buckets = new Map<string, number>()
  const tokenBucket = ({ key, limit, tokens }: { key: string; limit: number; tokens: number }) =>
    Effect.suspend(() => {
      commands.push(tokens)
      if (state.failure === "silence") return Effect.never
      if (state.failure === "error") {
        const reason = new RateLimiter.RateLimitStoreError({ message: "connection lost" })
        return Effect.fail(new RateLimiter.RateLimiterError({ reason }))
      }
      const remaining = (buckets.get(key) ?? limit) - tokens
      if (remaining >= 0) buckets.set(key, remaining)
      return Effect.succeed([remaining, 0] as const)
    })
  const store = RateLimiter.RateLimiterStore.of({
    tokenBucket,
    fixedWindow: unused,
    adaptiveConsume: unused,
    adaptiveFeedback: unused
  })
  const { consume } = yield* RedisRateLimiter.make(TIMEOUT).pipe(
    Effect.provideService(RateLimiter.RateLimiterStore, store)
  )
  return {
    state,
    commands,
    /** Counts concurrent requests of a client. */
    consume: (requests: number, key = "key_1") =>
      Effect.all(
        Array.from({ length: requests }, () => consume({ ...POLICY, key })),
        { concurrency: "unbounded" }
      )
  }
})

const UNCOUNTED = "uncounted"
const REJECTED = "rejected"

const remainingOf = (outcomes: ReadonlyArray<RedisRateLimiter.Outcome>) =>
  outcomes.map((outcome) =>
    Option.match(outcome, {
      onNone: () => UNCOUNTED,
      onSome: Result.match({ onFailure: () => REJECTED, onSuccess: ({ remaining }) => remaining })
    })
  )

describe("RedisRateLimiter", () => {
  it.effect("counts the concurrent requests of each client by one command", () =>
    Effect.gen(function* () {
      const { commands, consume } = yield* make
      const [first, second] = yield* Effect.all([consume(3), consume(2, "key_2")], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(remainingOf(first), [9, 8, 7])
      assert.deepStrictEqual(remainingOf(second), [9, 8])
      assert.deepStrictEqual(commands, [3, 2])
    })
  )

  it.effect("returns the status of each request of a batch", () =>
    Effect.gen(function* () {
      const { consume } = yield* make
      const outcomes = yield* consume(3)
      assert.deepStrictEqual(
        outcomes.map((outcome) =>
          Option.isSome(outcome) && Result.isSuccess(outcome.value)
            ? Duration.toMillis(outcome.value.success.resetAfter)
            : undefined
        ),
        [1000, 2000, 3000]
      )
    })
  )

  it.effect("allows exactly the remaining requests of a batch that exceeds the limit", () =>
    Effect.gen(function* () {
      const { commands, consume } = yield* make
      yield* consume(8)
      assert.deepStrictEqual(remainingOf(yield* consume(4)), [1, 0, REJECTED, REJECTED])
      assert.deepStrictEqual(commands, [8, 4, 1, 1, 1, 1])
    })
  )

  it.effect("rejects a whole batch once the first request is rejected", () =>
    Effect.gen(function* () {
      const { commands, consume } = yield* make
      yield* consume(10)
      assert.deepStrictEqual(
        remainingOf(yield* consume(10)),
        Array.from({ length: 10 }, () => REJECTED)
      )
      assert.deepStrictEqual(commands, [10, 10, 1])
    })
  )

  it.effect("counts nothing for a second after a failure, and then probes with one request", () =>
    Effect.gen(function* () {
      const { commands, consume, state } = yield* make
      state.failure = "error"
      assert.deepStrictEqual(remainingOf(yield* consume(2)), [UNCOUNTED, UNCOUNTED])
      state.failure = "none"
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual(remainingOf(yield* consume(2)), [UNCOUNTED, UNCOUNTED])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(remainingOf(yield* consume(2)), [9, UNCOUNTED])
      assert.deepStrictEqual(remainingOf(yield* consume(2)), [8, 7])
      assert.deepStrictEqual(commands, [2, 1, 2])
    })
  )

  it.effect("counts nothing after a timeout", () =>
    Effect.gen(function* () {
      const { commands, consume, state } = yield* make
      state.failure = "silence"
      const waiting = yield* Effect.forkChild(consume(2), { startImmediately: true })
      yield* TestClock.adjust("74 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(remainingOf(yield* Fiber.join(waiting)), [UNCOUNTED, UNCOUNTED])
      assert.deepStrictEqual(remainingOf(yield* consume(1)), [UNCOUNTED])
      assert.deepStrictEqual(commands, [2])
    })
  )
})
