import { Effect } from "effect"
import { SqlClient, type Statement } from "effect/sql"

/** Limits of movements: what each wallet moved, what the rules decided, and what an administrator reviews. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  yield* createUsage(sql)
  yield* createDecisions(sql)
  yield* createWalletStates(sql, sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`))
})

/** One row per wallet and asset, for the latest hour and day with a movement. Values are in the home currency. */
const createUsage = (sql: SqlClient.SqlClient) => sql`
  CREATE TABLE risk_usage (
    wallet_id uuid NOT NULL,
    asset text NOT NULL,
    hour timestamptz(0) NOT NULL,
    hour_count int NOT NULL CHECK (hour_count > 0),
    hour_value numeric NOT NULL CHECK (hour_value >= 0 AND hour_value < 'Infinity'),
    hour_small_orders int NOT NULL CHECK (hour_small_orders >= 0),
    day_count int NOT NULL CHECK (day_count >= hour_count),
    day_value numeric NOT NULL CHECK (day_value >= hour_value AND day_value < 'Infinity'),
    day_amount numeric NOT NULL CHECK (day_amount > 0 AND day_amount < 'Infinity'),
    PRIMARY KEY (wallet_id, asset)
  ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`

const createDecisions = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  yield* sql`
    CREATE TABLE risk_decision (
      id uuid PRIMARY KEY,
      at timestamptz(3) NOT NULL,
      wallet_id uuid NOT NULL,
      kind text NOT NULL CHECK (kind IN ('transfer', 'withdrawal', 'conversion', 'order')),
      asset text NOT NULL REFERENCES asset (code),
      amount numeric NOT NULL CHECK (amount > 0 AND amount < 'Infinity'),
      value numeric CHECK (value >= 0 AND value < 'Infinity'),
      outcome text NOT NULL CHECK (outcome IN ('allow', 'review', 'deny')),
      rules jsonb NOT NULL CHECK (jsonb_typeof(rules) = 'array' AND jsonb_array_length(rules) > 0),
      transfer_id uuid REFERENCES ledger_transfer,
      CHECK ((outcome = 'deny') = (transfer_id IS NULL))
    )`
  yield* sql`CREATE INDEX risk_decision_wallet ON risk_decision (wallet_id, id)`

  // The id is that of the posting that holds the money.
  yield* sql`
    CREATE TABLE risk_review (
      id uuid PRIMARY KEY REFERENCES ledger_transfer,
      decision_id uuid NOT NULL UNIQUE REFERENCES risk_decision,
      hold_id uuid NOT NULL UNIQUE REFERENCES ledger_hold,
      counterparty uuid,
      posting jsonb NOT NULL CHECK (jsonb_typeof(posting) = 'object'),
      expires_at timestamptz(3) NOT NULL
    )`
  // The key lets a review end only once. Without a transfer, the owner of the hold ends it.
  yield* sql`
    CREATE TABLE risk_review_end (
      review_id uuid PRIMARY KEY REFERENCES risk_review,
      outcome text NOT NULL CHECK (outcome IN ('approved', 'rejected')),
      principal text NOT NULL CHECK (principal <> ''),
      reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 1000),
      at timestamptz(3) NOT NULL,
      transfer_id uuid UNIQUE REFERENCES ledger_transfer
    )`
  for (const table of ["risk_decision", "risk_review", "risk_review_end"])
    yield* sql`SELECT make_immutable(${table})`
})

/**
 * Locks wallets until the end of the transaction, and then reads what the rules need. Each statement of the function sees
 * what was committed before it, so that nothing is read before its lock is held.
 */
const createWalletStates = (sql: SqlClient.SqlClient, path: Statement.Fragment) => sql`
  CREATE FUNCTION risk_wallet_states(
    p_wallet uuid[], p_account bigint[], p_principal text[], p_key text[], p_since_hour timestamptz,
    p_counterparty text[], p_received_since timestamptz, p_withdraws boolean[], p_deposited_since timestamptz
  ) RETURNS TABLE (
    n int, known boolean, available numeric, received numeric, deposited numeric, asset text, hour timestamptz,
    hour_count int, hour_value numeric, hour_small_orders int, day_count int, day_value numeric, day_amount numeric
  ) LANGUAGE plpgsql ${path} SET enable_seqscan = off AS $$
  #variable_conflict use_column
  BEGIN
    -- In one order, and before any account, so that no two transactions wait for each other.
    PERFORM pg_advisory_xact_lock(key) FROM (
      SELECT DISTINCT hashtextextended(wallet::text, 29) AS key FROM unnest(p_wallet) AS wallet ORDER BY 1) AS keys;
    RETURN QUERY
      SELECT item.n::int, past.key IS NOT NULL, account.balance - account.held,
        CASE WHEN item.counterparty IS NULL THEN 0 ELSE (
          SELECT coalesce(sum(entry.amount), 0)
          FROM ledger_entry AS entry JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
          WHERE entry.account_id = account.id AND entry.amount > 0 AND transfer.kind = 'transfer'
            AND entry.version > ledger_version_at(account.id, account.version, p_received_since)
            AND transfer.details ->> 'from' = item.counterparty) END,
        CASE WHEN NOT item.withdraws THEN 0 ELSE (
          SELECT coalesce(sum(entry.amount), 0)
          FROM ledger_entry AS entry JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
          WHERE entry.account_id = account.id AND entry.amount > 0 AND transfer.kind = 'deposit'
            AND entry.version > ledger_version_at(account.id, account.version, p_deposited_since)) END,
        usage.asset, usage.hour, usage.hour_count, usage.hour_value, usage.hour_small_orders,
        usage.day_count, usage.day_value, usage.day_amount
      FROM unnest(p_wallet, p_account, p_principal, p_key, p_counterparty, p_withdraws)
        WITH ORDINALITY AS item (wallet, account, principal, key, counterparty, withdraws, n)
      JOIN ledger_account AS account ON account.id = item.account
      LEFT JOIN ledger_outcome AS past ON past.principal = item.principal AND past.key = item.key
      LEFT JOIN risk_usage AS usage ON usage.wallet_id = item.wallet AND usage.hour >= p_since_hour;
  END $$`
