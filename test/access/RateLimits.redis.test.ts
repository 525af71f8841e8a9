import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Layer, Option } from "effect"
import { RateLimits } from "../../src/access/RateLimits.ts"
import { Redis } from "../../src/platform/Redis.ts"
import { RedisKeys } from "../../src/platform/RedisKeys.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import * as TestRedis from "../support/TestRedis.ts"
import * as TestSettings from "../support/TestSettings.ts"
import { eventuallyFrom } from "../support/Waiters.ts"

const DATABASE = 14

/** Longer than Redis takes on a busy machine, for tests that must count in Redis. */
const layerPatient = RateLimits.layerRedisWithTimeout(Duration.seconds(20))

/** Starts a node that counts in Redis. */
const start = (url: string, layer: typeof RateLimits.layerRedis = layerPatient) =>
  Effect.map(
    Layer.build(
      Layer.fresh(
        layer.pipe(
          Layer.provide([Redis.layer, RedisKeys.layerOf("db1")]),
          Layer.provide(
            TestSettings.layer({ REDIS_URL: url, RATE_LIMIT_READS: "3/hour", RATE_LIMIT_WRITES: "10/hour" })
          )
        )
      )
    ),
    (context) => Effect.provideContext(RateLimits, context)
  ).pipe(Effect.flatten)

const remaining = ({ consume }: RateLimits["Service"], identity: string) =>
  Effect.map(consume("writes", identity), (status) => Option.getOrThrow(status).remaining)

/** Waits until a node counts in Redis again. */
const untilShared = Effect.fnUntraced(function* (
  node: RateLimits["Service"],
  call: (command: string, ...args: ReadonlyArray<string>) => Effect.Effect<unknown>
) {
  let probes = 0
  const probe = Effect.gen(function* () {
    const identity = `probe ${probes++}`
    yield* Effect.exit(node.consume("writes", identity))
    return (yield* call("EXISTS", `effex:db1:limit:writes:${identity}`)) === 1 ? true : undefined
  })
  yield* eventuallyFrom("count in Redis", probe)
})

describe.skipIf(!TestRedis.isAvailable)("RateLimits over Redis", () => {
  it.live("counts the writes of a client across nodes, and reads per node", () =>
    Effect.gen(function* () {
      const { call, url } = yield* TestRedis.database(DATABASE)
      const [first, second] = [yield* start(url), yield* start(url)]
      for (const left of [9, 7, 5, 3, 1]) {
        assert.strictEqual(yield* remaining(first, "key_1"), left)
        assert.strictEqual(yield* remaining(second, "key_1"), left - 1)
      }
      for (const node of [first, second])
        assert.deepInclude(yield* Effect.flip(node.consume("writes", "key_1")), { kind: "writes", limit: 10 })
      assert.strictEqual(yield* remaining(first, "key_2"), 9)
      for (const node of [first, second]) {
        for (let i = 0; i < 3; i++) yield* node.consume("reads", "key_1")
        yield* Effect.flip(node.consume("reads", "key_1"))
      }
      const keys = yield* call("KEYS", "*")
      assert.sameMembers(Array.isArray(keys) ? keys : [], [
        "effex:db1:limit:writes:key_1",
        "effex:db1:limit:writes:key_1:refill",
        "effex:db1:limit:writes:key_2",
        "effex:db1:limit:writes:key_2:refill"
      ])
      assert.isAbove(Number(yield* call("PTTL", "effex:db1:limit:writes:key_2")), 0)
    }).pipe(Effect.scoped)
  )

  it.live("allows exactly the limit for a hundred concurrent requests on two nodes", () =>
    Effect.gen(function* () {
      const { url } = yield* TestRedis.database(DATABASE)
      const nodes = [yield* start(url), yield* start(url)]
      const outcomes = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, i) => nodes[i % 2] ?? nodes[0]),
        (node) => Effect.exit(node?.consume("writes", "key_1") ?? Effect.die("no node")),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(outcomes.filter(Exit.isSuccess).length, 10)
    }).pipe(Effect.scoped)
  )

  for (const failure of ["reset", "blackhole"] as const) {
    it.live(`counts in memory while Redis fails by a ${failure}, and in Redis after it recovers`, () =>
      Effect.gen(function* () {
        const { call, target, urlAt } = yield* TestRedis.database(DATABASE)
        const proxy = yield* TcpProxy.open(target)
        const node = yield* start(urlAt(proxy.port), RateLimits.layerRedis)
        yield* untilShared(node, call)

        proxy[failure]()
        const requests = Array.from({ length: 12 }, () => Effect.exit(node.consume("writes", "key_1")))
        const outcomes = yield* Effect.all(requests, { concurrency: "unbounded" })
        assert.strictEqual(outcomes.filter(Exit.isSuccess).length, 10)
        yield* Effect.flip(node.consume("writes", "key_1"))

        proxy.heal()
        yield* call("FLUSHDB")
        yield* untilShared(node, call)
      }).pipe(Effect.scoped)
    )
  }

  it.live("continues after Redis has lost all keys and scripts", () =>
    Effect.gen(function* () {
      const { call, url } = yield* TestRedis.database(DATABASE)
      const node = yield* start(url)
      assert.strictEqual(yield* remaining(node, "key_1"), 9)
      yield* call("FLUSHDB")
      yield* call("SCRIPT", "FLUSH")
      assert.strictEqual(yield* remaining(node, "key_1"), 9)
      assert.strictEqual(yield* call("EXISTS", "effex:db1:limit:writes:key_1"), 1)
    }).pipe(Effect.scoped)
  )
})
