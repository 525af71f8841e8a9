import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Wallets of users, and their deposits and withdrawals. Balances are in the ledger. */
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

  yield* sql`
    CREATE TABLE funding_request (
      id uuid PRIMARY KEY,
      wallet_id uuid NOT NULL REFERENCES wallet,
      direction text NOT NULL CHECK (direction IN ('deposit', 'withdrawal')),
      asset text NOT NULL REFERENCES asset,
      amount numeric NOT NULL CHECK (amount > 0 AND amount < 'Infinity'),
      method text NOT NULL CHECK (method IN ('sandbox', 'manual')),
      sandbox_outcome text CHECK (sandbox_outcome IN ('now', 'later', 'never', 'failed')),
      owner text NOT NULL CHECK (owner <> ''),
      key text CHECK (char_length(key) BETWEEN 1 AND 255),
      request_hash text,
      hold_id uuid UNIQUE,
      state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'completed', 'failed')),
      created_at timestamptz(3) NOT NULL,
      decided_at timestamptz(3) CHECK (decided_at >= created_at),
      decided_by text CHECK (decided_by <> ''),
      reference text CHECK (char_length(reference) BETWEEN 1 AND 100),
      reason text CHECK (char_length(reason) BETWEEN 1 AND 500),
      CHECK ((method = 'sandbox') = (sandbox_outcome IS NOT NULL)),
      CHECK ((key IS NULL) = (request_hash IS NULL)),
      CHECK ((direction = 'withdrawal') = (hold_id IS NOT NULL)),
      CHECK ((state = 'pending') = (decided_at IS NULL)),
      CHECK ((state = 'pending') = (decided_by IS NULL)),
      CHECK ((state = 'failed') = (reason IS NOT NULL)),
      CHECK ((state = 'completed') = (reference IS NOT NULL))
    )`
  yield* sql`
    CREATE UNIQUE INDEX funding_request_key ON funding_request (owner, key) WHERE key IS NOT NULL`
  yield* sql`CREATE INDEX funding_request_pending ON funding_request (id) WHERE state = 'pending'`
  yield* sql`CREATE INDEX funding_request_of_wallet ON funding_request (wallet_id, id DESC)`
  // A payment counts for one request only.
  yield* sql`
    CREATE UNIQUE INDEX funding_request_reference ON funding_request (method, direction, reference)
      WHERE reference IS NOT NULL`
  yield* sql`
    CREATE FUNCTION guard_funding_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.state <> 'pending'
        OR to_jsonb(NEW) - '{state,decided_at,decided_by,reference,reason}'::text[]
          <> to_jsonb(OLD) - '{state,decided_at,decided_by,reference,reason}'::text[]
      THEN
        RAISE EXCEPTION 'a deposit or withdrawal is decided once, and does not change otherwise'
          USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER guarded BEFORE UPDATE ON funding_request
      FOR EACH ROW EXECUTE FUNCTION guard_funding_change()`
  yield* sql`
    CREATE FUNCTION refuse_funding_removal() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '% of funding_request is refused', TG_OP USING ERRCODE = 'restrict_violation';
    END $$`
  yield* sql`
    CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON funding_request
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_funding_removal()`
  yield* sql`ALTER TABLE funding_request ENABLE ALWAYS TRIGGER guarded`
  yield* sql`ALTER TABLE funding_request ENABLE ALWAYS TRIGGER kept`
})
