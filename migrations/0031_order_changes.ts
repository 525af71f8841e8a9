import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Finds the orders of a wallet that have changed since a time. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  yield* sql`CREATE INDEX customer_order_changed ON customer_order (wallet_id, updated_at)`
})
