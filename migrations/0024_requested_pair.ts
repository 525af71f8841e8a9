import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Pairs that are not polled, with the time at which one of the nodes was last asked for them. Polls of prices, which have
 * a schedule and leader terms of their own.
 */
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

  // The default is for nodes of the previous version, which poll only currencies.
  yield* sql`
    ALTER TABLE poll_run
      ADD COLUMN pair_set text NOT NULL DEFAULT 'currencies' CHECK (pair_set IN ('currencies', 'prices')),
      ADD UNIQUE (pair_set, term, started_at),
      DROP CONSTRAINT poll_run_term_started_at_key`
})
