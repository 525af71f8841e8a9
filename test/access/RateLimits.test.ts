import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { INVALID_KEY_RATE_LIMIT, RateLimits } from "../../src/access/RateLimits.ts"
import * as MemoryRateLimiter from "../../src/access/MemoryRateLimiter.ts"
import { type RateLimitKind, RateLimitExceeded } from "../../src/domain/access/RateLimit.ts"
import * as TestSettings from "../support/TestSettings.ts"

const limitsOf = (env: Readonly<Record<string, string>> = {}) =>
  RateLimits.layerMemory.pipe(Layer.provide(TestSettings.layer(env)))

/** Counts a request, and returns the number of remaining requests. */
const remaining = (kind: RateLimitKind, identity: string) =>
  Effect.flatMap(RateLimits, ({ consume }) =>
    Effect.map(
      consume(kind, identity),
      Option.map(({ remaining }) => remaining)
    )
  )

const rejected = (kind: RateLimitKind, identity: string) =>
  Effect.flatMap(RateLimits, ({ consume }) => Effect.flip(consume(kind, identity)))

describe("RateLimits", () => {
  it.effect("counts each client, and reads and writes, separately", () =>
    Effect.gen(function* () {
      for (const left of [1, 0]) {
        assert.deepStrictEqual(yield* remaining("reads", "key_1"), Option.some(left))
        assert.deepStrictEqual(yield* remaining("reads", "192.0.2.1"), Option.some(left))
      }
      const exceeded = yield* rejected("reads", "key_1")
      assert.deepInclude(exceeded, { kind: "reads", limit: 2, retryAfter: Duration.seconds(5) })
      assert.strictEqual(exceeded.message, "The limit is 2 reads in 10s; retry in 5 s")
      assert.deepStrictEqual(yield* remaining("writes", "key_1"), Option.some(0))
      assert.strictEqual((yield* rejected("writes", "key_1")).kind, "writes")
    }).pipe(Effect.provide(limitsOf({ RATE_LIMIT_READS: "2/10 seconds", RATE_LIMIT_WRITES: "1/hour" })))
  )

  it.effect("refills each kind at its own rate, regardless of other clients", () =>
    Effect.gen(function* () {
      yield* remaining("writes", "a")
      for (let i = 0; i < INVALID_KEY_RATE_LIMIT.limit; i++) yield* remaining("keys", "a")
      yield* TestClock.adjust("50 millis")
      for (let i = 0; i < 10; i++) yield* remaining("reads", `other ${i}`)
      assert.strictEqual((yield* rejected("writes", "a")).kind, "writes")
      assert.strictEqual((yield* rejected("keys", "a")).kind, "keys")
    }).pipe(Effect.provide(limitsOf({ RATE_LIMIT_READS: "1000/second", RATE_LIMIT_WRITES: "1/hour" })))
  )

  it.effect("refills over time, up to the limit", () =>
    Effect.gen(function* () {
      for (const left of [3, 2, 1, 0])
        assert.deepStrictEqual(yield* remaining("reads", "a"), Option.some(left))
      yield* rejected("reads", "a")
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual((yield* rejected("reads", "a")).retryAfter, Duration.millis(1))
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* remaining("reads", "a"), Option.some(0))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* remaining("reads", "a"), Option.some(3))
    }).pipe(Effect.provide(limitsOf({ RATE_LIMIT_READS: "4/4 seconds" })))
  )

  it.effect("returns the time until the limit has reset", () =>
    Effect.gen(function* () {
      const { consume } = yield* RateLimits
      const [first, second] = [yield* consume("reads", "a"), yield* consume("reads", "a")]
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

  it.effect("counts only invalid keys when the limits are off", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 10_000; i++) {
        assert.isTrue(Option.isNone(yield* remaining("reads", "a")))
        assert.isTrue(Option.isNone(yield* remaining("writes", "a")))
      }
      for (let i = 0; i < INVALID_KEY_RATE_LIMIT.limit; i++) yield* remaining("keys", "a")
      assert.strictEqual((yield* rejected("keys", "a")).kind, "keys")
    }).pipe(Effect.provide(limitsOf({ RATE_LIMIT_READS: "off", RATE_LIMIT_WRITES: "off" })))
  )
})

describe("MemoryRateLimiter", () => {
  const policy = { limit: 2, window: Duration.seconds(2) }

  const make = (buckets?: Parameters<typeof MemoryRateLimiter.make>[2], maxBuckets?: number) => {
    const consume = MemoryRateLimiter.make("reads", policy, buckets, maxBuckets)
    return (identity: string) => Effect.map(Clock.currentTimeMillis, (now) => consume(identity, now))
  }

  const remainingOf = (outcome: MemoryRateLimiter.Outcome) =>
    outcome instanceof RateLimitExceeded ? -1 : outcome.remaining

  it.effect("evicts full buckets, and no others", () =>
    Effect.gen(function* () {
      const buckets = new Map()
      const consume = make(buckets)
      for (let i = 0; i < 1000; i++) yield* consume(`early ${i}`)
      yield* consume("busy")
      yield* consume("busy")
      yield* TestClock.adjust("1 second")
      for (let i = 0; i < 1000; i++) yield* consume(`late ${i}`)
      assert.isFalse(Array.from(buckets.keys()).some((key) => key.startsWith("early")))
      assert.strictEqual(buckets.size, 1001)
      // One token was refilled since, so one more request is allowed.
      assert.strictEqual(remainingOf(yield* consume("busy")), 0)
      assert.strictEqual(remainingOf(yield* consume("busy")), -1)
    })
  )

  it.effect("keeps at most the maximum number of buckets", () =>
    Effect.gen(function* () {
      const buckets = new Map()
      const consume = make(buckets, 100)
      for (let i = 0; i < 10_000; i++) yield* consume(`client ${i}`)
      assert.strictEqual(buckets.size, 100)
      assert.isTrue(buckets.has("client 9999"))
    })
  )

  it.effect("continues after the clock was set back", () =>
    Effect.gen(function* () {
      const consume = make()
      yield* TestClock.setTime(10_000)
      yield* consume("a")
      yield* TestClock.setTime(0)
      // No refill time has passed.
      assert.deepStrictEqual(yield* consume("a"), {
        kind: "reads",
        policy,
        remaining: 0,
        resetAfter: Duration.seconds(2)
      })
      assert.strictEqual(remainingOf(yield* consume("a")), -1)
      yield* TestClock.setTime(1000)
      assert.strictEqual(remainingOf(yield* consume("a")), 0)
    })
  )
})
