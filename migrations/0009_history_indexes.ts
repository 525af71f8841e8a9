import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** What keeps candles and as-of from reading rows that they do not tell. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  // With the rate in the index, candles read no rows at all: those of one pair lie far apart.
  yield* sql`DROP INDEX exchange_rate_in_force`
  yield* sql`
    CREATE INDEX exchange_rate_in_force ON exchange_rate
      (source_currency, destination_currency, observed_at DESC, recorded_at DESC, id DESC)
      INCLUDE (rate) WHERE NOT is_leg`

  // Hardly any rate is recorded before it is in force. With these apart, as-of need not look behind the moment at which
  // it asks what was known.
  yield* sql`
    CREATE INDEX exchange_rate_foretold ON exchange_rate
      (source_currency, destination_currency, observed_at DESC, recorded_at DESC, id DESC)
      WHERE NOT is_leg AND recorded_at < observed_at`
})
