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
  // NOT VALID, because checking the nulls of all existing quotes would hold the lock for as long as reading them takes.
  yield* sql`
    ALTER TABLE quote
      ADD COLUMN input_decimals smallint,
      ADD COLUMN output_decimals smallint,
      ADD CONSTRAINT quote_decimals_check CHECK (input_decimals >= 0 AND output_decimals >= 0) NOT VALID`
})
