import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Keeps the source of a rate byte for byte, and marks imported rates, which the guard must not take as a level. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // A waiting ALTER TABLE blocks all lookups behind it. If a long read holds the lock, fail and retry later.
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  yield* sql`ALTER TABLE exchange_rate ADD COLUMN is_imported boolean NOT NULL DEFAULT false`

  // An import is history. It does not replace a rate of a wrong clock.
  yield* sql`
    CREATE OR REPLACE FUNCTION last_credible_rate(source text, destination text) RETURNS uuid LANGUAGE sql STABLE AS $$
      SELECT id FROM exchange_rate
      WHERE source_currency = source AND destination_currency = destination AND NOT is_leg AND NOT is_imported
        AND observed_at <= now() + interval '1 second'
        AND NOT EXISTS (SELECT FROM withdrawn_rate WHERE rate_id = id)
      ORDER BY observed_at DESC, recorded_at DESC, id DESC LIMIT 1
    $$`

  // `jsonb` drops duplicate keys, whitespace and the order of keys. New rows store a JSON string with the exact text, so
  // that nodes of the previous version can still read it. `raw #>> '{}'` is the text of a row of any version.
  for (const table of ["exchange_rate", "quarantined_rate"]) {
    yield* sql`
      COMMENT ON COLUMN ${sql.literal(table)}.raw IS
      'Source of the rate. A JSON string holds its exact text; other JSON was stored by version 0.1'`
  }
})
