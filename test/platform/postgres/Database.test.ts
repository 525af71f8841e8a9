import { PgClient } from "@effect/sql-pg"
import { assert, describe, inject, it } from "@effect/vitest"
import { Cause, Deferred, Duration, Effect, Exit, Fiber, Layer, Option, Redacted, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import { readdirSync } from "node:fs"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { ensurePartitions } from "../../../src/platform/postgres/Partitions.ts"
import * as TcpProxy from "../../support/TcpProxy.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import * as TestSettings from "../../support/TestSettings.ts"

const databaseAt = (url: string) =>
  Layer.fresh(Database.layer).pipe(Layer.provideMerge(TestSettings.layer({ DATABASE_URL: url })))

const throughDoor = (url: string, port: number) => {
  const { pathname } = new URL(url)
  return `postgres://effex@127.0.0.1:${port}${pathname}?sslmode=disable`
}

describe("Database", () => {
  it.live("is migrated once by three nodes that start at once on an empty database", () =>
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

  it.live("does everything of a transaction or nothing, and takes as long for it as it takes", () =>
    Effect.gen(function* () {
      const { sql, transaction, execute } = yield* Effect.provide(
        Database,
        yield* Layer.build(databaseAt(yield* TestDatabase.createEmpty))
      )
      yield* execute(sql`CREATE TABLE kept (n int)`)
      const keep = (n: number) => sql`INSERT INTO kept VALUES (${n})`
      const refused = yield* Effect.flip(
        transaction(Effect.andThen(keep(1), Effect.fail("refused" as const)))
      )
      assert.strictEqual(refused, "refused")
      const wrong = yield* Effect.exit(transaction(Effect.andThen(keep(2), sql`SELECT nothing`)))
      assert.isTrue(Exit.isFailure(wrong) && Cause.hasDies(wrong.cause))
      const cut = sql`SELECT pg_terminate_backend(pg_backend_pid())`
      const lost = yield* Effect.flip(transaction(Effect.andThen(keep(3), cut)))
      assert.strictEqual(lost._tag, "StoreUnavailable")
      // Longer than the deadline of all other statements.
      yield* transaction(Effect.andThen(keep(4), sql`SELECT pg_sleep(3.5)`))
      assert.deepStrictEqual(yield* execute(sql<{ n: number }>`SELECT n FROM kept`), [{ n: 4 }])
    }).pipe(Effect.scoped)
  )

  it.live("lets go of a caller at the deadline when nothing answers, and works again when it does", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.createEmpty
      const door = yield* TcpProxy.open({ path: inject("postgres") })
      const { sql, execute } = yield* Effect.provide(
        Database,
        yield* Layer.build(databaseAt(throughDoor(url, door.port)))
      )
      const ask = execute(sql<{ one: number }>`SELECT 1 AS one`)
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
      const { sql, execute } = yield* Database
      for (const refused of [
        sql`SELECT * FROM no_such_table`,
        sql`SELECT 1 / 0`,
        sql`SELECT ${"\0"}::text`,
        sql`SELECT 'x'::timestamptz`
      ]) {
        const exit = yield* Effect.exit(execute(refused))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }
    }).pipe(Effect.provide(TestDatabase.layer()), Effect.scoped)
  )

  it.live("recovers when the server ends its connections", () =>
    Effect.gen(function* () {
      const { sql, execute } = yield* Database
      for (let i = 0; i < 5; i++) {
        yield* Effect.ignore(
          execute(
            sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()`
          )
        )
        const rows = yield* execute(sql<{ one: number }>`SELECT 1 AS one`).pipe(
          Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 20 })
        )
        assert.deepStrictEqual(rows, [{ one: 1 }])
      }
    }).pipe(Effect.provide(TestDatabase.layer()), Effect.scoped)
  )

  it.live("runs an exclusive effect in one process at a time, and frees it afterwards", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.createEmpty
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

  it.live("interrupts an exclusive effect whose lock is lost, and leaves connections as they were", () =>
    Effect.gen(function* () {
      const { withLock, sql, execute } = yield* Database
      const timeout = execute(
        sql<{ timeout: string }>`SELECT current_setting('idle_session_timeout') AS timeout`
      )
      const usual = yield* timeout
      yield* withLock("work", Effect.void)
      for (let i = 0; i < 20; i++) assert.deepStrictEqual(yield* timeout, usual)

      const interrupted = yield* Deferred.make<void>()
      const holding = yield* withLock(
        "work",
        Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))
      ).pipe(Effect.flip, Effect.forkChild)
      // With two keys, as no other lock has that may be held meanwhile.
      const holder = execute(sql<{ pid: number }>`
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND database =
          (SELECT oid FROM pg_database WHERE datname = current_database())`)
      const held = yield* Effect.repeat(holder, { until: (rows) => rows.length === 1 })
      // Longer than the server would wait for a heartbeat.
      yield* Effect.sleep("11 seconds")
      assert.deepStrictEqual(yield* holder, held)
      yield* execute(sql`SELECT pg_terminate_backend(${held[0]?.pid ?? 0}::int)`)
      assert.strictEqual(
        (yield* Fiber.join(holding).pipe(Effect.timeout("5 seconds")))._tag,
        "StoreUnavailable"
      )
      yield* Deferred.await(interrupted)
      assert.deepStrictEqual(yield* withLock("work", Effect.succeed("ran")), Option.some("ran"))
    }).pipe(Effect.provide(TestDatabase.layer()))
  )

  it.live("makes partitions, and keeps no writer waiting for long where a long read is in the way", () =>
    Effect.gen(function* () {
      const database = yield* Database
      const { sql, execute } = database
      yield* sql`CREATE TABLE sample (id uuid PRIMARY KEY) PARTITION BY RANGE (id)`
      yield* sql`CREATE TABLE sample_default PARTITION OF sample DEFAULT`
      const made = sql<{ count: bigint }>`
        SELECT count(*) - 1 AS count FROM pg_inherits WHERE inhparent = 'sample'::regclass`

      const reading = yield* Deferred.make<void>()
      const readToEnd = yield* Deferred.make<void>()
      const reader = yield* sql`SELECT count(*) FROM sample`.pipe(
        Effect.andThen(Deferred.succeed(reading, undefined)),
        Effect.andThen(Deferred.await(readToEnd)),
        sql.withTransaction,
        Effect.forkChild
      )
      yield* Deferred.await(reading)
      const making = yield* Effect.forkChild(ensurePartitions(database))
      let written = 0
      for (; making.pollUnsafe() === undefined; written++) {
        // Would fail at the deadline. Ids of no month that is made.
        yield* execute(sql`
          INSERT INTO sample VALUES (('ffffffff-0000-7000-8000-' || lpad(${String(written)}, 12, '0'))::uuid)`)
      }
      yield* Fiber.join(making)
      assert.isAbove(written, 0)
      assert.deepStrictEqual(yield* made, [{ count: 0n }])

      yield* Deferred.succeed(readToEnd, undefined)
      yield* Fiber.join(reader)
      yield* ensurePartitions(database)
      assert.deepStrictEqual(yield* made, [{ count: 12n }])
    }).pipe(Effect.provide(TestDatabase.layer()))
  )
})
