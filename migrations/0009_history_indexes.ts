import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Indexes that let candles and point-in-time queries skip rows that are not in their result. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  // Including the rate allows index-only scans for candles. The rows of one pair are scattered over the table.
  yield* sql`DROP INDEX exchange_rate_in_force`
  yield* sql`
    CREATE INDEX exchange_rate_in_force ON exchange_rate
      (source_currency, destination_currency, observed_at DESC, recorded_at DESC, id DESC)
      INCLUDE (rate) WHERE NOT is_leg`

  // Very few rates are recorded before they are in force. With an index for them, a point-in-time query does not scan
  // past `known_at` in the index above.
  yield* sql`
    CREATE INDEX exchange_rate_foretold ON exchange_rate
      (source_currency, destination_currency, observed_at DESC, recorded_at DESC, id DESC)
      WHERE NOT is_leg AND recorded_at < observed_at`
})
