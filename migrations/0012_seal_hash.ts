import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * No two seals can have one hash: each is the SHA-256 of what its position and its record make unique. An index that says
 * so again is written at another place for every seal, and took a third of the time of one.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // Who converts waits behind whoever waits for a table: where a long read is in the way, this is tried again later.
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  yield* sql`ALTER TABLE audit_seal DROP CONSTRAINT audit_seal_hash_key`
})
