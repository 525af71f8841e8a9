import { Effect } from "effect"
import { SqlClient, type Statement } from "effect/sql"

/**
 * The double-entry ledger. Its rules hold against the owner of the tables: transfers balance in each asset, a balance
 * moves only with an entry, what is held is the sum of the open holds, and nothing that was posted changes.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  const path = sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`)
  yield* createTables(sql)
  yield* createHoldTriggers(sql, path)
  yield* createGuards(sql, path)
  yield* createExpiry(sql, path)
  yield* createPostBatch(sql, path)
  yield* createBalanceAt(sql, path)
  yield* createAdjustments(sql)
})

const createTables = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  // Half of each page stays free, so that a new version of a row fits beside it and no index changes. Dead versions of
  // busy accounts slow every lock down, so vacuum by their count.
  yield* sql`
    CREATE TABLE ledger_account (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      owner uuid,
      role text NOT NULL CHECK (role ~ '^[a-z][a-z0-9._-]{0,62}$'),
      asset text NOT NULL REFERENCES asset (code),
      min_balance numeric CHECK (min_balance > '-Infinity' AND min_balance <= 0),
      balance numeric NOT NULL DEFAULT 0 CHECK (balance > '-Infinity' AND balance < 'Infinity'),
      held numeric NOT NULL DEFAULT 0 CHECK (held >= 0 AND held < 'Infinity'),
      version bigint NOT NULL DEFAULT 0 CHECK (version >= 0),
      moved_at timestamptz(3),
      frozen_at timestamptz(3),
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT ledger_account_floor CHECK (balance - held >= min_balance)
    ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`
  yield* sql`
    CREATE UNIQUE INDEX ledger_account_name ON ledger_account (owner, role, asset)
      WHERE owner IS NOT NULL`
  yield* sql`CREATE UNIQUE INDEX ledger_account_house ON ledger_account (role, asset) WHERE owner IS NULL`
  yield* sql`CREATE INDEX ledger_account_asset ON ledger_account (asset)`

  yield* sql`
    CREATE TABLE ledger_transfer (
      id uuid PRIMARY KEY,
      kind text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9._-]{0,62}$'),
      details jsonb NOT NULL CHECK (jsonb_typeof(details) = 'object'),
      posted_at timestamptz(3) NOT NULL
    )`
  yield* sql`CREATE INDEX ledger_transfer_posted_at ON ledger_transfer (posted_at)`

  // The key is the history of an account, and makes a lost update impossible: both would insert the same version.
  yield* sql`
    CREATE TABLE ledger_entry (
      account_id bigint NOT NULL,
      version bigint NOT NULL CHECK (version > 0),
      transfer_id uuid NOT NULL,
      asset text NOT NULL,
      amount numeric NOT NULL CHECK (amount <> 0 AND amount > '-Infinity' AND amount < 'Infinity'),
      balance numeric NOT NULL,
      PRIMARY KEY (account_id, version)
    )`
  yield* sql`CREATE INDEX ledger_entry_transfer ON ledger_entry (transfer_id)`

  yield* sql`
    CREATE TABLE ledger_hold (
      id uuid PRIMARY KEY,
      transfer_id uuid NOT NULL,
      account_id bigint NOT NULL REFERENCES ledger_account,
      amount numeric NOT NULL CHECK (amount > 0 AND amount < 'Infinity'),
      expires_at timestamptz(3)
    )`
  yield* sql`CREATE INDEX ledger_hold_account ON ledger_hold (account_id)`
  yield* sql`CREATE INDEX ledger_hold_transfer ON ledger_hold (transfer_id)`
  // The key lets a hold end only once. An expired hold is ended by its time, not by a transfer.
  yield* sql`
    CREATE TABLE ledger_hold_end (
      hold_id uuid PRIMARY KEY REFERENCES ledger_hold,
      transfer_id uuid,
      outcome text NOT NULL CHECK (outcome IN ('posted', 'voided', 'expired')),
      posted numeric NOT NULL CHECK (posted >= 0 AND posted < 'Infinity'),
      ended_at timestamptz(3) NOT NULL,
      CHECK (posted = 0 OR outcome = 'posted'),
      CHECK ((outcome = 'expired') = (transfer_id IS NULL))
    )`
  yield* sql`CREATE INDEX ledger_hold_end_transfer ON ledger_hold_end (transfer_id) WHERE transfer_id IS NOT NULL`
  // Only triggers write it: what is held and what expires are found without reading all holds that ever were.
  yield* sql`
    CREATE TABLE ledger_open_hold (
      account_id bigint NOT NULL,
      hold_id uuid NOT NULL,
      amount numeric NOT NULL,
      expires_at timestamptz(3),
      PRIMARY KEY (account_id, hold_id)
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`
  yield* sql`CREATE INDEX ledger_open_hold_expiry ON ledger_open_hold (expires_at) WHERE expires_at IS NOT NULL`

  yield* sql`
    CREATE TABLE ledger_outcome (
      principal text NOT NULL,
      key text NOT NULL,
      request_hash text NOT NULL,
      outcome text NOT NULL,
      subject uuid,
      account_id bigint,
      available numeric,
      created_at timestamptz(3) NOT NULL,
      PRIMARY KEY (principal, key)
    )`
  yield* sql`CREATE INDEX ledger_outcome_created_at ON ledger_outcome (created_at)`

  for (const table of ["ledger_transfer", "ledger_entry", "ledger_hold", "ledger_hold_end"])
    yield* sql`SELECT make_immutable(${table})`
})

/** Open holds follow the holds and their ends. */
const createHoldTriggers = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`
    CREATE FUNCTION add_open_holds() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    DECLARE bad record;
    BEGIN
      SELECT hold.id, hold.amount, asset.code, asset.decimals INTO bad FROM inserted AS hold
        JOIN ledger_account AS account ON account.id = hold.account_id JOIN asset ON asset.code = account.asset
        WHERE scale(trim_scale(hold.amount)) > asset.decimals LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'the amount % of hold % has too many decimals; % allows %', bad.amount, bad.id, bad.code, bad.decimals
          USING ERRCODE = 'check_violation';
      END IF;
      INSERT INTO ledger_open_hold (account_id, hold_id, amount, expires_at)
        SELECT account_id, id, amount, expires_at FROM inserted;
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE TRIGGER opened AFTER INSERT ON ledger_hold REFERENCING NEW TABLE AS inserted
      FOR EACH STATEMENT EXECUTE FUNCTION add_open_holds()`
  yield* sql`
    CREATE FUNCTION remove_open_holds() RETURNS trigger LANGUAGE plpgsql ${path} SET enable_seqscan = off AS $$
    DECLARE bad record;
    BEGIN
      SELECT hold.id, hold.amount, ended.posted, ended.outcome INTO bad
        FROM inserted AS ended JOIN ledger_hold AS hold ON hold.id = ended.hold_id
        WHERE ended.posted > hold.amount
          OR (ended.outcome = 'expired' AND (hold.expires_at > ended.ended_at) IS NOT FALSE) LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'hold % of % cannot end as % with %', bad.id, bad.amount, bad.outcome, bad.posted
          USING ERRCODE = 'check_violation';
      END IF;
      DELETE FROM ledger_open_hold AS open USING inserted AS ended, ledger_hold AS hold
        WHERE hold.id = ended.hold_id AND open.account_id = hold.account_id AND open.hold_id = hold.id;
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE TRIGGER ended AFTER INSERT ON ledger_hold_end REFERENCING NEW TABLE AS inserted
      FOR EACH STATEMENT EXECUTE FUNCTION remove_open_holds()`
  yield* sql`ALTER TABLE ledger_hold ENABLE ALWAYS TRIGGER opened`
  yield* sql`ALTER TABLE ledger_hold_end ENABLE ALWAYS TRIGGER ended`
})

/** Checks each statement as a whole. A trigger that joined old and new rows would be quadratic. */
const createGuards = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`
    CREATE FUNCTION refuse_unbalanced_entries() RETURNS trigger LANGUAGE plpgsql ${path} SET enable_seqscan = off AS $$
    DECLARE bad record;
    BEGIN
      SELECT transfer_id, asset, sum(amount) AS total INTO bad FROM inserted
        GROUP BY transfer_id, asset HAVING sum(amount) <> 0 LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'transfer % is out of balance by % %', bad.transfer_id, bad.total, bad.asset
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_balanced';
      END IF;
      SELECT entry.account_id, entry.version INTO bad FROM inserted AS entry
        WHERE entry.balance - entry.amount IS DISTINCT FROM CASE entry.version WHEN 1 THEN 0 ELSE (
          SELECT previous.balance FROM ledger_entry AS previous
          WHERE previous.account_id = entry.account_id AND previous.version = entry.version - 1) END LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'entry % of account % does not continue the previous one', bad.version, bad.account_id
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_continues';
      END IF;
      SELECT entry.account_id, entry.amount, asset.code, asset.decimals INTO bad FROM inserted AS entry
        LEFT JOIN ledger_account AS account ON account.id = entry.account_id
        LEFT JOIN asset ON asset.code = account.asset
        WHERE asset.code IS DISTINCT FROM entry.asset OR scale(trim_scale(entry.amount)) > asset.decimals LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'entry of % on account % does not fit its asset % with % decimals',
          bad.amount, bad.account_id, bad.code, bad.decimals
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_asset';
      END IF;
      SELECT entry.transfer_id INTO bad FROM inserted AS entry
        WHERE NOT EXISTS (SELECT FROM ledger_transfer WHERE id = entry.transfer_id) LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'entry of transfer %, which is not stored', bad.transfer_id
          USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_entry_transfer';
      END IF;
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE TRIGGER balanced AFTER INSERT ON ledger_entry REFERENCING NEW TABLE AS inserted
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced_entries()`

  yield* sql`
    CREATE FUNCTION refuse_balance_without_entry() RETURNS trigger LANGUAGE plpgsql ${path} SET enable_seqscan = off AS $$
    DECLARE bad bigint;
    BEGIN
      SELECT changed.id INTO bad FROM changed LEFT JOIN LATERAL (
          SELECT version, balance FROM ledger_entry WHERE account_id = changed.id ORDER BY version DESC LIMIT 1
        ) AS last ON true
        WHERE changed.version <> coalesce(last.version, 0) OR changed.balance <> coalesce(last.balance, 0) LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'the balance of account % is not that of its last entry', bad
          USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_account_entered';
      END IF;
      SELECT changed.id INTO bad FROM changed
        WHERE changed.held <> (SELECT coalesce(sum(amount), 0) FROM ledger_open_hold WHERE account_id = changed.id) LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'what is held of account % is not the sum of its open holds', bad
          USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_account_held';
      END IF;
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE TRIGGER entered AFTER UPDATE ON ledger_account REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_balance_without_entry()`
  yield* sql`
    CREATE TRIGGER opened AFTER INSERT ON ledger_account REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_balance_without_entry()`
  yield* sql`
    CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON ledger_account FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`
  yield* sql`
    CREATE TRIGGER fixed BEFORE UPDATE OF id, owner, role, asset, min_balance, created_at ON ledger_account
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`
  yield* sql`
    CREATE TRIGGER fixed BEFORE UPDATE OR TRUNCATE ON ledger_outcome FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`
  yield* sql`ALTER TABLE ledger_outcome ENABLE ALWAYS TRIGGER fixed`
  yield* sql`ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER balanced`
  yield* sql`
    ALTER TABLE ledger_account ENABLE ALWAYS TRIGGER entered, ENABLE ALWAYS TRIGGER opened,
      ENABLE ALWAYS TRIGGER kept, ENABLE ALWAYS TRIGGER fixed`
})

const createExpiry = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`
    CREATE FUNCTION ledger_expire_holds(max_accounts int) RETURNS int LANGUAGE plpgsql ${path} AS $$
    DECLARE
      accounts bigint[];
      moment timestamptz;
      ended int;
    BEGIN
      SELECT array_agg(id) INTO accounts FROM (
        SELECT id FROM ledger_account WHERE id IN (
          SELECT account_id FROM ledger_open_hold WHERE expires_at <= clock_timestamp() ORDER BY expires_at LIMIT max_accounts)
        ORDER BY id FOR NO KEY UPDATE) AS locked;
      IF accounts IS NULL THEN RETURN 0; END IF;
      moment := clock_timestamp();
      INSERT INTO ledger_hold_end (hold_id, outcome, posted, ended_at)
        SELECT hold_id, 'expired', 0, moment FROM ledger_open_hold
        WHERE account_id = ANY (accounts) AND expires_at <= date_trunc('milliseconds', moment);
      GET DIAGNOSTICS ended = ROW_COUNT;
      UPDATE ledger_account AS account SET held =
        (SELECT coalesce(sum(amount), 0) FROM ledger_open_hold WHERE account_id = account.id)
        WHERE id = ANY (accounts);
      RETURN ended;
    END $$`
})

/** As-of search: the time of posting never falls while the version of an account grows. */
const createBalanceAt = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`
    CREATE FUNCTION ledger_version_at(p_account bigint, p_latest bigint, p_moment timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE ${path} SET enable_seqscan = off AS $$
    DECLARE
      low bigint := 0;
      high bigint := p_latest;
      middle bigint;
    BEGIN
      WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        IF (SELECT transfer.posted_at FROM ledger_entry AS entry JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
            WHERE entry.account_id = p_account AND entry.version = middle) <= p_moment
        THEN low := middle; ELSE high := middle - 1; END IF;
      END LOOP;
      RETURN low;
    END $$`
})

const createPostBatch = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  // Items are numbered from 1; entries (l_), opened holds (o_) and ended holds (e_) are sorted by their item. One call is
  // one commit. Each item is posted as a whole or not at all, in order, and sees the items before it.
  yield* sql`
    CREATE FUNCTION post_batch(
      p_id uuid[], p_kind text[], p_principal text[], p_key text[], p_hash text[], p_details text[],
      l_item int[], l_account bigint[], l_amount numeric[],
      o_item int[], o_id uuid[], o_account bigint[], o_amount numeric[], o_expires timestamptz[],
      e_item int[], e_hold uuid[], e_how text[], e_posted numeric[]
    ) RETURNS TABLE (n int, outcome text, replayed boolean, subject uuid, account_id bigint, available numeric)
    LANGUAGE plpgsql ${path} SET enable_seqscan = off AS $$
    #variable_conflict use_column
    DECLARE
      v_now timestamptz; v_posted_at timestamptz; v_expired uuid[];
      v_entries int := cardinality(l_item); v_opens int := cardinality(o_item); v_ends int := cardinality(e_item);
      a_id bigint[]; a_balance numeric[]; a_held numeric[]; a_version bigint[]; a_min numeric[]; a_asset text[];
      a_frozen boolean[]; a_touched boolean[]; a_has_held boolean;
      l_slot int[]; o_slot int[]; e_slot int[];
      e_account bigint[]; e_amount numeric[]; e_expires timestamptz[]; e_over boolean[]; e_same int[];
      l_balance numeric[] := array_fill(NULL::numeric, ARRAY[cardinality(l_item)]);
      l_version bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(l_item)]);
      r_subject uuid[] := p_id;
      r_outcome text[] := array_fill(NULL::text, ARRAY[cardinality(p_id)]);
      r_replayed boolean[] := array_fill(false, ARRAY[cardinality(p_id)]);
      r_account bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(p_id)]);
      r_available numeric[] := array_fill(NULL::numeric, ARRAY[cardinality(p_id)]);
      known record; verdict text; k int; i int; s int; short int;
      l0 int := 1; l1 int; o0 int := 1; o1 int; e0 int := 1; e1 int;
    BEGIN
      IF v_ends > 0 THEN -- A hold is immutable: its account is known without a lock.
        SELECT array_agg(hold.account_id ORDER BY ord), array_agg(hold.amount ORDER BY ord), array_agg(hold.expires_at ORDER BY ord)
          INTO e_account, e_amount, e_expires
          FROM unnest(e_hold) WITH ORDINALITY AS ended (id, ord) LEFT JOIN ledger_hold AS hold ON hold.id = ended.id;
      END IF;
      -- In the order of their ids, so that no two batches wait for each other.
      SELECT array_agg(id), array_agg(balance), array_agg(held), array_agg(version), array_agg(min_balance),
          array_agg(asset), array_agg(frozen_at IS NOT NULL), array_agg(false), bool_or(held > 0), max(moved_at)
        INTO a_id, a_balance, a_held, a_version, a_min, a_asset, a_frozen, a_touched, a_has_held, v_posted_at
        FROM (SELECT * FROM ledger_account WHERE id = ANY (l_account || o_account || e_account)
          ORDER BY id FOR NO KEY UPDATE) AS locked;
      -- Within the locks: later versions of an account are not earlier, even if the clock was set back.
      v_now := clock_timestamp();
      v_posted_at := greatest(v_now, v_posted_at);
      IF a_has_held THEN -- An expired hold frees its money although it was not swept.
        SELECT array_agg(open.hold_id) INTO v_expired FROM ledger_open_hold AS open
          WHERE open.account_id = ANY (a_id) AND open.expires_at <= date_trunc('milliseconds', v_now);
        IF v_expired IS NOT NULL THEN
          FOR known IN SELECT place::int AS place, sum(open.amount) AS amount
            FROM ledger_open_hold AS open JOIN unnest(a_id) WITH ORDINALITY AS locked (id, place) ON locked.id = open.account_id
            WHERE open.hold_id = ANY (v_expired) GROUP BY place
          LOOP
            a_held[known.place] := a_held[known.place] - known.amount; a_touched[known.place] := true;
          END LOOP;
          INSERT INTO ledger_hold_end (hold_id, outcome, posted, ended_at)
            SELECT id, 'expired', 0, v_now FROM unnest(v_expired) AS expired (id);
        END IF;
      END IF;
      SELECT array_agg(place ORDER BY ord) INTO l_slot FROM unnest(l_account) WITH ORDINALITY AS entry (account, ord)
        LEFT JOIN unnest(a_id) WITH ORDINALITY AS locked (id, place) ON locked.id = entry.account;
      IF v_opens > 0 THEN
        SELECT array_agg(place ORDER BY ord) INTO o_slot FROM unnest(o_account) WITH ORDINALITY AS open (account, ord)
          LEFT JOIN unnest(a_id) WITH ORDINALITY AS locked (id, place) ON locked.id = open.account;
      END IF;
      IF v_ends > 0 THEN -- The account is locked, so its holds do not end concurrently.
        SELECT array_agg(place ORDER BY ord) INTO e_slot FROM unnest(e_account) WITH ORDINALITY AS ended (account, ord)
          LEFT JOIN unnest(a_id) WITH ORDINALITY AS locked (id, place) ON locked.id = ended.account;
        -- A hold stays expired if the clock is set back.
        SELECT array_agg(past.hold_id IS NOT NULL AND past.outcome <> 'expired' ORDER BY ord), array_agg(same ORDER BY ord),
            array_agg(CASE past.outcome WHEN 'expired' THEN '-infinity' ELSE e_expires[ord] END ORDER BY ord)
          INTO e_over, e_same, e_expires
          FROM (SELECT id, ord, min(ord) OVER (PARTITION BY id) AS same
            FROM unnest(e_hold) WITH ORDINALITY AS named (id, ord)) AS ended
          LEFT JOIN ledger_hold_end AS past ON past.hold_id = ended.id;
      END IF;
      -- After the locks: the same request uses the same accounts, so that its first outcome is committed by now.
      FOR known IN SELECT item.ord, past.* FROM unnest(p_principal, p_key) WITH ORDINALITY AS item (principal, key, ord)
        JOIN ledger_outcome AS past ON past.principal = item.principal AND past.key = item.key
      LOOP
        r_replayed[known.ord] := known.request_hash = p_hash[known.ord];
        r_outcome[known.ord] := CASE WHEN r_replayed[known.ord] THEN known.outcome ELSE 'key_mismatch' END;
        r_subject[known.ord] := known.subject;
        r_account[known.ord] := known.account_id;
        r_available[known.ord] := known.available;
      END LOOP;
      FOR k IN 1..cardinality(p_id) LOOP
        l1 := l0; o1 := o0; e1 := e0;
        WHILE l1 <= v_entries AND l_item[l1] = k LOOP l1 := l1 + 1; END LOOP;
        WHILE o1 <= v_opens AND o_item[o1] = k LOOP o1 := o1 + 1; END LOOP;
        WHILE e1 <= v_ends AND e_item[e1] = k LOOP e1 := e1 + 1; END LOOP;
        IF r_outcome[k] IS NULL THEN
          verdict := 'posted';
          FOR i IN e0..e1 - 1 LOOP
            verdict := CASE WHEN e_slot[i] IS NULL THEN 'hold_not_found' WHEN e_over[e_same[i]] THEN 'hold_ended'
              WHEN e_expires[i] <= v_now THEN 'hold_expired' WHEN e_posted[i] > e_amount[i] THEN 'exceeds_hold'
              ELSE 'posted' END;
            IF verdict <> 'posted' THEN r_subject[k] := e_hold[i]; EXIT; END IF;
            FOR s IN e0..i - 1 LOOP -- The same hold twice in one item.
              IF e_hold[s] = e_hold[i] THEN verdict := 'hold_ended'; r_subject[k] := e_hold[i]; END IF;
            END LOOP;
            EXIT WHEN verdict <> 'posted';
          END LOOP;
          IF verdict = 'posted' THEN
            FOR i IN l0..l1 - 1 LOOP
              IF l_slot[i] IS NULL THEN verdict := 'account_not_found';
              ELSIF a_frozen[l_slot[i]] THEN verdict := 'account_frozen'; END IF;
              IF verdict <> 'posted' THEN r_account[k] := l_account[i]; EXIT; END IF;
            END LOOP;
          END IF;
          IF verdict = 'posted' THEN
            FOR i IN o0..o1 - 1 LOOP
              IF o_slot[i] IS NULL THEN verdict := 'account_not_found';
              ELSIF a_frozen[o_slot[i]] THEN verdict := 'account_frozen'; END IF;
              IF verdict <> 'posted' THEN r_account[k] := o_account[i]; EXIT; END IF;
            END LOOP;
          END IF;
          IF verdict = 'posted' THEN
            short := NULL;
            FOR i IN e0..e1 - 1 LOOP s := e_slot[i]; a_held[s] := a_held[s] - e_amount[i]; END LOOP;
            FOR i IN l0..l1 - 1 LOOP s := l_slot[i]; a_balance[s] := a_balance[s] + l_amount[i]; l_balance[i] := a_balance[s]; END LOOP;
            FOR i IN o0..o1 - 1 LOOP s := o_slot[i]; a_held[s] := a_held[s] + o_amount[i]; END LOOP;
            FOR i IN l0..l1 - 1 LOOP s := l_slot[i]; IF a_balance[s] - a_held[s] < a_min[s] THEN short := s; END IF; END LOOP;
            FOR i IN o0..o1 - 1 LOOP s := o_slot[i]; IF a_balance[s] - a_held[s] < a_min[s] THEN short := s; END IF; END LOOP;
            IF short IS NULL THEN
              FOR i IN l0..l1 - 1 LOOP s := l_slot[i]; a_version[s] := a_version[s] + 1; l_version[i] := a_version[s]; a_touched[s] := true; END LOOP;
              FOR i IN o0..o1 - 1 LOOP a_touched[o_slot[i]] := true; END LOOP;
              FOR i IN e0..e1 - 1 LOOP a_touched[e_slot[i]] := true; e_over[e_same[i]] := true; END LOOP;
            ELSE -- As if it had never been.
              FOR i IN e0..e1 - 1 LOOP s := e_slot[i]; a_held[s] := a_held[s] + e_amount[i]; END LOOP;
              FOR i IN l0..l1 - 1 LOOP s := l_slot[i]; a_balance[s] := a_balance[s] - l_amount[i]; END LOOP;
              FOR i IN o0..o1 - 1 LOOP s := o_slot[i]; a_held[s] := a_held[s] - o_amount[i]; END LOOP;
              verdict := 'insufficient_funds'; r_account[k] := a_id[short];
              r_available[k] := a_balance[short] - a_held[short];
            END IF;
          END IF;
          r_outcome[k] := verdict;
        END IF;
        l0 := l1; o0 := o1; e0 := e1;
      END LOOP;
      INSERT INTO ledger_transfer (id, kind, details, posted_at)
        SELECT item.id, item.kind, item.details::jsonb, v_posted_at
        FROM unnest(p_id, p_kind, p_details, r_outcome, r_replayed) AS item (id, kind, details, outcome, replayed)
        WHERE item.outcome = 'posted' AND NOT item.replayed;
      INSERT INTO ledger_entry (account_id, version, transfer_id, asset, amount, balance)
        SELECT entry.account, entry.version, p_id[entry.item], a_asset[entry.slot], entry.amount, entry.balance
        FROM unnest(l_item, l_account, l_amount, l_slot, l_version, l_balance) AS entry (item, account, amount, slot, version, balance)
        WHERE entry.version IS NOT NULL;
      IF v_opens > 0 THEN
        INSERT INTO ledger_hold (id, transfer_id, account_id, amount, expires_at)
          SELECT open.id, p_id[open.item], open.account, open.amount, open.expires
          FROM unnest(o_item, o_id, o_account, o_amount, o_expires) AS open (item, id, account, amount, expires)
          WHERE r_outcome[open.item] = 'posted' AND NOT r_replayed[open.item];
      END IF;
      IF v_ends > 0 THEN
        INSERT INTO ledger_hold_end (hold_id, transfer_id, outcome, posted, ended_at)
          SELECT ended.hold, p_id[ended.item], ended.how, ended.posted, v_posted_at
          FROM unnest(e_item, e_hold, e_how, e_posted) AS ended (item, hold, how, posted)
          WHERE r_outcome[ended.item] = 'posted' AND NOT r_replayed[ended.item];
      END IF;
      UPDATE ledger_account SET balance = new.balance, held = new.held, version = new.version, moved_at = v_posted_at
        FROM unnest(a_id, a_balance, a_held, a_version, a_touched) AS new (id, balance, held, version, touched)
        WHERE ledger_account.id = new.id AND new.touched;
      INSERT INTO ledger_outcome (principal, key, request_hash, outcome, subject, account_id, available, created_at)
        SELECT item.principal, item.key, item.hash, item.outcome, item.subject, item.account, item.available, v_posted_at
        FROM unnest(p_principal, p_key, p_hash, r_outcome, r_replayed, r_subject, r_account, r_available)
          AS item (principal, key, hash, outcome, replayed, subject, account, available)
        WHERE item.key IS NOT NULL AND NOT item.replayed AND item.outcome <> 'key_mismatch';
      RETURN QUERY SELECT item.ord::int, item.outcome, item.replayed, item.subject, item.account, item.available
        FROM unnest(r_outcome, r_replayed, r_subject, r_account, r_available)
          WITH ORDINALITY AS item (outcome, replayed, subject, account, available, ord);
    END $$`
})

/** Corrections that a second administrator must approve. */
const createAdjustments = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  yield* sql`
    CREATE TABLE ledger_adjustment (
      id uuid PRIMARY KEY,
      account_id bigint NOT NULL REFERENCES ledger_account,
      amount numeric NOT NULL CHECK (amount <> 0 AND amount > '-Infinity' AND amount < 'Infinity'),
      reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 1000),
      requested_by text NOT NULL CHECK (requested_by <> ''),
      requested_at timestamptz(3) NOT NULL,
      key text CHECK (char_length(key) BETWEEN 1 AND 255),
      state text NOT NULL CHECK (state IN ('pending', 'posted', 'rejected')),
      decided_by text CHECK (decided_by <> ''),
      decided_at timestamptz(3),
      decision_reason text CHECK (char_length(decision_reason) BETWEEN 1 AND 1000),
      CHECK ((state = 'pending') = (decided_at IS NULL)),
      CHECK (decided_by IS NULL OR decided_at IS NOT NULL),
      UNIQUE (requested_by, key),
      CONSTRAINT ledger_adjustment_second_administrator CHECK (decided_by <> requested_by)
    )`
  yield* sql`CREATE INDEX ledger_adjustment_pending ON ledger_adjustment (id) WHERE state = 'pending'`
  yield* sql`
    CREATE FUNCTION guard_adjustment() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.state <> 'pending'
        OR (NEW.id, NEW.account_id, NEW.amount, NEW.reason, NEW.requested_by, NEW.requested_at, NEW.key)
          IS DISTINCT FROM (OLD.id, OLD.account_id, OLD.amount, OLD.reason, OLD.requested_by, OLD.requested_at, OLD.key)
        OR NEW.decided_by IS NULL
      THEN
        RAISE EXCEPTION 'an adjustment is decided once, and otherwise immutable' USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER guarded BEFORE UPDATE ON ledger_adjustment FOR EACH ROW EXECUTE FUNCTION guard_adjustment()`
  yield* sql`
    CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON ledger_adjustment
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`
  yield* sql`
    ALTER TABLE ledger_adjustment ENABLE ALWAYS TRIGGER guarded, ENABLE ALWAYS TRIGGER kept`
})
