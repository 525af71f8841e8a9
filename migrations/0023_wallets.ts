import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Wallets of users. Their balances are in the ledger. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`

  yield* sql`
    CREATE TABLE wallet (
      id uuid PRIMARY KEY,
      user_id uuid NOT NULL UNIQUE REFERENCES app_user,
      created_at timestamptz(3) NOT NULL
    )`
  yield* sql`SELECT make_immutable('wallet')`
})
