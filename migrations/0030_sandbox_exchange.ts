import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Orders of the sandbox exchange, which stands for the memory of a real one: all nodes see the same orders, and they
 * survive restarts. Empty unless `EXCHANGE` is `sandbox`.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE sandbox_exchange_order (
      client_order_id text PRIMARY KEY CHECK (client_order_id <> ''),
      details jsonb NOT NULL
    )`
})
