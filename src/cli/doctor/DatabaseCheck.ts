import { Clock, Effect } from "effect"
import { Database } from "../../platform/postgres/Database.ts"
import { clock, failed, type Finding, ok, warning } from "./Finding.ts"

/** The oldest PostgreSQL that ends the session of a process which is stopped, and has all that effex asks for. */
const OLDEST_VERSION = 14

interface Server {
  readonly version: number
  readonly shown: string
  readonly zone: string
  readonly now: Date
  readonly standby: boolean
  readonly mayCreate: boolean
  readonly unsafe: ReadonlyArray<string>
}

/** What kind of server it is, and whether effex may do there what it has to. */
export const examine = Effect.gen(function* () {
  const { sql } = yield* Database
  yield* sql`SELECT 1`
  const before = yield* Clock.currentTimeMillis
  const [server] = yield* sql<Server>`
    SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('server_version') AS shown,
      current_setting('TimeZone') AS zone, clock_timestamp() AS now, pg_is_in_recovery() AS standby,
      COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
      ARRAY(
        SELECT name::text FROM pg_settings
        WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'
      ) AS unsafe`
  const after = yield* Clock.currentTimeMillis
  if (server === undefined) return [failed("database", "it says nothing of itself", "Look at its log")]
  return [
    reached(server, after - before),
    clock("database clock", "its clock", server.now.getTime() - (before + after) / 2),
    durable(server),
    yield* privileges(server)
  ]
})

const reached = ({ shown, standby, version, zone }: Server, millis: number): Finding => {
  const found = `PostgreSQL ${shown}, ${millis} ms away, in the time zone ${zone}`
  if (version < OLDEST_VERSION) return failed("database", found, `Use PostgreSQL ${OLDEST_VERSION} or newer`)
  return standby
    ? failed(
        "database",
        `${found}, and it is a standby that takes no writes`,
        "Have DATABASE_URL lead to the primary"
      )
    : ok("database", found)
}

const durable = ({ unsafe }: Server): Finding =>
  unsafe.length === 0
    ? ok("durability", "what is committed is on the disk")
    : warning(
        "durability",
        `${unsafe.join(", ")} is off: a crash may lose conversions that were answered`,
        "Turn it on in postgresql.conf"
      )

const privileges = Effect.fnUntraced(function* ({ mayCreate }: Server) {
  const { sql } = yield* Database
  const advice = "Have the user of DATABASE_URL own the database, or connect as who does"
  if (!mayCreate) return failed("privileges", "no table or partition may be made in the schema", advice)
  const rows = yield* sql<{ name: string }>`
    SELECT relname::text AS name FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT (
      has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
      AND (relkind = 'r' OR pg_has_role(relowner, 'USAGE')))
    ORDER BY relname`
  return rows.length === 0
    ? ok("privileges", "tables may be made, read and written")
    : failed("privileges", `not enough may be done with ${rows.map(({ name }) => name).join(", ")}`, advice)
})
