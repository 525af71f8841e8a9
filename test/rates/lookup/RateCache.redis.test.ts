import { assert, describe, it } from "@effect/vitest"
import { Context, DateTime, Duration, Effect, Layer, Metric, Option } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { type Rate, RateId } from "../../../src/domain/rates/Rate.ts"
import * as RedisMetrics from "../../../src/platform/metrics/RedisMetrics.ts"
import { Redis } from "../../../src/platform/Redis.ts"
import { RedisKeys } from "../../../src/platform/RedisKeys.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import * as TcpProxy from "../../support/TcpProxy.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import { pairOf, plain, tick } from "../../support/RateTicks.ts"

const layerOf = (env: Readonly<Record<string, string>>, database = "db1") =>
  RateCache.layerRedis.pipe(
    Layer.provideMerge(Layer.merge(Redis.layer, RedisKeys.layerOf(database))),
    Layer.provideMerge(TestSettings.layer({ ...TestRedis.env, ...env })),
    Layer.fresh
  )

const rateOf = Effect.fnUntraced(function* (
  from: string,
  to: string,
  value: string,
  number: number,
  at?: string
) {
  const { observedAt, pair, rate } = yield* tick(from, to, value, at)
  const id = RateId.make(`01980000-0000-7000-8000-${String(number).padStart(12, "0")}`)
  return { id, pair, rate, provider: "test", observedAt } satisfies Rate
})

const foreignValues = Effect.map(Metric.value(RedisMetrics.foreignValues), ({ count }) => count)
const misses = Effect.map(Metric.value(RedisMetrics.misses), ({ count }) => count)

describe.skipIf(!TestRedis.isAvailable)("RateCache.layerRedis", () => {
  it.live("stores a rate as JSON under fxrate:USD:NGN for CACHE_TTL", () =>
    Effect.gen(function* () {
      const rate = yield* rateOf("USD", "NGN", "1534.12345678", 1)
      yield* Effect.provide(put(rate), layerOf({ CACHE_TTL: "20 minutes" }))
      yield* Effect.gen(function* () {
        const cache = yield* RateCache
        const { client } = yield* Redis
        assert.deepStrictEqual(cache.peek(rate.pair), Option.none())
        assert.deepStrictEqual(plain(Option.getOrThrow(yield* cache.get(rate.pair))), plain(rate))
        const text = yield* Effect.promise(() => client.get("fxrate:USD:NGN"))
        assert.deepStrictEqual(JSON.parse(text ?? ""), {
          from: "USD",
          to: "NGN",
          rate: "1534.12345678",
          rate_id: rate.id,
          provider: "test",
          fetched_at: DateTime.formatIso(rate.observedAt),
          database: "db1"
        })
        const ttl = yield* Effect.promise(() => client.pttl("fxrate:USD:NGN"))
        assert.isAtMost(ttl, Duration.toMillis("20 minutes"))
        assert.isAbove(ttl, Duration.toMillis("19 minutes"))
      }).pipe(Effect.provide(layerOf({})))
    })
  )

  it.live("expires a rate after two poll intervals, or 120 seconds while polling is off", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      for (const [to, interval, expected] of [
        ["XOF", "7 minutes", "14 minutes"],
        ["XAF", "off", "120 seconds"]
      ] as const) {
        const rate = yield* rateOf("CAD", to, "450", 1)
        yield* Effect.provide(put(rate), layerOf({ POLL_INTERVAL: interval }))
        const ttl = yield* Effect.promise(() => client.pttl(`fxrate:CAD:${to}`))
        assert.isAtMost(ttl, Duration.toMillis(expected))
        assert.isAbove(ttl, Duration.toMillis(expected) - 60_000)
      }
    }).pipe(Effect.provide(layerOf({})))
  )

  it.live("returns none and counts a miss for a missing or foreign value", () =>
    Effect.gen(function* () {
      const cache = yield* RateCache
      const { client } = yield* Redis
      const pair = pairOf("USD", "KES")
      const before = yield* misses
      const foreign = ["nonsense", "{}", '{"rate":1}', JSON.stringify({ rate: "1e999999999" })]
      assert.deepStrictEqual(yield* cache.get(pair), Option.none())
      for (const text of foreign) {
        yield* Effect.promise(() => client.set("fxrate:USD:KES", text))
        assert.deepStrictEqual(yield* cache.get(pair), Option.none())
      }
      const otherPair = yield* rateOf("USD", "ZMW", "23", 7)
      yield* cache.put(otherPair)
      yield* Effect.promise(() => client.copy("fxrate:USD:ZMW", "fxrate:USD:KES", "REPLACE"))
      assert.deepStrictEqual(yield* cache.get(pair), Option.none())
      assert.strictEqual((yield* misses) - before, foreign.length + 2)
    }).pipe(Effect.provide(layerOf({})))
  )

  it.live("ignores and replaces a rate from the future, which a node with a wrong clock has cached", () =>
    Effect.gen(function* () {
      const cache = yield* RateCache
      const { client } = yield* Redis
      const present = yield* rateOf("GBP", "KES", "165", 1)
      yield* cache.put(present)
      const text = (yield* Effect.promise(() => client.get("fxrate:GBP:KES"))) ?? assert.fail()
      const ahead = DateTime.formatIso(DateTime.add(yield* DateTime.now, { minutes: 10 }))
      const future = JSON.stringify({ ...JSON.parse(text), rate: "170", fetched_at: ahead })
      yield* Effect.promise(() => client.set("fxrate:GBP:KES", future))
      assert.deepStrictEqual(yield* cache.get(present.pair), Option.none())

      // A rate from the future is not written either.
      yield* cache.put(yield* rateOf("GBP", "KES", "171", 2, ahead))
      assert.strictEqual(yield* Effect.promise(() => client.get("fxrate:GBP:KES")), future)
      yield* cache.put(present)
      assert.deepStrictEqual(plain(Option.getOrThrow(yield* cache.get(present.pair))), plain(present))
      assert.deepStrictEqual(Option.map(cache.peek(present.pair), plain), Option.some(plain(present)))
    }).pipe(Effect.provide(layerOf({})))
  )

  it.live("replaces a key of another type, and evicts nothing from it", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const cache = yield* RateCache
      const rate = yield* rateOf("GBP", "MAD", "12.5", 1)
      const key = "fxrate:GBP:MAD"
      for (const write of [
        () => client.lpush(key, "12.5"),
        () => client.hset(key, "rate", "12.5"),
        () => client.zadd(key, 12.5, "rate")
      ]) {
        yield* Effect.promise(() => client.del(key))
        yield* Effect.promise(write)
        const before = yield* misses
        assert.deepStrictEqual(yield* cache.get(rate.pair), Option.none())
        assert.strictEqual(yield* misses, before + 1)
        yield* cache.evict(rate.pair, rate.id)
        assert.strictEqual(yield* Effect.promise(() => client.exists(key)), 1)
        yield* cache.put(rate)
        assert.deepStrictEqual(plain(Option.getOrThrow(yield* cache.get(rate.pair))), plain(rate))
      }
    }).pipe(Effect.provide(layerOf({})))
  )

  it.live("ignores, reports and replaces the rates of another database and of older versions", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const cache = yield* RateCache
      const other = Context.get(yield* Layer.build(layerOf({}, "db2")), RateCache)
      const later = DateTime.formatIso(DateTime.add(yield* DateTime.now, { seconds: 0.5 }))
      const own = yield* rateOf("EUR", "ZMW", "25", 1)
      const foreign = yield* rateOf("EUR", "ZMW", "0.01", 2, later)
      const before = yield* foreignValues
      yield* cache.put(own)
      assert.strictEqual(yield* foreignValues, before)
      yield* other.put(foreign)
      assert.strictEqual(yield* foreignValues, before + 1)
      assert.deepStrictEqual(yield* cache.get(own.pair), Option.none())
      assert.strictEqual(Option.getOrThrow(yield* other.get(own.pair)).id, foreign.id)
      assert.strictEqual(yield* foreignValues, before + 2)
      for (const [database, node] of [
        ["db2", cache],
        ["db1", other]
      ] as const) {
        const { detail, status } = yield* node.health
        assert.strictEqual(status, "degraded")
        assert.include(
          detail,
          `Another deployment of effex (database ${database}) writes rates to the same Redis`
        )
      }
      // The foreign rate is later, and is replaced nevertheless.
      yield* cache.put(own)
      assert.strictEqual(Option.getOrThrow(yield* cache.get(own.pair)).id, own.id)
      const { database: _, ...withoutDatabase } = JSON.parse(
        (yield* Effect.promise(() => client.get("fxrate:EUR:ZMW"))) ?? ""
      )
      yield* Effect.promise(() => client.set("fxrate:EUR:ZMW", JSON.stringify(withoutDatabase)))
      assert.deepStrictEqual(yield* cache.get(own.pair), Option.none())
      assert.include(
        (yield* cache.health).detail,
        "An older version of effex, or another program, writes rates"
      )
      yield* cache.put(own)
    }).pipe(Effect.provide(layerOf({})), Effect.scoped)
  )

  it.live("puts REDIS_PREFIX before the names of all keys", () =>
    Effect.gen(function* () {
      const { client } = yield* Redis
      const cache = yield* RateCache
      const rate = yield* rateOf("GBP", "ZMW", "29", 1)
      yield* cache.put(rate)
      assert.deepStrictEqual(yield* cache.health, { status: "ok" })
      assert.strictEqual(Option.getOrThrow(yield* cache.get(rate.pair)).id, rate.id)
      assert.sameMembers(yield* Effect.promise(() => client.keys("staging:*")), [
        "staging:fxrate:GBP:ZMW",
        "staging:effex:db1:health"
      ])
      assert.strictEqual(yield* Effect.promise(() => client.exists("fxrate:GBP:ZMW")), 0)
    }).pipe(Effect.provide(layerOf({ REDIS_PREFIX: "staging:" })))
  )

  it.live("evicts a rate by its id from memory and from Redis", () =>
    Effect.gen(function* () {
      const cache = yield* RateCache
      const first = yield* rateOf("CAD", "ZMW", "17", 1)
      const second = yield* rateOf("CAD", "ZMW", "18", 2)
      yield* cache.put(second)
      yield* cache.evict(first.pair, first.id)
      assert.strictEqual(Option.getOrThrow(cache.peek(second.pair)).id, second.id)
      assert.strictEqual(Option.getOrThrow(yield* cache.get(second.pair)).id, second.id)
      yield* cache.evict(second.pair, second.id)
      assert.deepStrictEqual(cache.peek(second.pair), Option.none())
      assert.deepStrictEqual(yield* cache.get(second.pair), Option.none())
    }).pipe(Effect.provide(layerOf({})))
  )

  it.live("keeps the newer rate, regardless of the order of writes", () =>
    Effect.gen(function* () {
      const cache = yield* RateCache
      const now = yield* DateTime.now
      const earlier = DateTime.formatIso(DateTime.subtract(now, { seconds: 30 }))
      const newer = yield* rateOf("USD", "GHS", "12", 3, DateTime.formatIso(now))
      yield* cache.put(newer)
      yield* cache.put(yield* rateOf("USD", "GHS", "11", 4, earlier))
      assert.strictEqual(Option.getOrThrow(yield* cache.get(newer.pair)).id, newer.id)
      assert.strictEqual(Option.getOrThrow(cache.peek(newer.pair)).id, newer.id)
      const correction = yield* rateOf("USD", "GHS", "13", 5, DateTime.formatIso(now))
      yield* cache.put(correction)
      assert.strictEqual(Decimal.format(Option.getOrThrow(yield* cache.get(newer.pair)).rate), "13")
    }).pipe(Effect.provide(layerOf({})))
  )

  it.live("overwrites a foreign value, and does not store a rate older than CACHE_TTL", () =>
    Effect.gen(function* () {
      const cache = yield* RateCache
      const { client } = yield* Redis
      yield* Effect.promise(() => client.set("fxrate:USD:UGX", "[1,2"))
      const fresh = yield* rateOf("USD", "UGX", "3620", 8)
      yield* cache.put(fresh)
      assert.strictEqual(Option.getOrThrow(yield* cache.get(fresh.pair)).id, fresh.id)
      const old = yield* rateOf("USD", "ETB", "142", 9, "2026-01-01T00:00:00.000Z")
      yield* cache.put(old)
      assert.strictEqual(yield* Effect.promise(() => client.exists("fxrate:USD:ETB")), 0)
      assert.strictEqual(Option.getOrThrow(cache.peek(old.pair)).id, old.id)
    }).pipe(Effect.provide(layerOf({ CACHE_TTL: "1 minute" })))
  )

  it.live("works without a Redis that hangs or disconnects, and uses it after it has recovered", () =>
    Effect.gen(function* () {
      const { hostname, port } = new URL(TestRedis.env.REDIS_URL)
      const proxy = yield* TcpProxy.open({ host: hostname, port: Number(port) })
      yield* Effect.gen(function* () {
        const cache = yield* RateCache
        const rate = yield* rateOf("USD", "EGP", "48", 10)
        yield* cache.put(rate)
        assert.isTrue(Option.isSome(yield* cache.get(rate.pair)))
        assert.deepStrictEqual(yield* cache.health, { status: "ok" })

        proxy.blackhole()
        assert.deepStrictEqual(yield* cache.get(rate.pair), Option.none())
        assert.deepStrictEqual(yield* cache.health, { status: "down", detail: "Redis does not respond" })
        yield* cache.put(yield* rateOf("USD", "EGP", "49", 11))
        assert.strictEqual(Decimal.format(Option.getOrThrow(cache.peek(rate.pair)).rate), "49")

        proxy.reset()
        assert.deepStrictEqual(yield* cache.get(rate.pair), Option.none())

        proxy.heal()
        yield* cache.health.pipe(Effect.repeat({ until: ({ status }) => status === "ok" }))
        assert.isTrue(Option.isSome(yield* cache.get(rate.pair)))
      }).pipe(Effect.provide(layerOf({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` })))
    }).pipe(Effect.scoped)
  )
})

const put = (rate: Rate) => Effect.flatMap(RateCache, (cache) => cache.put(rate))
