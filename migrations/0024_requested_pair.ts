import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Pairs that are not polled, with the time at which one of the nodes was last asked for them. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE requested_pair (
      source_currency text NOT NULL CHECK (source_currency <> ''),
      destination_currency text NOT NULL CHECK (destination_currency <> ''),
      requested_at timestamptz(3) NOT NULL,
      PRIMARY KEY (source_currency, destination_currency),
      CHECK (source_currency <> destination_currency)
    )`
})
