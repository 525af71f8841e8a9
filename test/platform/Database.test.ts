import { PgClient } from "@effect/sql-pg"
import { assert, describe, inject, it } from "@effect/vitest"
import { Cause, Deferred, Duration, Effect, Exit, Fiber, Layer, Option, Redacted, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import { readdirSync } from "node:fs"
import { Database } from "../../src/platform/Database.ts"
import * as TcpDoor from "../support/TcpDoor.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as TestSettings from "../support/TestSettings.ts"

const databaseAt = (url: string) =>
  Layer.fresh(Database.layer).pipe(Layer.provideMerge(TestSettings.layer({ DATABASE_URL: url })))

const throughDoor = (url: string, port: number) => {
  const { pathname } = new URL(url)
  return `postgres://effex@127.0.0.1:${port}${pathname}?sslmode=disable`
}

describe("Database", () => {
  it.live("is migrated once by three nodes that start at once on an empty database", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.create
      const nodes = yield* Effect.all(
        Array.from({ length: 3 }, () => Layer.build(databaseAt(url))),
        {
          concurrency: "unbounded"
        }
      )
      assert.strictEqual(nodes.length, 3)
      const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
      const applied = yield* sql<{ name: string }>`SELECT name FROM effex_migrations ORDER BY migration_id`
      const files = readdirSync(new URL("../../migrations", import.meta.url)).toSorted()
      assert.deepStrictEqual(
        applied.map(({ name }) => name),
        files.map((file) => file.replace(/^\d+_(.*)\.ts$/, "$1"))
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )

  it.live("lets go of a caller at the deadline when nothing answers, and works again when it does", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.create
      const door = yield* TcpDoor.open({ path: inject("postgres") })
      const { sql, within } = yield* Effect.provide(
        Database,
        yield* Layer.build(databaseAt(throughDoor(url, door.port)))
      )
      const ask = within(sql<{ one: number }>`SELECT 1 AS one`)
      assert.deepStrictEqual(yield* ask, [{ one: 1 }])

      door.blackhole()
      const asked = Effect.all(
        Array.from({ length: 50 }, () => Effect.flip(ask)),
        { concurrency: "unbounded" }
      )
      const [took, errors] = yield* Effect.timed(asked)
      for (const error of errors) assert.strictEqual(error._tag, "StoreUnavailable")
      assert.isBelow(Duration.toMillis(took), 5000)

      door.reset()
      assert.strictEqual((yield* Effect.flip(ask))._tag, "StoreUnavailable")

      door.heal()
      const healed = yield* ask.pipe(Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 100 }))
      assert.deepStrictEqual(healed, [{ one: 1 }])
      const many = yield* Effect.all(
        Array.from({ length: 100 }, () => ask),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(many.length, 100)
    }).pipe(Effect.scoped)
  )

  it.live("tells a statement that is refused from a database that does not answer", () =>
    Effect.gen(function* () {
      const { sql, within } = yield* Database
      for (const refused of [
        sql`SELECT * FROM no_such_table`,
        sql`SELECT 1 / 0`,
        sql`SELECT ${"\0"}::text`,
        sql`SELECT 'x'::timestamptz`
      ]) {
        const exit = yield* Effect.exit(within(refused))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }
    }).pipe(Effect.provide(TestDatabase.layer()), Effect.scoped)
  )

  it.live("recovers when the server ends its connections", () =>
    Effect.gen(function* () {
      const { sql, within } = yield* Database
      for (let i = 0; i < 5; i++) {
        yield* Effect.ignore(
          within(
            sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()`
          )
        )
        const rows = yield* within(sql<{ one: number }>`SELECT 1 AS one`).pipe(
          Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 20 })
        )
        assert.deepStrictEqual(rows, [{ one: 1 }])
      }
    }).pipe(Effect.provide(TestDatabase.layer()), Effect.scoped)
  )

  it.live("runs an exclusive effect in one process at a time, and frees it afterwards", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.create
      const one = yield* Effect.provide(Database, yield* Layer.build(databaseAt(url)))
      const other = yield* Effect.provide(Database, yield* Layer.build(databaseAt(url)))
      const during = yield* one.exclusively("work", other.exclusively("work", Effect.succeed("ran")))
      assert.deepStrictEqual(during, Option.some(Option.none()))
      assert.deepStrictEqual(yield* other.exclusively("work", Effect.succeed("ran")), Option.some("ran"))
      const failed = yield* Effect.flip(one.exclusively("work", Effect.fail("broke")))
      assert.strictEqual(failed, "broke")
      assert.deepStrictEqual(yield* other.exclusively("work", Effect.succeed("ran")), Option.some("ran"))
    }).pipe(Effect.scoped)
  )

  it.live("interrupts an exclusive effect whose lock is lost, and leaves connections as they were", () =>
    Effect.gen(function* () {
      const { exclusively, sql, within } = yield* Database
      const timeout = within(
        sql<{ timeout: string }>`SELECT current_setting('idle_session_timeout') AS timeout`
      )
      const usual = yield* timeout
      yield* exclusively("work", Effect.void)
      for (let i = 0; i < 20; i++) assert.deepStrictEqual(yield* timeout, usual)

      const interrupted = yield* Deferred.make<void>()
      const holding = yield* exclusively(
        "work",
        Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))
      ).pipe(Effect.flip, Effect.forkChild)
      const holder = within(sql<{ pid: number }>`
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND database =
          (SELECT oid FROM pg_database WHERE datname = current_database())`)
      const held = yield* Effect.repeat(holder, { until: (rows) => rows.length === 1 })
      // Longer than the server would wait for a heartbeat.
      yield* Effect.sleep("11 seconds")
      assert.deepStrictEqual(yield* holder, held)
      yield* within(sql`SELECT pg_terminate_backend(${held[0]?.pid ?? 0}::int)`)
      assert.strictEqual(
        (yield* Fiber.join(holding).pipe(Effect.timeout("5 seconds")))._tag,
        "StoreUnavailable"
      )
      yield* Deferred.await(interrupted)
      assert.deepStrictEqual(yield* exclusively("work", Effect.succeed("ran")), Option.some("ran"))
    }).pipe(Effect.provide(TestDatabase.layer()))
  )
})
