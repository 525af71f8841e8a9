import { Effect } from "effect"
import { SqlClient, type Statement } from "effect/sql"

/** Limits of movements: what each wallet moved, what the rules decided, and what an administrator reviews. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  yield* createUsage(sql)
  yield* createDecisions(sql)
  const path = sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`)
  yield* createLock(sql, path)
  yield* createHistory(sql, path)
})

/** One row per wallet and asset, for the latest hour and day with a movement. Values are in the home currency. */
const createUsage = (sql: SqlClient.SqlClient) => sql`
  CREATE TABLE risk_usage (
    wallet_id uuid NOT NULL,
    asset text NOT NULL,
    hour timestamptz(0) NOT NULL,
    hour_count int NOT NULL CHECK (hour_count >= 0),
    hour_value numeric NOT NULL CHECK (hour_value >= 0 AND hour_value < 'Infinity'),
    hour_small_orders int NOT NULL CHECK (hour_small_orders >= 0),
    day_count int NOT NULL CHECK (day_count >= hour_count),
    day_value numeric NOT NULL CHECK (day_value >= hour_value AND day_value < 'Infinity'),
    day_amount numeric NOT NULL CHECK (day_amount >= 0 AND day_amount < 'Infinity'),
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
 * Locks wallets until the end of the transaction, and then reads their usage: each statement of the function sees what was
 * committed before it, so that nothing is read before its lock is held.
 */
const createLock = (sql: SqlClient.SqlClient, path: Statement.Fragment) => sql`
  CREATE FUNCTION risk_lock(p_wallets uuid[]) RETURNS SETOF risk_usage
  LANGUAGE plpgsql ${path} SET enable_seqscan = off AS $$
  BEGIN
    -- In one order, and before any account, so that no two transactions wait for each other.
    PERFORM pg_advisory_xact_lock(key) FROM (
      SELECT DISTINCT hashtextextended(wallet::text, 29) AS key FROM unnest(p_wallets) AS wallet ORDER BY 1) AS keys;
    RETURN QUERY SELECT * FROM risk_usage WHERE wallet_id = ANY (p_wallets);
  END $$`

/** What some rules know of an account: what is available, and what came in since two times. */
const createHistory = (sql: SqlClient.SqlClient, path: Statement.Fragment) => sql`
  CREATE FUNCTION risk_history(
    p_account bigint, p_counterparty text, p_received_since timestamptz, p_deposited_since timestamptz
  ) RETURNS TABLE (available numeric, received numeric, deposited numeric)
  LANGUAGE plpgsql ${path} SET enable_seqscan = off AS $$
  #variable_conflict use_column
  DECLARE
    latest bigint;
  BEGIN
    SELECT version, balance - held INTO latest, available FROM ledger_account WHERE id = p_account;
    SELECT coalesce(sum(entry.amount), 0) INTO received
      FROM ledger_entry AS entry JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
      WHERE entry.account_id = p_account AND entry.version > ledger_version_at(p_account, latest, p_received_since)
        AND entry.amount > 0 AND transfer.kind = 'transfer' AND transfer.details ->> 'from' = p_counterparty;
    SELECT coalesce(sum(entry.amount), 0) INTO deposited
      FROM ledger_entry AS entry JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
      WHERE entry.account_id = p_account AND entry.version > ledger_version_at(p_account, latest, p_deposited_since)
        AND entry.amount > 0 AND transfer.kind = 'deposit';
    RETURN NEXT;
  END $$`
