import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { KEYS_QUOTA, RateLimits } from "../../src/access/RateLimits.ts"
import * as MemoryRateLimiter from "../../src/access/MemoryRateLimiter.ts"
import { type Kind, QuotaExceeded } from "../../src/domain/access/RateLimit.ts"
import * as TestSettings from "../support/TestSettings.ts"

const limitsOf = (env: Readonly<Record<string, string>> = {}) =>
  RateLimits.layerMemory.pipe(Layer.provide(TestSettings.layer(env)))

/** What is left after one more request. */
const remaining = (kind: Kind, caller: string) =>
  Effect.flatMap(RateLimits, ({ count }) =>
    Effect.map(
      count(kind, caller),
      Option.map(({ remaining }) => remaining)
    )
  )

const refused = (kind: Kind, caller: string) =>
  Effect.flatMap(RateLimits, ({ count }) => Effect.flip(count(kind, caller)))

describe("Limits", () => {
  it.effect("count each caller, and reads and writes, apart", () =>
    Effect.gen(function* () {
      for (const left of [1, 0]) {
        assert.deepStrictEqual(yield* remaining("reads", "key_1"), Option.some(left))
        assert.deepStrictEqual(yield* remaining("reads", "192.0.2.1"), Option.some(left))
      }
      const exceeded = yield* refused("reads", "key_1")
      assert.deepInclude(exceeded, { kind: "reads", limit: 2, retryAfter: Duration.seconds(5) })
      assert.strictEqual(exceeded.message, "The 2 reads in 10s are used up; the next one is free in 5 s")
      assert.deepStrictEqual(yield* remaining("writes", "key_1"), Option.some(0))
      assert.strictEqual((yield* refused("writes", "key_1")).kind, "writes")
    }).pipe(Effect.provide(limitsOf({ RATE_LIMIT_READS: "2/10 seconds", RATE_LIMIT_WRITES: "1/hour" })))
  )

  it.effect("give back at the pace of each, whoever else comes to ask for something else", () =>
    Effect.gen(function* () {
      yield* remaining("writes", "a")
      for (let i = 0; i < KEYS_QUOTA.limit; i++) yield* remaining("keys", "a")
      yield* TestClock.adjust("50 millis")
      for (let i = 0; i < 10; i++) yield* remaining("reads", `stranger ${i}`)
      assert.strictEqual((yield* refused("writes", "a")).kind, "writes")
      assert.strictEqual((yield* refused("keys", "a")).kind, "keys")
    }).pipe(Effect.provide(limitsOf({ RATE_LIMIT_READS: "1000/second", RATE_LIMIT_WRITES: "1/hour" })))
  )

  it.effect("give back as time goes by, and never more than there was", () =>
    Effect.gen(function* () {
      for (const left of [3, 2, 1, 0])
        assert.deepStrictEqual(yield* remaining("reads", "a"), Option.some(left))
      yield* refused("reads", "a")
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual((yield* refused("reads", "a")).retryAfter, Duration.millis(1))
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* remaining("reads", "a"), Option.some(0))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* remaining("reads", "a"), Option.some(3))
    }).pipe(Effect.provide(limitsOf({ RATE_LIMIT_READS: "4/4 seconds" })))
  )

  it.effect("say when everything is there again", () =>
    Effect.gen(function* () {
      const { count } = yield* RateLimits
      const [first, second] = [yield* count("reads", "a"), yield* count("reads", "a")]
      assert.deepStrictEqual(
        Option.map(first, ({ resetAfter }) => resetAfter),
        Option.some(Duration.millis(10))
      )
      assert.deepStrictEqual(
        Option.map(second, ({ resetAfter }) => resetAfter),
        Option.some(Duration.millis(20))
      )
    }).pipe(Effect.provide(limitsOf()))
  )

  it.effect("count nothing where they are off, but keys that may be guessed", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 10_000; i++) {
        assert.isTrue(Option.isNone(yield* remaining("reads", "a")))
        assert.isTrue(Option.isNone(yield* remaining("writes", "a")))
      }
      for (let i = 0; i < KEYS_QUOTA.limit; i++) yield* remaining("keys", "a")
      assert.strictEqual((yield* refused("keys", "a")).kind, "keys")
    }).pipe(Effect.provide(limitsOf({ RATE_LIMIT_READS: "off", RATE_LIMIT_WRITES: "off" })))
  )
})

describe("LimiterMemory", () => {
  const quota = { limit: 2, window: Duration.seconds(2) }

  const countWith = (buckets?: Parameters<typeof MemoryRateLimiter.counter>[2], most?: number) => {
    const count = MemoryRateLimiter.counter("reads", quota, buckets, most)
    return (caller: string) => Effect.map(Clock.currentTimeMillis, (now) => count(caller, now))
  }

  const left = (counted: MemoryRateLimiter.Counted) =>
    counted instanceof QuotaExceeded ? -1 : counted.remaining

  it.effect("forgets whoever has all that they may again, and nobody else", () =>
    Effect.gen(function* () {
      const buckets = new Map()
      const count = countWith(buckets)
      for (let i = 0; i < 1000; i++) yield* count(`early ${i}`)
      yield* count("busy")
      yield* count("busy")
      yield* TestClock.adjust("1 second")
      for (let i = 0; i < 1000; i++) yield* count(`late ${i}`)
      assert.isFalse(Array.from(buckets.keys()).some((key) => key.startsWith("early")))
      assert.strictEqual(buckets.size, 1001)
      // One has come back since, which is taken now, and there is no other.
      assert.strictEqual(left(yield* count("busy")), 0)
      assert.strictEqual(left(yield* count("busy")), -1)
    })
  )

  it.effect("never remembers more than it may, whoever comes", () =>
    Effect.gen(function* () {
      const buckets = new Map()
      const count = countWith(buckets, 100)
      for (let i = 0; i < 10_000; i++) yield* count(`stranger ${i}`)
      assert.strictEqual(buckets.size, 100)
      assert.isTrue(buckets.has("stranger 9999"))
    })
  )

  it.effect("goes on where the clock is set back", () =>
    Effect.gen(function* () {
      const count = countWith()
      yield* TestClock.setTime(10_000)
      yield* count("a")
      yield* TestClock.setTime(0)
      // Of the time until all is there again, nothing has passed.
      assert.deepStrictEqual(yield* count("a"), {
        kind: "reads",
        quota,
        remaining: 0,
        resetAfter: Duration.seconds(2)
      })
      assert.strictEqual(left(yield* count("a")), -1)
      yield* TestClock.setTime(1000)
      assert.strictEqual(left(yield* count("a")), 0)
    })
  )
})
