import { Effect } from "effect"
import { SqlClient, type Statement } from "effect/sql"

/**
 * Deposits and withdrawals. Each ends once, and only with the movement of the ledger that it describes. These rules hold
 * against the owner of the table.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  yield* createTable(sql)
  yield* createGuards(sql, sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`))
})

const createTable = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  // The id is that of the posting that records the request and its idempotency key. `transfer_id` is the posting that
  // ends it: a failed deposit has none, because it moved nothing.
  yield* sql`
    CREATE TABLE funding_request (
      id uuid PRIMARY KEY REFERENCES ledger_transfer,
      wallet_id uuid NOT NULL REFERENCES wallet,
      direction text NOT NULL CHECK (direction IN ('deposit', 'withdrawal')),
      asset text NOT NULL REFERENCES asset (code),
      amount numeric NOT NULL CHECK (amount > 0 AND amount < 'Infinity'),
      note text CHECK (char_length(note) BETWEEN 1 AND 200),
      provider text NOT NULL CHECK (provider ~ '^[a-z][a-z0-9-]{0,29}$'),
      hold_id uuid UNIQUE REFERENCES ledger_hold,
      requested_by text NOT NULL CHECK (requested_by <> ''),
      requested_at timestamptz(3) NOT NULL,
      check_at timestamptz(3) NOT NULL,
      state text NOT NULL CHECK (state IN ('pending', 'completed', 'failed')),
      reference text CHECK (char_length(reference) BETWEEN 1 AND 200),
      reason text CHECK (char_length(reason) BETWEEN 1 AND 1000),
      transfer_id uuid UNIQUE REFERENCES ledger_transfer,
      settled_by text CHECK (settled_by <> ''),
      settled_at timestamptz(3),
      CHECK ((direction = 'withdrawal') = (hold_id IS NOT NULL)),
      CHECK ((state = 'pending') = (settled_at IS NULL)),
      CHECK ((state = 'completed') = (reference IS NOT NULL)),
      CHECK ((state = 'failed') = (reason IS NOT NULL)),
      CHECK (settled_by IS NULL OR state <> 'pending'),
      CHECK ((state = 'completed' OR (state = 'failed' AND direction = 'withdrawal')) = (transfer_id IS NOT NULL))
    )`
  // The same payment in another spelling cannot complete a second request.
  yield* sql`
    CREATE UNIQUE INDEX funding_request_reference ON funding_request (lower(regexp_replace(reference, '\\s', '', 'g')))
      WHERE reference IS NOT NULL`
  yield* sql`CREATE INDEX funding_request_wallet ON funding_request (wallet_id, id)`
  yield* sql`CREATE INDEX funding_request_pending ON funding_request (id) WHERE state = 'pending'`
  yield* sql`CREATE INDEX funding_request_check ON funding_request (provider, check_at) WHERE state = 'pending'`
})

const createGuards = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`
    CREATE FUNCTION check_funding_request() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    BEGIN
      IF NEW.state <> 'pending' THEN
        RAISE EXCEPTION 'a funding request starts as pending' USING ERRCODE = 'check_violation';
      END IF;
      IF scale(trim_scale(NEW.amount)) > (SELECT decimals FROM asset WHERE code = NEW.asset) THEN
        RAISE EXCEPTION 'the amount % has too many decimals for %', NEW.amount, NEW.asset USING ERRCODE = 'check_violation';
      END IF;
      IF NEW.hold_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM ledger_hold AS hold JOIN ledger_account AS account ON account.id = hold.account_id
        WHERE hold.id = NEW.hold_id AND hold.transfer_id = NEW.id AND hold.amount = NEW.amount AND hold.expires_at IS NULL
          AND account.owner = NEW.wallet_id AND account.role = 'user' AND account.asset = NEW.asset)
      THEN
        RAISE EXCEPTION 'withdrawal % does not hold its amount', NEW.id USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE FUNCTION guard_funding_request() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    BEGIN
      IF OLD.state <> 'pending'
        OR (NEW.id, NEW.wallet_id, NEW.direction, NEW.asset, NEW.amount, NEW.note, NEW.provider, NEW.hold_id,
            NEW.requested_by, NEW.requested_at)
          IS DISTINCT FROM (OLD.id, OLD.wallet_id, OLD.direction, OLD.asset, OLD.amount, OLD.note, OLD.provider, OLD.hold_id,
            OLD.requested_by, OLD.requested_at)
      THEN
        RAISE EXCEPTION 'a funding request ends once, and is otherwise immutable' USING ERRCODE = 'restrict_violation';
      END IF;
      IF NEW.state = 'completed' AND NOT EXISTS (
        SELECT FROM ledger_entry AS entry JOIN ledger_account AS account ON account.id = entry.account_id
        WHERE entry.transfer_id = NEW.transfer_id
          AND entry.amount = CASE NEW.direction WHEN 'deposit' THEN NEW.amount ELSE - NEW.amount END
          AND account.owner = NEW.wallet_id AND account.role = 'user' AND account.asset = NEW.asset)
      THEN
        RAISE EXCEPTION 'funding request % is completed without its entry', NEW.id USING ERRCODE = 'restrict_violation';
      END IF;
      IF NEW.state <> 'pending' AND NEW.hold_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM ledger_hold_end AS ended WHERE ended.hold_id = NEW.hold_id AND ended.transfer_id = NEW.transfer_id
          AND CASE NEW.state WHEN 'completed' THEN ended.outcome = 'posted' AND ended.posted = NEW.amount
            ELSE ended.outcome = 'voided' END)
      THEN
        RAISE EXCEPTION 'funding request % ends without the end of its hold', NEW.id USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER checked BEFORE INSERT ON funding_request FOR EACH ROW EXECUTE FUNCTION check_funding_request()`
  yield* sql`
    CREATE TRIGGER guarded BEFORE UPDATE ON funding_request FOR EACH ROW EXECUTE FUNCTION guard_funding_request()`
  yield* sql`
    CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON funding_request
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`
  yield* sql`
    ALTER TABLE funding_request ENABLE ALWAYS TRIGGER checked, ENABLE ALWAYS TRIGGER guarded, ENABLE ALWAYS TRIGGER kept`
})
