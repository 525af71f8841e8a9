import { assert, describe, inject, it } from "@effect/vitest"
import { Duration, Effect, Exit, Layer, Logger, Option, Queue, Scope } from "effect"
import * as LeaderElection from "../../src/platform/LeaderElection.ts"
import { ClockSkew } from "../../src/platform/ClockSkew.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as TestSettings from "../support/TestSettings.ts"

/** A singleton that reports its start and its interruption. */
const singletonOf = (name: string, events: Queue.Queue<string>) =>
  LeaderElection.singleton(
    "work",
    Queue.offer(events, `${name} started`).pipe(
      Effect.andThen(Effect.never),
      Effect.onInterrupt(() => Queue.offer(events, `${name} stopped`))
    )
  )

const nodeOf = (name: string, events: Queue.Queue<string>, url: string) =>
  singletonOf(name, events).pipe(Layer.provide(TestSettings.layer({ DATABASE_URL: url })), Layer.fresh)

const urlThrough = ({ port }: TcpProxy.TcpProxy, url: string) =>
  `postgres://effex@127.0.0.1:${port}${new URL(url).pathname}?sslmode=disable`

const next = Queue.take<string, never>

// The tests wait for lock intervals and have separate databases: they run concurrently.
describe.concurrent("LeaderElection.singleton", () => {
  it.live("runs on one node, stays there when another joins, and moves when the node stops", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.createEmpty
      const events = yield* Queue.unbounded<string>()
      const one = yield* Scope.make()
      yield* Scope.provide(Layer.build(nodeOf("one", events, url)), one)
      assert.strictEqual(yield* next(events), "one started")
      yield* Layer.build(nodeOf("two", events, url))
      yield* Effect.sleep("4 seconds")
      assert.deepStrictEqual(yield* Queue.poll(events), Option.none())

      yield* Scope.close(one, Exit.void)
      assert.strictEqual(yield* next(events), "one stopped")
      assert.strictEqual(yield* next(events), "two started")
    }).pipe(Effect.scoped)
  )

  it.live("moves when the clock of its node is wrong", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.createEmpty
      const events = yield* Queue.unbounded<string>()
      let skewMillis = 0
      const nodeWithSkew = (name: string, millis: () => number) =>
        Layer.build(nodeOf(name, events, url)).pipe(
          Effect.provideService(ClockSkew, { millis, maxMillis: 1000 }),
          Effect.provideService(LeaderElection.LockRefreshInterval, Duration.seconds(1))
        )
      yield* nodeWithSkew("one", () => skewMillis)
      assert.strictEqual(yield* next(events), "one started")
      yield* nodeWithSkew("two", () => 0)
      skewMillis = -1001
      assert.strictEqual(yield* next(events), "one stopped")
      assert.strictEqual(yield* next(events), "two started")
    }).pipe(Effect.scoped)
  )

  it.live("stops when the database hangs, logs it once, and restarts when it recovers", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.createEmpty
      const proxy = yield* TcpProxy.open({ path: inject("postgres") })
      const events = yield* Queue.unbounded<string>()
      const logged: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => {
        logged.push(`${logLevel} ${String(message)}`)
      })
      yield* Layer.build(nodeOf("one", events, urlThrough(proxy, url))).pipe(
        Effect.provide(Logger.layer([logger])),
        Effect.provideService(LeaderElection.LockRefreshInterval, Duration.seconds(2))
      )
      assert.strictEqual(yield* next(events), "one started")
      logged.length = 0
      proxy.blackhole()
      assert.strictEqual(yield* next(events), "one stopped")
      yield* Effect.sleep("2500 millis")
      proxy.heal()
      assert.strictEqual(yield* next(events), "one started")
      assert.deepStrictEqual(logged, ["Error Shard lock storage is unhealthy"])
    }).pipe(Effect.scoped)
  )

  it.live("waits for a database that is unavailable at startup", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.createEmpty
      const proxy = yield* TcpProxy.open({ path: inject("postgres") })
      const events = yield* Queue.unbounded<string>()
      proxy.reset()
      const node = nodeOf("one", events, urlThrough(proxy, url))
      const building = yield* Effect.forkScoped(Layer.build(node))
      yield* Effect.sleep("1500 millis")
      assert.isUndefined(building.pollUnsafe())
      proxy.heal()
      assert.strictEqual(yield* next(events), "one started")
    }).pipe(Effect.scoped)
  )

  it.live("runs without a cluster on the embedded database", () =>
    Effect.gen(function* () {
      const events = yield* Queue.unbounded<string>()
      yield* Layer.build(Layer.provide(singletonOf("one", events), Layer.fresh(TestSettings.layer())))
      assert.strictEqual(yield* next(events), "one started")
      const { sql, execute } = yield* Database
      assert.deepStrictEqual(
        yield* execute(sql`SELECT tablename FROM pg_tables WHERE tablename LIKE 'effex_cluster%'`),
        []
      )
    }).pipe(Effect.scoped, Effect.provide(TestDatabase.layer()))
  )
})
