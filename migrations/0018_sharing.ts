import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * An identity of the database, which marks its values in a shared Redis, and the owner of each quote. Quotes of nodes of
 * the previous version have no owner: they belong to their principal.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // A waiting ALTER TABLE blocks all quotes behind it. If a long read holds the lock, fail and retry later.
  yield* sql`SET LOCAL lock_timeout = '500ms'`

  yield* sql`
    CREATE TABLE database_identity (
      is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
      id uuid NOT NULL DEFAULT gen_random_uuid()
    )`
  yield* sql`INSERT INTO database_identity DEFAULT VALUES`
  yield* sql`SELECT make_immutable('database_identity')`

  // NOT VALID, as in 0017.
  yield* sql`
    ALTER TABLE quote
      ADD COLUMN owner text,
      ADD CONSTRAINT quote_owner_check CHECK (owner <> '') NOT VALID`
})
