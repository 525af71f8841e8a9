import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Keeps the number of decimals with which the amounts of a quote were answered. The columns are null in quotes that a node
 * of version 0.1.0 creates.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // A waiting ALTER TABLE blocks all quotes behind it. If a long read holds the lock, fail and retry later.
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  yield* sql`
    ALTER TABLE quote
      ADD COLUMN input_decimals smallint CHECK (input_decimals >= 0),
      ADD COLUMN output_decimals smallint CHECK (output_decimals >= 0)`
})
