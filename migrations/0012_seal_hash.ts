import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Drops the unique index on seal hashes. Each hash is the SHA-256 of a unique position and record, so the index added
 * no safety, and its random writes took a third of the time of a seal.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // A waiting ALTER TABLE blocks all conversions behind it. If a long read holds the lock, fail and retry later.
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  yield* sql`ALTER TABLE audit_seal DROP CONSTRAINT audit_seal_hash_key`
})
