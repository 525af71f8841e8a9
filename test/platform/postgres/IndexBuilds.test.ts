import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Option } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { Settings } from "../../../src/config/Settings.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as IndexBuilds from "../../../src/platform/postgres/IndexBuilds.ts"
import { MIGRATIONS_TABLE } from "../../../src/platform/postgres/Migrations.ts"
import * as OpenTransaction from "../../support/OpenTransaction.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

const build = IndexBuilds.run(MIGRATIONS_TABLE)

/** Definition of an index without its name. */
const definitionOf = Effect.fnUntraced(function* (name: string) {
  const { sql } = yield* Database
  const [found] = yield* sql<{ definition: string; isValid: boolean }>`
    SELECT regexp_replace(pg_get_indexdef(indexrelid), 'INDEX [^ ]+ ON', 'INDEX ON') AS definition, indisvalid AS is_valid
    FROM pg_index WHERE indexrelid = to_regclass(${name})`
  return found
})

/** Indexes that the migrations leave, by the names of their builds. */
const MIGRATED = new Map([
  ["customer_order_given_id", "customer_order_client_id"],
  ["customer_order_held", "customer_order_held"],
  ["ledger_entry_page", "ledger_entry_pkey"]
])

/** Returns the definitions of the migrated indexes, and makes the migrations pending that create them. */
const revert = Effect.gen(function* () {
  const { sql } = yield* Database
  const migrated = new Map<string, string | undefined>()
  for (const { name } of IndexBuilds.INDEX_BUILDS)
    migrated.set(name, (yield* definitionOf(MIGRATED.get(name) ?? name))?.definition)
  yield* sql`DELETE FROM effex_migrations WHERE migration_id >= 38`
  yield* sql`DROP INDEX customer_order_held`
  return migrated
})

/** Returns once a build waits for a writer for as long. */
const waitsFor = (time: string) =>
  Effect.gen(function* () {
    const { sql } = yield* Database
    const waiting = sql`
      SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
        AND query LIKE 'CREATE UNIQUE INDEX CONCURRENTLY%' AND clock_timestamp() - query_start >= ${time}::interval`
    while ((yield* waiting).length === 0) yield* Effect.sleep("20 millis")
  })

/** Builds while a transaction has written to the table, until the build waits for it. Others can write meanwhile. */
const buildBehindWriter = Effect.fnUntraced(function* <E, R, R2>(
  building: Effect.Effect<void, E, R>,
  hasWaited: Effect.Effect<void, SqlError.SqlError, R2>
) {
  const { sql } = yield* Database
  const write = sql`LOCK TABLE ledger_entry IN ROW EXCLUSIVE MODE NOWAIT`
  const built = yield* OpenTransaction.during(
    write,
    Effect.gen(function* () {
      const built = yield* Effect.forkChild(building)
      yield* Effect.raceFirst(hasWaited, Fiber.join(built))
      yield* sql.withTransaction(write)
      return built
    })
  )
  yield* Fiber.join(built)
})

/** Another client of the database. */
const clientOf = Effect.fnUntraced(function* (maxConnections: number) {
  const { databaseUrl } = yield* Settings
  const client = PgClient.layer({ url: Option.getOrUndefined(databaseUrl), maxConnections })
  return Context.get(yield* Layer.build(client), SqlClient.SqlClient)
})

const LIVE = { excludeTestServices: true }

layer(TestDatabase.layer(), LIVE)("Indexes of pending migrations", (it) => {
  it.effect("are not built once the migrations are applied", () =>
    Effect.gen(function* () {
      yield* build
      assert.isUndefined(yield* definitionOf("ledger_entry_page"))
    })
  )
})

layer(TestDatabase.layer(), LIVE)("Indexes of pending migrations", (it) => {
  it.effect("are the same as those of the migrations, after concurrent starts too", () =>
    Effect.gen(function* () {
      const migrated = yield* revert
      yield* Effect.all([build, build, build], { concurrency: "unbounded" })
      for (const { name } of IndexBuilds.INDEX_BUILDS) {
        const built = yield* definitionOf(name)
        assert.isTrue(built?.isValid, name)
        assert.strictEqual(built?.definition, migrated.get(name), name)
      }
    })
  )

  it.effect("are built again after a build that was interrupted", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* sql`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ledger_entry_page'::regclass`
      yield* build
      assert.isTrue((yield* definitionOf("ledger_entry_page"))?.isValid)
    })
  )

  it.effect("are built while others write", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* sql`DROP INDEX ledger_entry_page`
      yield* buildBehindWriter(build, waitsFor("0 seconds"))
      assert.isTrue((yield* definitionOf("ledger_entry_page"))?.isValid)
    })
  )

  it.effect("are built while all other connections of a pool wait for the build", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* sql`DROP INDEX ledger_entry_page`
      const small = yield* clientOf(2)
      yield* Effect.all([build, build, build], { concurrency: "unbounded", discard: true }).pipe(
        Effect.provideService(SqlClient.SqlClient, small)
      )
      assert.isTrue((yield* definitionOf("ledger_entry_page"))?.isValid)
    }).pipe(Effect.scoped)
  )

  it.effect("are built by a role with time limits, which its connection keeps", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* sql`DROP INDEX ledger_entry_page`
      const [names] = yield* sql<{
        role: string
        database: string
      }>`SELECT current_user AS role, current_database() AS database`
      const role = sql`ALTER ROLE ${sql(names?.role ?? "")} IN DATABASE ${sql(names?.database ?? "")}`
      yield* sql`${role} SET statement_timeout = '1s'`
      yield* sql`${role} SET lock_timeout = '900ms'`
      const limited = yield* clientOf(2)
      yield* buildBehindWriter(
        Effect.provideService(build, SqlClient.SqlClient, limited),
        waitsFor("1.5 seconds")
      )
      assert.isTrue((yield* definitionOf("ledger_entry_page"))?.isValid)
      for (const connection of [yield* limited.reserve, yield* limited.reserve])
        assert.deepStrictEqual(
          yield* connection.executeValues(
            "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')",
            []
          ),
          [["1s", "900ms"]]
        )
    }).pipe(Effect.scoped)
  )
})

layer(TestDatabase.layer(), LIVE)("Indexes of a new database", (it) => {
  it.effect("are left to its migrations", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* sql`ALTER TABLE effex_migrations RENAME TO other_migrations`
      yield* build
      assert.isUndefined(yield* definitionOf("ledger_entry_page"))
    })
  )
})
