import { Effect, Option, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import { createHash } from "node:crypto"
import type { SqlExecutor } from "./SqlExecutor.ts"
import { isUnavailable } from "./SqlFailures.ts"

/** Number of hexadecimal digits of an identity. */
const IDENTITY_LENGTH = 16

const decodeRows = Schema.decodeUnknownEffect(
  Schema.Tuple([Schema.Struct({ id: Schema.String, oid: Schema.String })])
)
const decodeSystem = Schema.decodeUnknownOption(Schema.Tuple([Schema.Struct({ system: Schema.String })]))

/**
 * Reads the identity of the database. All nodes of one deployment have the same; a copy of the database, such as one
 * restored for staging on another server, has another.
 */
export const read = ({ execute, sql }: Pick<SqlExecutor, "execute" | "sql">) => execute(of(sql))

/** Reads the identity of the database of a client. A streaming replica has the identity of its primary. */
export const of = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  const rows = yield* sql`
    SELECT id::text AS id, (SELECT oid::text FROM pg_database WHERE datname = current_database()) AS oid
    FROM database_identity`
  const [{ id, oid }] = yield* Effect.orDie(decodeRows(rows))
  // Some hosted databases do not permit this function; copies on other servers may then have the same identity.
  const system = yield* sql`SELECT system_identifier::text AS system FROM pg_control_system()`.pipe(
    Effect.map(decodeSystem),
    Effect.catchIf(
      (error) => !isUnavailable(error),
      () => Effect.succeedNone
    )
  )
  const text = [id, oid, Option.match(system, { onNone: () => "", onSome: ([row]) => row.system })].join(" ")
  return createHash("sha256").update(text).digest("hex").slice(0, IDENTITY_LENGTH)
})
