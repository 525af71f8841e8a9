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

const decodeTables = Schema.decodeUnknownEffect(
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

      const pending = Effect.gen(function* () {
        const [found] = yield* sql<{
          found: boolean
        }>`SELECT to_regclass(${migrationsTable}) IS NOT NULL AS found`
        if (found?.found !== true) return []
        const [last] = yield* sql<{
          id: number | null
        }>`SELECT max(migration_id) AS id FROM ${sql(migrationsTable)}`
        const builds = INDEX_BUILDS.filter(({ migration }) => migration > (last?.id ?? 0))
        if (builds.length === 0) return []
        // A name of a table, and whether its index is valid; null without an index.
        const rows = yield* sql`
          SELECT name, (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(name)) AS is_valid
          FROM unnest(${builds.map(({ name }) => name)}::text[], ${builds.map(({ table }) => table)}::text[]) AS build (name, wanted)
          WHERE to_regclass(wanted) IS NOT NULL`.values
        const states = new Map(yield* Effect.orDie(decodeTables(rows)))
        return Array.filter(builds, ({ name }) => states.has(name) && states.get(name) !== true).map(
          (build) => ({
            ...build,
            isInvalid: states.get(build.name) === false
          })
        )
      })

      // A database without pending builds takes no lock.
      if ((yield* pending).length === 0) return
      const connection = yield* sql.reserve
      const query = (text: string) => connection.executeValues(text, [])
      // A session that waits for a lock has a snapshot, for which the build would wait in turn.
      yield* Effect.addFinalizer(() =>
        Effect.ignore(
          Effect.forEach(
            [`SELECT pg_advisory_unlock(${LOCK})`, "RESET statement_timeout", "RESET lock_timeout"],
            query
          )
        )
      )
      // A role or a database may have limits for the statements of requests.
      yield* Effect.forEach(["SET statement_timeout = 0", "SET lock_timeout = 0"], query)
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
