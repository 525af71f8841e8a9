import { Clock, Effect } from "effect"
import { Database } from "../../platform/postgres/Database.ts"
import { clockResult, failed, type CheckResult, ok, warning } from "./CheckResult.ts"

/** The oldest PostgreSQL with `idle_session_timeout`, which releases the locks of a stopped process. */
const MIN_VERSION = 14

interface ServerInfo {
  readonly version: number
  readonly shown: string
  readonly zone: string
  readonly now: Date
  readonly standby: boolean
  readonly mayCreate: boolean
  readonly unsafe: ReadonlyArray<string>
}

/** Checks version, clock, durability settings and privileges of the database server. */
export const run = Effect.gen(function* () {
  const { sql } = yield* Database
  yield* sql`SELECT 1`
  const before = yield* Clock.currentTimeMillis
  const [server] = yield* sql<ServerInfo>`
    SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('server_version') AS shown,
      current_setting('TimeZone') AS zone, clock_timestamp() AS now, pg_is_in_recovery() AS standby,
      COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
      ARRAY(
        SELECT name::text FROM pg_settings
        WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'
      ) AS unsafe`
  const after = yield* Clock.currentTimeMillis
  if (server === undefined)
    return [
      failed("database", "the server returned no information about itself", "Check the log of the server")
    ]
  return [
    serverResult(server, after - before),
    clockResult("database clock", "its clock", server.now.getTime() - (before + after) / 2),
    durabilityResult(server),
    yield* checkPrivileges(server)
  ]
})

const serverResult = ({ shown, standby, version, zone }: ServerInfo, millis: number): CheckResult => {
  const found = `PostgreSQL ${shown}, ${millis} ms away, time zone ${zone}`
  if (version < MIN_VERSION) return failed("database", found, `Use PostgreSQL ${MIN_VERSION} or newer`)
  return standby
    ? failed("database", `${found}; it is a read-only standby`, "Point DATABASE_URL to the primary")
    : ok("database", found)
}

const durabilityResult = ({ unsafe }: ServerInfo): CheckResult =>
  unsafe.length === 0
    ? ok("durability", "commits are flushed to disk")
    : warning(
        "durability",
        `${unsafe.join(", ")} is off: a crash can lose committed conversions`,
        "Turn it on in postgresql.conf"
      )

const checkPrivileges = Effect.fnUntraced(function* ({ mayCreate }: ServerInfo) {
  const { sql } = yield* Database
  const advice = "Make the user of DATABASE_URL the owner of the database, or connect as its owner"
  if (!mayCreate) return failed("privileges", "the user cannot create tables in the schema", advice)
  const rows = yield* sql<{ name: string }>`
    SELECT relname::text AS name FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT (
      has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
      AND (relkind = 'r' OR pg_has_role(relowner, 'USAGE')))
    ORDER BY relname`
  return rows.length === 0
    ? ok("privileges", "the user can create, read and write tables")
    : failed("privileges", `the user lacks privileges on ${rows.map(({ name }) => name).join(", ")}`, advice)
})
