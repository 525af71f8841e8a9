import { Array, Effect, Schedule, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"

/**
 * An index of a large table that a migration needs. Its build takes minutes on a database of many millions of rows, and within a
 * migration it would block writes meanwhile. So it is built before, and the migration creates it only if it does not exist.
 */
export interface IndexBuild {
  readonly migration: number
  readonly table: string
  readonly name: string
  /** What follows `INDEX CONCURRENTLY <name> ON <table>`. The same as in the migration. */
  readonly definition: string
  readonly isUnique: boolean
}

/** In the order of the migrations. Append an index here when a migration creates one on a large table. */
export const INDEX_BUILDS: ReadonlyArray<IndexBuild> = [
  {
    migration: 38,
    table: "customer_order",
    name: "customer_order_given_id",
    definition: "(wallet_id, client_order_id) WHERE client_order_id IS NOT NULL",
    isUnique: true
  },
  {
    migration: 39,
    table: "customer_order",
    name: "customer_order_held",
    definition: "(id) WHERE state = 'held-for-review'",
    isUnique: false
  },
  {
    migration: 41,
    table: "ledger_entry",
    name: "ledger_entry_page",
    definition: "(account_id, version) INCLUDE (transfer_id, asset, amount, balance)",
    isUnique: true
  }
]

/** Session lock of the node that builds. */
const LOCK = "hashtext('effex'), hashtext('index-builds')"
const LOCK_INTERVAL = "1 second"

const decodeExists = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Tuple([Schema.Boolean])]))
const decodeLast = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Tuple([Schema.NullOr(Schema.Int)])]))
const decodeStates = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Tuple([Schema.String, Schema.NullOr(Schema.Boolean)]))
)

/**
 * Builds the indexes of pending migrations whose table exists, without blocking writes. One node builds; others wait for it. An index
 * whose build was interrupted is built again.
 */
export const run = (migrationsTable: string): Effect.Effect<void, SqlError.SqlError, SqlClient.SqlClient> =>
  Effect.scoped(
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      // For all statements: one that the pool gives to another connection can wait for a build that waits for the lock of this one.
      const connection = yield* sql.reserve
      const query = (text: string, ...params: ReadonlyArray<unknown>) =>
        connection.executeValues(text, params)

      const pending = Effect.gen(function* () {
        const exists = yield* query("SELECT to_regclass($1) IS NOT NULL", migrationsTable)
        const [[hasMigrations]] = yield* Effect.orDie(decodeExists(exists))
        if (!hasMigrations) return []
        const applied = yield* query(`SELECT max(migration_id) FROM ${migrationsTable}`)
        const [[last]] = yield* Effect.orDie(decodeLast(applied))
        const builds = INDEX_BUILDS.filter(({ migration }) => migration > (last ?? 0))
        if (builds.length === 0) return []
        // The name of an index, and whether it is valid; null if it does not exist.
        const rows = yield* query(
          `SELECT name, (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(name))
           FROM unnest($1::text[], $2::text[]) AS build (name, wanted) WHERE to_regclass(wanted) IS NOT NULL`,
          builds.map(({ name }) => name),
          builds.map(({ table }) => table)
        )
        const states = new Map(yield* Effect.orDie(decodeStates(rows)))
        return Array.filter(builds, ({ name }) => states.has(name) && states.get(name) !== true).map(
          (build) => ({
            ...build,
            isInvalid: states.get(build.name) === false
          })
        )
      })

      // A database without pending builds takes no lock.
      if ((yield* pending).length === 0) return
      yield* Effect.addFinalizer(() =>
        Effect.ignore(
          Effect.forEach(
            [`SELECT pg_advisory_unlock(${LOCK})`, "RESET statement_timeout", "RESET lock_timeout"],
            (text) => query(text)
          )
        )
      )
      // A role or a database may have limits for the statements of requests.
      yield* Effect.forEach(["SET statement_timeout = 0", "SET lock_timeout = 0"], (text) => query(text))
      // A session that waits for a lock has a snapshot, for which the build would wait in turn.
      yield* query(`SELECT pg_try_advisory_lock(${LOCK})`).pipe(
        Effect.repeat({ until: ([row]) => row?.[0] === true, schedule: Schedule.spaced(LOCK_INTERVAL) })
      )
      for (const { definition, isInvalid, isUnique, migration, name, table } of yield* pending) {
        yield* Effect.logInfo(
          `Building the index ${name} on ${table} for migration ${migration}; writes continue`
        )
        if (isInvalid) yield* query(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`)
        yield* query(
          `CREATE ${isUnique ? "UNIQUE " : ""}INDEX CONCURRENTLY ${name} ON ${table} ${definition}`
        )
      }
    })
  )
