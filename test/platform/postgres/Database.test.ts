import { PgClient } from "@effect/sql-pg"
import { assert, describe, inject, it } from "@effect/vitest"
import { Cause, Deferred, Duration, Effect, Exit, Fiber, Layer, Option, Redacted, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import { readdirSync } from "node:fs"
import * as AdvisoryLock from "../../../src/platform/postgres/AdvisoryLock.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { ensurePartitions } from "../../../src/platform/postgres/Partitions.ts"
import * as TcpProxy from "../../support/TcpProxy.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import * as TestSettings from "../../support/TestSettings.ts"

const databaseAt = (url: string) =>
  Layer.fresh(Database.layer).pipe(Layer.provideMerge(TestSettings.layer({ DATABASE_URL: url })))

const throughProxy = (url: string, port: number) => {
  const { pathname } = new URL(url)
  return `postgres://effex@127.0.0.1:${port}${pathname}?sslmode=disable`
}

// The tests wait for timeouts and have separate databases: they run concurrently.
describe.concurrent("Database", () => {
  it.live("migrates once when three nodes start concurrently on an empty database", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.createEmpty
      const nodes = yield* Effect.all(
        Array.from({ length: 3 }, () => Layer.build(databaseAt(url))),
        {
          concurrency: "unbounded"
        }
      )
      assert.strictEqual(nodes.length, 3)
      const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
      const applied = yield* sql<{ name: string }>`SELECT name FROM effex_migrations ORDER BY migration_id`
      const files = readdirSync(new URL("../../../migrations", import.meta.url)).toSorted()
      assert.deepStrictEqual(
        applied.map(({ name }) => name),
        files.map((file) => file.replace(/^\d+_(.*)\.ts$/, "$1"))
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )

  it.live("runs a transaction completely or not at all, for longer than the timeout of other calls", () =>
    Effect.gen(function* () {
      const { sql, transaction, execute } = yield* Effect.provide(
        Database,
        yield* Layer.build(databaseAt(yield* TestDatabase.create))
      )
      yield* execute(sql`CREATE TABLE kept (n int)`)
      const insert = (n: number) => sql`INSERT INTO kept VALUES (${n})`
      const failed = yield* Effect.flip(
        transaction(Effect.andThen(insert(1), Effect.fail("failed" as const)))
      )
      assert.strictEqual(failed, "failed")
      const invalid = yield* Effect.exit(transaction(Effect.andThen(insert(2), sql`SELECT nothing`)))
      assert.isTrue(Exit.isFailure(invalid) && Cause.hasDies(invalid.cause))
      const disconnect = sql`SELECT pg_terminate_backend(pg_backend_pid())`
      const lost = yield* Effect.flip(transaction(Effect.andThen(insert(3), disconnect)))
      assert.strictEqual(lost._tag, "StoreUnavailable")
      // Longer than the timeout of a call.
      yield* transaction(Effect.andThen(insert(4), sql`SELECT pg_sleep(3.5)`))
      assert.deepStrictEqual(yield* execute(sql<{ n: number }>`SELECT n FROM kept`), [{ n: 4 }])
    }).pipe(Effect.scoped)
  )

  it.live("hides no failure of a concurrent effect behind the rollback of a lost transaction", () =>
    Effect.gen(function* () {
      const { sql, transaction } = yield* Effect.provide(
        Database,
        yield* Layer.build(databaseAt(yield* TestDatabase.create))
      )
      const isLost = yield* Deferred.make<void>()
      const loseConnection = Effect.andThen(
        Effect.ignore(sql`SELECT pg_terminate_backend(pg_backend_pid())`),
        Deferred.succeed(isLost, undefined)
      )
      // The failure interrupts the transaction, which cannot be rolled back.
      const failure = yield* Effect.flip(
        Effect.all(
          [
            transaction(Effect.andThen(loseConnection, Effect.never)),
            Effect.andThen(Deferred.await(isLost), Effect.fail("failed" as const))
          ],
          { concurrency: "unbounded" }
        )
      )
      assert.strictEqual(failure, "failed")
    }).pipe(Effect.scoped)
  )

  it.live("fails after the timeout when the database hangs, and recovers with it", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.create
      const proxy = yield* TcpProxy.open({ path: inject("postgres") })
      const { sql, execute } = yield* Effect.provide(
        Database,
        yield* Layer.build(databaseAt(throughProxy(url, proxy.port)))
      )
      const select = execute(sql<{ one: number }>`SELECT 1 AS one`)
      assert.deepStrictEqual(yield* select, [{ one: 1 }])

      proxy.blackhole()
      // If each used one of the 8 connections until its timeout of 3 seconds, they would take longer than a test may.
      const errors = yield* Effect.all(
        Array.from({ length: 1600 }, () => Effect.flip(select)),
        { concurrency: "unbounded" }
      )
      for (const error of errors) assert.strictEqual(error._tag, "StoreUnavailable")

      proxy.reset()
      assert.strictEqual((yield* Effect.flip(select))._tag, "StoreUnavailable")

      proxy.heal()
      const healed = yield* select.pipe(Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 600 }))
      assert.deepStrictEqual(healed, [{ one: 1 }])
      const many = yield* Effect.all(
        Array.from({ length: 100 }, () => select),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(many.length, 100)
    }).pipe(Effect.scoped)
  )

  it.live("dies on a rejected statement", () =>
    Effect.gen(function* () {
      const { sql, execute } = yield* Database
      for (const rejected of [
        sql`SELECT * FROM no_such_table`,
        sql`SELECT 1 / 0`,
        sql`SELECT ${"\0"}::text`,
        sql`SELECT 'x'::timestamptz`
      ]) {
        const exit = yield* Effect.exit(execute(rejected))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }
    }).pipe(Effect.provide(TestDatabase.layer()), Effect.scoped)
  )

  it.live("recovers when the server terminates its connections", () =>
    Effect.gen(function* () {
      const { sql, execute } = yield* Database
      for (let i = 0; i < 5; i++) {
        yield* Effect.ignore(
          execute(
            sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()`
          )
        )
        const rows = yield* execute(sql<{ one: number }>`SELECT 1 AS one`).pipe(
          Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 1200 })
        )
        assert.deepStrictEqual(rows, [{ one: 1 }])
      }
    }).pipe(Effect.provide(TestDatabase.layer()), Effect.scoped)
  )

  it.live("runs an effect with a lock in one process at a time, and releases the lock afterwards", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.create
      const one = yield* Effect.provide(Database, yield* Layer.build(databaseAt(url)))
      const other = yield* Effect.provide(Database, yield* Layer.build(databaseAt(url)))
      const during = yield* one.withLock("work", other.withLock("work", Effect.succeed("ran")))
      assert.deepStrictEqual(during, Option.some(Option.none()))
      assert.deepStrictEqual(yield* other.withLock("work", Effect.succeed("ran")), Option.some("ran"))
      const failed = yield* Effect.flip(one.withLock("work", Effect.fail("broke")))
      assert.strictEqual(failed, "broke")
      assert.deepStrictEqual(yield* other.withLock("work", Effect.succeed("ran")), Option.some("ran"))
    }).pipe(Effect.scoped)
  )

  it.live("interrupts an effect whose lock is lost, and restores the settings of connections", () =>
    Effect.gen(function* () {
      const database = yield* Database
      const { execute, sql } = database
      const withLock = AdvisoryLock.make(database, {
        sessionTimeout: Duration.seconds(4),
        heartbeatInterval: Duration.millis(300)
      })
      const timeout = execute(
        sql<{ timeout: string }>`SELECT current_setting('idle_session_timeout') AS timeout`
      )
      const initial = yield* timeout
      yield* withLock("work", Effect.void)
      for (let i = 0; i < 20; i++) assert.deepStrictEqual(yield* timeout, initial)

      const interrupted = yield* Deferred.make<void>()
      const holding = yield* withLock(
        "work",
        Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))
      ).pipe(Effect.flip, Effect.forkChild)
      // Only locks of effex have two keys (objsubid = 2).
      const holder = execute(sql<{ pid: number }>`
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND database =
          (SELECT oid FROM pg_database WHERE datname = current_database())`)
      const held = yield* Effect.repeat(holder, { until: (rows) => rows.length === 1 })
      // Longer than the session timeout.
      yield* Effect.sleep("5 seconds")
      assert.deepStrictEqual(yield* holder, held)
      yield* execute(sql`SELECT pg_terminate_backend(${held[0]?.pid ?? 0}::int)`)
      assert.strictEqual((yield* Fiber.join(holding))._tag, "StoreUnavailable")
      yield* Deferred.await(interrupted)
      assert.deepStrictEqual(yield* withLock("work", Effect.succeed("ran")), Option.some("ran"))
    }).pipe(Effect.provide(TestDatabase.layer()))
  )

  it.live("creates partitions without blocking writers for long during a long read", () =>
    Effect.gen(function* () {
      const database = yield* Database
      const { sql, execute } = database
      yield* sql`CREATE TABLE sample (id uuid PRIMARY KEY) PARTITION BY RANGE (id)`
      yield* sql`CREATE TABLE sample_default PARTITION OF sample DEFAULT`
      const partitions = sql<{ count: bigint }>`
        SELECT count(*) - 1 AS count FROM pg_inherits WHERE inhparent = 'sample'::regclass`

      const reading = yield* Deferred.make<void>()
      const finishRead = yield* Deferred.make<void>()
      const reader = yield* sql`SELECT count(*) FROM sample`.pipe(
        Effect.andThen(Deferred.succeed(reading, undefined)),
        Effect.andThen(Deferred.await(finishRead)),
        sql.withTransaction,
        Effect.forkChild
      )
      yield* Deferred.await(reading)
      const creating = yield* Effect.forkChild(ensurePartitions(database))
      let written = 0
      for (; creating.pollUnsafe() === undefined; written++) {
        // Fails when blocked for longer than the timeout. The ids belong to no created partition.
        yield* execute(sql`
          INSERT INTO sample VALUES (('ffffffff-0000-7000-8000-' || lpad(${String(written)}, 12, '0'))::uuid)`)
      }
      yield* Fiber.join(creating)
      assert.isAbove(written, 0)
      assert.deepStrictEqual(yield* partitions, [{ count: 0n }])

      yield* Deferred.succeed(finishRead, undefined)
      yield* Fiber.join(reader)
      yield* ensurePartitions(database)
      assert.deepStrictEqual(yield* partitions, [{ count: 12n }])
    }).pipe(Effect.provide(TestDatabase.layer()))
  )
})
