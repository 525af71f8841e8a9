import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Stores the provider's own time of a rate, and indexes the accepted rates from which the guard measures changes. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // A waiting ALTER TABLE blocks all lookups behind it. If a long read holds the lock, fail and retry later.
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  yield* sql`ALTER TABLE exchange_rate ADD COLUMN quoted_at timestamptz(3)`
  yield* sql`
    CREATE INDEX quarantined_rate_level ON quarantined_rate
      (source_currency, destination_currency, observed_at DESC) WHERE status = 'accepted'`
})
