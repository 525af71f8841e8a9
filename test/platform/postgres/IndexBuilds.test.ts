import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as IndexBuilds from "../../../src/platform/postgres/IndexBuilds.ts"
import { MIGRATIONS_TABLE } from "../../../src/platform/postgres/Migrations.ts"
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
      const write = sql`LOCK TABLE ledger_entry IN ROW EXCLUSIVE MODE NOWAIT`
      const waiting = sql<{ found: boolean }>`SELECT EXISTS (
        SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
          AND query LIKE 'CREATE UNIQUE INDEX CONCURRENTLY%') AS found`
      const [hasWritten, isDone] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const writer = yield* Effect.forkChild(
        sql.withTransaction(
          Effect.andThen(
            write,
            Effect.andThen(Deferred.succeed(hasWritten, undefined), Deferred.await(isDone))
          )
        )
      )
      yield* Deferred.await(hasWritten)
      const building = yield* Effect.forkChild(build)
      // It waits for the open transaction, and others can write meanwhile.
      while ((yield* waiting)[0]?.found !== true) yield* Effect.sleep("20 millis")
      yield* sql.withTransaction(write)
      yield* Deferred.succeed(isDone, undefined)
      yield* Fiber.join(writer)
      yield* Fiber.join(building)
      assert.isTrue((yield* definitionOf("ledger_entry_page"))?.isValid)
    })
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
