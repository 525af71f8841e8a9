import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Layer, Option } from "effect"
import { RateLimits } from "../../src/access/RateLimits.ts"
import { Redis } from "../../src/platform/Redis.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import * as TestRedis from "../support/TestRedis.ts"
import * as TestSettings from "../support/TestSettings.ts"

const DATABASE = 14

/** Longer than a busy machine takes, for tests of what is counted in Redis. */
const PATIENT = RateLimits.layerRedisWithin(Duration.seconds(20))

/** A node that counts in a Redis. */
const start = (url: string, layer: typeof RateLimits.layerRedis = PATIENT) =>
  Effect.map(
    Layer.build(
      Layer.fresh(
        layer.pipe(
          Layer.provide(Redis.layer),
          Layer.provide(
            TestSettings.layer({ REDIS_URL: url, RATE_LIMIT_READS: "3/hour", RATE_LIMIT_WRITES: "10/hour" })
          )
        )
      )
    ),
    (context) => Effect.provideContext(RateLimits, context)
  ).pipe(Effect.flatten)

const remaining = ({ count }: RateLimits["Service"], caller: string) =>
  Effect.map(count("writes", caller), (allowance) => Option.getOrThrow(allowance).remaining)

/** Waits until a node counts in Redis again. */
const untilShared = Effect.fnUntraced(function* (
  node: RateLimits["Service"],
  call: (command: string, ...args: ReadonlyArray<string>) => Effect.Effect<unknown>
) {
  for (let i = 0; i < 200; i++) {
    yield* Effect.exit(node.count("writes", `probe ${i}`))
    if ((yield* call("EXISTS", `effex:limit:writes:probe ${i}`)) === 1) return
    yield* Effect.sleep("50 millis")
  }
  assert.fail("it does not count in Redis again")
})

describe.skipIf(!TestRedis.isAvailable)("Limits over Redis", () => {
  it.live("count the writes of a caller on all nodes together, and reads on each by itself", () =>
    Effect.gen(function* () {
      const { call, url } = yield* TestRedis.database(DATABASE)
      const [one, other] = [yield* start(url), yield* start(url)]
      for (const left of [9, 7, 5, 3, 1]) {
        assert.strictEqual(yield* remaining(one, "key_1"), left)
        assert.strictEqual(yield* remaining(other, "key_1"), left - 1)
      }
      for (const node of [one, other])
        assert.deepInclude(yield* Effect.flip(node.count("writes", "key_1")), { kind: "writes", limit: 10 })
      assert.strictEqual(yield* remaining(one, "key_2"), 9)
      for (const node of [one, other]) {
        for (let i = 0; i < 3; i++) yield* node.count("reads", "key_1")
        yield* Effect.flip(node.count("reads", "key_1"))
      }
      const keys = yield* call("KEYS", "*")
      assert.sameMembers(Array.isArray(keys) ? keys : [], [
        "effex:limit:writes:key_1",
        "effex:limit:writes:key_1:refill",
        "effex:limit:writes:key_2",
        "effex:limit:writes:key_2:refill"
      ])
      assert.isAbove(Number(yield* call("PTTL", "effex:limit:writes:key_2")), 0)
    }).pipe(Effect.scoped)
  )

  it.live("let a hundred at once have what is left, and no more", () =>
    Effect.gen(function* () {
      const { url } = yield* TestRedis.database(DATABASE)
      const nodes = [yield* start(url), yield* start(url)]
      const counted = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, i) => nodes[i % 2] ?? nodes[0]),
        (node) => Effect.exit(node?.count("writes", "key_1") ?? Effect.die("no node")),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(counted.filter(Exit.isSuccess).length, 10)
    }).pipe(Effect.scoped)
  )

  for (const failure of ["reset", "blackhole"] as const) {
    it.live(`count in the node while Redis fails by a ${failure}, and in Redis once it is well`, () =>
      Effect.gen(function* () {
        const { call, target, urlAt } = yield* TestRedis.database(DATABASE)
        const door = yield* TcpProxy.open(target)
        const node = yield* start(urlAt(door.port), RateLimits.layerRedis)
        yield* untilShared(node, call)

        door[failure]()
        const all = Array.from({ length: 12 }, () => Effect.exit(node.count("writes", "key_1")))
        const [waited, counted] = yield* Effect.timed(Effect.all(all, { concurrency: "unbounded" }))
        // Each of them waits for as long as the first: speed is not asserted, but that it is bounded.
        assert.isBelow(Duration.toMillis(waited), 5000)
        assert.strictEqual(counted.filter(Exit.isSuccess).length, 10)
        yield* Effect.flip(node.count("writes", "key_1"))

        door.heal()
        yield* call("FLUSHDB")
        yield* untilShared(node, call)
      }).pipe(Effect.scoped)
    )
  }

  it.live("go on after Redis has forgotten everything, scripts too", () =>
    Effect.gen(function* () {
      const { call, url } = yield* TestRedis.database(DATABASE)
      const node = yield* start(url)
      assert.strictEqual(yield* remaining(node, "key_1"), 9)
      yield* call("FLUSHDB")
      yield* call("SCRIPT", "FLUSH")
      assert.strictEqual(yield* remaining(node, "key_1"), 9)
      assert.strictEqual(yield* call("EXISTS", "effex:limit:writes:key_1"), 1)
    }).pipe(Effect.scoped)
  )
})
