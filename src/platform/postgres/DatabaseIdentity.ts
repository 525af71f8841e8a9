import { Effect, Option, Schema } from "effect"
import { createHash } from "node:crypto"
import { Database } from "./Database.ts"

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
export const read = Effect.gen(function* () {
  const { execute, sql, tryExecute } = yield* Database
  const rows = yield* execute(sql`
    SELECT id::text AS id, (SELECT oid::text FROM pg_database WHERE datname = current_database()) AS oid
    FROM database_identity`)
  const [{ id, oid }] = yield* Effect.orDie(decodeRows(rows))
  // Some hosted databases do not permit this function; copies on other servers may then have the same identity.
  const system = yield* tryExecute(
    sql`SELECT system_identifier::text AS system FROM pg_control_system()`
  ).pipe(
    Effect.map(decodeSystem),
    Effect.catchTag("SqlError", () => Effect.succeedNone)
  )
  const text = [id, oid, Option.match(system, { onNone: () => "", onSome: ([row]) => row.system })].join(" ")
  return createHash("sha256").update(text).digest("hex").slice(0, IDENTITY_LENGTH)
})
