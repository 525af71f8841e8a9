import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import * as ApiKeyCache from "../../src/access/ApiKeyCache.ts"
import { type ApiKey, ApiKeyId } from "../../src/domain/access/ApiKey.ts"
import { StoreUnavailable } from "../../src/platform/postgres/Database.ts"

const key: ApiKey = {
  id: ApiKeyId.make("key_000000000001"),
  name: "shop",
  mode: "live",
  lastFour: "abcd",
  scopes: ["convert"],
  createdAt: DateTime.makeUnsafe(0),
  expiresAt: Option.none(),
  revokedAt: Option.none(),
  lastUsedAt: Option.none()
}
const revoked: ApiKey = { ...key, revokedAt: Option.some(DateTime.makeUnsafe(1)) }

const gone = Effect.fail(new StoreUnavailable({ cause: "gone" }))

interface Store {
  answer: Effect.Effect<Option.Option<ApiKey>, StoreUnavailable>
  asked: number
}

/** A memory over a store that answers as the test says, and counts how often it is asked. */
const make = Effect.gen(function* () {
  const store: Store = { answer: Effect.succeedSome(key), asked: 0 }
  const { find } = yield* ApiKeyCache.make(() =>
    Effect.suspend(() => {
      store.asked++
      return store.answer
    })
  )
  return { store, find }
})

describe("KeyMemory", () => {
  it.effect("does not ask again for 10 seconds, and then knows that a key was revoked", () =>
    Effect.gen(function* () {
      const { find, store } = yield* make
      assert.deepStrictEqual(yield* find("a"), Option.some(key))
      store.answer = Effect.succeedSome(revoked)
      yield* TestClock.adjust("9999 millis")
      assert.deepStrictEqual(yield* find("a"), Option.some(key))
      assert.strictEqual(store.asked, 1)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* find("a"), Option.some(revoked))
      assert.strictEqual(store.asked, 2)
    })
  )

  it.effect("does not ask again for what is no key either", () =>
    Effect.gen(function* () {
      const { find, store } = yield* make
      store.answer = Effect.succeedNone
      for (let times = 0; times < 100; times++) assert.deepStrictEqual(yield* find("a"), Option.none())
      assert.strictEqual(store.asked, 1)
    })
  )

  it.effect("asks once for all who show the same key at once, and for few keys at a time", () =>
    Effect.gen(function* () {
      const { find, store } = yield* make
      store.answer = Effect.never
      for (let times = 0; times < 10; times++) yield* Effect.forkChild(find("a"), { startImmediately: true })
      assert.strictEqual(store.asked, 1)
      for (let guess = 0; guess < 100; guess++)
        yield* Effect.forkChild(find(`guess ${guess}`), { startImmediately: true })
      assert.strictEqual(store.asked, 4)
      const late = yield* Effect.forkChild(Effect.flip(find("late")), { startImmediately: true })
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual((yield* Fiber.join(late))._tag, "StoreUnavailable")
    })
  )

  it.effect("checks a key that it knows however many guess", () =>
    Effect.gen(function* () {
      const { find, store } = yield* make
      yield* find("a")
      yield* TestClock.adjust("10 seconds")
      store.answer = Effect.never
      for (let guess = 0; guess < 100; guess++)
        yield* Effect.forkChild(find(`guess ${guess}`), { startImmediately: true })
      store.answer = Effect.succeedSome(revoked)
      assert.deepStrictEqual(yield* find("a"), Option.some(revoked))
    })
  )

  it.effect("goes on without the database for 15 minutes with keys that it knows", () =>
    Effect.gen(function* () {
      const { find, store } = yield* make
      yield* find("a")
      store.answer = gone
      for (let minute = 1; minute < 15; minute++) {
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* find("a"), Option.some(key))
      }
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Effect.flip(find("a")))._tag, "StoreUnavailable")
      assert.strictEqual((yield* Effect.flip(find("b")))._tag, "StoreUnavailable")
      store.answer = Effect.succeedSome(key)
      assert.deepStrictEqual(yield* find("a"), Option.some(key))
    })
  )

  it.effect("waits for a database that says nothing once, and then asks behind the request", () =>
    Effect.gen(function* () {
      const { find, store } = yield* make
      yield* find("a")
      store.answer = Effect.delay(gone, "3 seconds")
      yield* TestClock.adjust("10 seconds")
      const waiting = yield* Effect.forkChild(find("a"), { startImmediately: true })
      yield* TestClock.adjust("249 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Fiber.join(waiting), Option.some(key))
      yield* TestClock.adjust("3 seconds")
      for (let times = 0; times < 10; times++) assert.deepStrictEqual(yield* find("a"), Option.some(key))
      assert.strictEqual(store.asked, 2)
      store.answer = Effect.succeedSome(revoked)
      yield* TestClock.adjust("1 second")
      yield* find("a")
      assert.strictEqual(store.asked, 3)
      assert.deepStrictEqual(yield* find("a"), Option.some(revoked))
    })
  )

  it.effect("remembers ten thousand texts that are no keys, and all keys besides", () =>
    Effect.gen(function* () {
      const { find, store } = yield* make
      yield* find("a")
      store.answer = Effect.succeedNone
      for (let guess = 0; guess <= 10_000; guess++) yield* find(`guess ${guess}`)
      const asked = store.asked
      yield* find("a")
      yield* find("guess 1")
      assert.strictEqual(store.asked, asked)
      yield* find("guess 0")
      assert.strictEqual(store.asked, asked + 1)
    })
  )
})
