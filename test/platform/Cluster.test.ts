import { assert, describe, inject, it } from "@effect/vitest"
import { Duration, Effect, Exit, Layer, Logger, Option, Queue, Scope } from "effect"
import * as Cluster from "../../src/platform/Cluster.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as TestSettings from "../support/TestSettings.ts"

/** Work that says when it begins, and when it is interrupted. */
const workOf = (name: string, events: Queue.Queue<string>) =>
  Cluster.singleton(
    "work",
    Queue.offer(events, `${name} begins`).pipe(
      Effect.andThen(Effect.never),
      Effect.onInterrupt(() => Queue.offer(events, `${name} ends`))
    )
  )

const nodeOf = (name: string, events: Queue.Queue<string>, url: string) =>
  workOf(name, events).pipe(Layer.provide(TestSettings.layer({ DATABASE_URL: url })), Layer.fresh)

const urlThrough = ({ port }: TcpProxy.TcpProxy, url: string) =>
  `postgres://effex@127.0.0.1:${port}${new URL(url).pathname}?sslmode=disable`

const next = (events: Queue.Queue<string>) => Queue.take(events).pipe(Effect.timeout("20 seconds"))

describe("Cluster.singleton", () => {
  it.live("runs on one node, stays there when another joins, and moves at once when that ends", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.createEmpty
      const events = yield* Queue.unbounded<string>()
      const one = yield* Scope.make()
      yield* Scope.provide(Layer.build(nodeOf("one", events, url)), one)
      assert.strictEqual(yield* next(events), "one begins")
      yield* Layer.build(nodeOf("two", events, url))
      yield* Effect.sleep("4 seconds")
      assert.deepStrictEqual(yield* Queue.poll(events), Option.none())

      const [took] = yield* Effect.timed(Scope.close(one, Exit.void))
      assert.isBelow(Duration.toMillis(took), 1000)
      assert.strictEqual(yield* next(events), "one ends")
      const [waited, moved] = yield* Effect.timed(next(events))
      assert.strictEqual(moved, "two begins")
      assert.isBelow(Duration.toMillis(waited), 3000)
    }).pipe(Effect.scoped)
  )

  it.live(
    "ends with the database, says so once, and begins again when that is back",
    () =>
      Effect.gen(function* () {
        const url = yield* TestDatabase.createEmpty
        const door = yield* TcpProxy.open({ path: inject("postgres") })
        const events = yield* Queue.unbounded<string>()
        const logged: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => {
          logged.push(`${logLevel} ${String(message)}`)
        })
        yield* Layer.build(nodeOf("one", events, urlThrough(door, url))).pipe(
          Effect.provide(Logger.layer([logger]))
        )
        assert.strictEqual(yield* next(events), "one begins")
        logged.length = 0
        door.blackhole()
        assert.strictEqual(yield* next(events), "one ends")
        yield* Effect.sleep("4 seconds")
        door.heal()
        assert.strictEqual(yield* next(events), "one begins")
        assert.deepStrictEqual(logged, ["Error Shard lock storage is unhealthy"])
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("waits for a database that is gone when the node begins", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.createEmpty
      const door = yield* TcpProxy.open({ path: inject("postgres") })
      const events = yield* Queue.unbounded<string>()
      door.reset()
      const node = nodeOf("one", events, urlThrough(door, url))
      const building = yield* Effect.forkScoped(Layer.build(node))
      yield* Effect.sleep("1500 millis")
      assert.isUndefined(building.pollUnsafe())
      door.heal()
      assert.strictEqual(yield* next(events), "one begins")
    }).pipe(Effect.scoped)
  )

  it.live("needs no cluster where this process has a database of its own", () =>
    Effect.gen(function* () {
      const events = yield* Queue.unbounded<string>()
      yield* Layer.build(Layer.provide(workOf("one", events), Layer.fresh(TestSettings.layer())))
      assert.strictEqual(yield* next(events), "one begins")
      const { sql, execute } = yield* Database
      assert.deepStrictEqual(
        yield* execute(sql`SELECT tablename FROM pg_tables WHERE tablename LIKE 'effex_cluster%'`),
        []
      )
    }).pipe(Effect.scoped, Effect.provide(TestDatabase.layer()))
  )
})
