import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Redis } from "../../../src/platform/Redis.ts"
import { RedisKeys } from "../../../src/platform/RedisKeys.ts"
import { UnquotedPairs } from "../../../src/rates/lookup/UnquotedPairs.ts"
import { pairOf } from "../../support/RateTicks.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import * as TestSettings from "../../support/TestSettings.ts"

const pair = pairOf("KES", "GHS")

describe("UnquotedPairs.layerMemory", () => {
  it.effect("keeps a refusal for an hour, for one provider and one pair", () =>
    Effect.gen(function* () {
      const { isRefused, refuse } = yield* UnquotedPairs
      yield* refuse("flutterwave", pair)
      assert.isTrue(yield* isRefused("flutterwave", pair))
      assert.isFalse(yield* isRefused("fixer", pair))
      assert.isFalse(yield* isRefused("flutterwave", pairOf("GHS", "KES")))
      yield* TestClock.adjust("59 minutes")
      assert.isTrue(yield* isRefused("flutterwave", pair))
      yield* TestClock.adjust("1 minute")
      assert.isFalse(yield* isRefused("flutterwave", pair))
    }).pipe(Effect.provide(UnquotedPairs.layerMemory))
  )

  it.effect("evicts the oldest of more than 10,000 refusals", () =>
    Effect.gen(function* () {
      const { isRefused, refuse } = yield* UnquotedPairs
      yield* refuse("first", pair)
      yield* Effect.forEach(Array.from({ length: 9999 }), (_, n) => refuse(String(n), pair))
      assert.isTrue(yield* isRefused("first", pair))
      yield* refuse("one more", pair)
      assert.isFalse(yield* isRefused("first", pair))
      assert.isTrue(yield* isRefused("0", pair))
    }).pipe(Effect.provide(UnquotedPairs.layerMemory))
  )
})

describe.skipIf(!TestRedis.isAvailable)("UnquotedPairs.layerRedis", () => {
  const node = (env: Readonly<Record<string, string>>) =>
    UnquotedPairs.layerRedis.pipe(
      Layer.provide(Layer.merge(Redis.layer, RedisKeys.layerOf("unquoted"))),
      Layer.provide(TestSettings.layer(env)),
      Layer.fresh,
      Layer.build,
      Effect.map(Context.get(UnquotedPairs))
    )

  it.live("shares refusals between nodes, and expires them", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.database(11)
      const [a, b] = [yield* node(TestRedis.envOf(11)), yield* node(TestRedis.envOf(11))]
      yield* a.refuse("flutterwave", pair)
      assert.isTrue(yield* b.isRefused("flutterwave", pair))
      assert.isFalse(yield* b.isRefused("fixer", pair))
      const ttl = Number(yield* redis.call("PTTL", "effex:unquoted:unquoted:flutterwave:KES:GHS"))
      assert.isAtMost(ttl, 3_600_000)
      assert.isAbove(ttl, 3_590_000)
    })
  )

  it.live("keeps refusals in memory while Redis is unavailable", () =>
    Effect.gen(function* () {
      const { isRefused, refuse } = yield* node({ REDIS_URL: "redis://127.0.0.1:1" })
      assert.isFalse(yield* isRefused("flutterwave", pair))
      yield* refuse("flutterwave", pair)
      assert.isTrue(yield* isRefused("flutterwave", pair))
    })
  )
})
