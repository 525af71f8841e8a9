import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Finds the reviews that have not expired. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  yield* sql`CREATE INDEX risk_review_expiry ON risk_review (expires_at)`
})
