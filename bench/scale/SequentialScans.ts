import { PgClient } from "@effect/sql-pg"
import { Effect, type Redacted, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"

/** A sequential scan of a smaller table is no error: it reads less than an index does. */
const MIN_ROWS = 10_000

/** Sequential scans of a table since its statistics began. */
interface ScannedTable {
  readonly table: string
  readonly rows: number
  readonly scans: bigint
}

const countScans = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const rows = yield* sql<ScannedTable>`
    SELECT stat.relname::text AS table, reltuples::float8 AS rows, seq_scan AS scans
    FROM pg_stat_user_tables AS stat JOIN pg_class ON oid = relid WHERE reltuples >= ${MIN_ROWS}`
  return new Map(rows.map((row) => [row.table, row]))
})

/** The statistics of a session are complete once it has ended. */
const awaitSessions = (sql: PgClient.PgClient) =>
  sql<{ count: bigint }>`
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'effex'`.pipe(
    Effect.repeat({ until: ([row]) => row?.count === 0n, schedule: Schedule.spaced("50 millis") })
  )

/**
 * Runs an effect, which must close its sessions. Returns its result, and the large tables that were scanned sequentially
 * meanwhile, also by functions of the database, with the number of scans.
 */
export const during = Effect.fnUntraced(
  function* <A, E, R>(url: Redacted.Redacted, effect: Effect.Effect<A, E, R>) {
    const sql = yield* PgClient.makeClient({ url, applicationName: "effex-bench" })
    const before = yield* countScans(sql)
    const result = yield* effect
    yield* awaitSessions(sql)
    const after = yield* countScans(sql)
    const scanned = Array.from(after.values()).flatMap(({ rows, scans, table }) => {
      const count = scans - (before.get(table)?.scans ?? 0n)
      return count > 0n ? [`${table} (${rows} rows): ${count}`] : []
    })
    return { result, scanned }
  },
  Effect.scoped,
  Effect.provide(Reactivity.layer)
)
