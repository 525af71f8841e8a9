import { assert, describe, it } from "@effect/vitest"
import { Clock, DateTime, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import * as ApiKeyCache from "../../src/access/ApiKeyCache.ts"
import { type AuthenticatedKey, ApiKeyId } from "../../src/domain/access/ApiKey.ts"
import { StoreUnavailable } from "../../src/platform/postgres/StoreUnavailable.ts"
import * as SkewedClock from "../support/SkewedClock.ts"

const key: AuthenticatedKey = {
  id: ApiKeyId.make("key_000000000001"),
  owner: [ApiKeyId.make("key_000000000001")],
  name: "shop",
  mode: "live",
  lastFour: "abcd",
  kind: "key",
  scopes: ["convert"],
  createdAt: DateTime.makeUnsafe(0),
  expiresAt: Option.none(),
  revokedAt: Option.none(),
  lastUsedAt: Option.none()
}
const revoked: AuthenticatedKey = { ...key, revokedAt: Option.some(DateTime.makeUnsafe(1)) }

const unavailable = Effect.fail(new StoreUnavailable({ cause: "connection lost" }))

interface Store {
  result: Effect.Effect<Option.Option<AuthenticatedKey>, StoreUnavailable>
  lookups: number
}

/** Creates a cache over a store whose result the test sets, and which counts its lookups. */
const make = Effect.gen(function* () {
  const store: Store = { result: Effect.succeedSome(key), lookups: 0 }
  const { find, peek } = yield* ApiKeyCache.make(() =>
    Effect.suspend(() => {
      store.lookups++
      return store.result
    })
  )
  return { store, find, peek }
})

describe("ApiKeyCache", () => {
  it.effect("caches a key for 10 seconds, and then detects that it was revoked", () =>
    Effect.gen(function* () {
      const { find, store } = yield* make
      assert.deepStrictEqual(yield* find("a"), Option.some(key))
      store.result = Effect.succeedSome(revoked)
      yield* TestClock.adjust("9999 millis")
      assert.deepStrictEqual(yield* find("a"), Option.some(key))
      assert.strictEqual(store.lookups, 1)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* find("a"), Option.some(revoked))
      assert.strictEqual(store.lookups, 2)
    })
  )

  it.effect("detects a revoked key within 10 seconds after the clock was set back", () =>
    Effect.gen(function* () {
      const { clock, setTimeOfDay } = yield* SkewedClock.make
      yield* Effect.gen(function* () {
        const { find, peek, store } = yield* make
        assert.deepStrictEqual(yield* find("a"), Option.some(key))
        yield* setTimeOfDay("1 hour", "behind")
        store.result = Effect.succeedSome(revoked)
        assert.deepStrictEqual(peek("a"), key)
        yield* TestClock.adjust("10 seconds")
        assert.isUndefined(peek("a"))
        assert.deepStrictEqual(yield* find("a"), Option.some(revoked))
      }).pipe(Effect.provideService(Clock.Clock, clock))
    })
  )

  it.effect("caches unknown keys too", () =>
    Effect.gen(function* () {
      const { find, store } = yield* make
      store.result = Effect.succeedNone
      for (let times = 0; times < 100; times++) assert.deepStrictEqual(yield* find("a"), Option.none())
      assert.strictEqual(store.lookups, 1)
    })
  )

  it.effect("coalesces concurrent lookups of the same key, and limits those of unknown keys", () =>
    Effect.gen(function* () {
      const { find, store } = yield* make
      store.result = Effect.never
      for (let times = 0; times < 10; times++) yield* Effect.forkChild(find("a"), { startImmediately: true })
      assert.strictEqual(store.lookups, 1)
      for (let guess = 0; guess < 100; guess++)
        yield* Effect.forkChild(find(`guess ${guess}`), { startImmediately: true })
      assert.strictEqual(store.lookups, 4)
      const late = yield* Effect.forkChild(Effect.flip(find("late")), { startImmediately: true })
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Fiber.join(late))._tag, "StoreUnavailable")
    })
  )

  it.effect("refreshes a known key during many lookups of unknown keys", () =>
    Effect.gen(function* () {
      const { find, store } = yield* make
      yield* find("a")
      yield* TestClock.adjust("10 seconds")
      store.result = Effect.never
      for (let guess = 0; guess < 100; guess++)
        yield* Effect.forkChild(find(`guess ${guess}`), { startImmediately: true })
      store.result = Effect.succeedSome(revoked)
      assert.deepStrictEqual(yield* find("a"), Option.some(revoked))
    })
  )

  it.effect("accepts known keys for 15 minutes while the database is unavailable", () =>
    Effect.gen(function* () {
      const { find, store } = yield* make
      yield* find("a")
      store.result = unavailable
      for (let minute = 1; minute < 15; minute++) {
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* find("a"), Option.some(key))
      }
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Effect.flip(find("a")))._tag, "StoreUnavailable")
      assert.strictEqual((yield* Effect.flip(find("b")))._tag, "StoreUnavailable")
      store.result = Effect.succeedSome(key)
      assert.deepStrictEqual(yield* find("a"), Option.some(key))
    })
  )

  it.effect("waits once for a database that does not respond, and then refreshes in the background", () =>
    Effect.gen(function* () {
      const { find, store } = yield* make
      yield* find("a")
      store.result = Effect.delay(unavailable, "3 seconds")
      yield* TestClock.adjust("10 seconds")
      const waiting = yield* Effect.forkChild(find("a"), { startImmediately: true })
      yield* TestClock.adjust("249 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Fiber.join(waiting), Option.some(key))
      yield* TestClock.adjust("3 seconds")
      for (let times = 0; times < 10; times++) assert.deepStrictEqual(yield* find("a"), Option.some(key))
      assert.strictEqual(store.lookups, 2)
      store.result = Effect.succeedSome(revoked)
      yield* TestClock.adjust("1 second")
      yield* find("a")
      assert.strictEqual(store.lookups, 3)
      assert.deepStrictEqual(yield* find("a"), Option.some(revoked))
    })
  )

  it.effect("caches ten thousand unknown keys, in addition to the known keys", () =>
    Effect.gen(function* () {
      const { find, store } = yield* make
      yield* find("a")
      store.result = Effect.succeedNone
      for (let guess = 0; guess <= 10_000; guess++) yield* find(`guess ${guess}`)
      const lookups = store.lookups
      yield* find("a")
      yield* find("guess 1")
      assert.strictEqual(store.lookups, lookups)
      yield* find("guess 0")
      assert.strictEqual(store.lookups, lookups + 1)
    })
  )
})
