import { Effect } from "effect"
import { SqlClient, type Statement } from "effect/sql"

/**
 * Orders of users, and the batches that settle them. States move in one direction, each change is recorded, an order is settled
 * only after the exchange has ended the order of its batch, and what is allocated is what was filled. These rules hold
 * against the owner of the tables.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  const path = sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`)
  yield* createBatches(sql)
  yield* createOrders(sql)
  yield* createEvents(sql, path)
  yield* createBatchGuards(sql, path)
  yield* createOrderGuards(sql, path)
})

const createBatches = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  yield* sql`
    CREATE TABLE settlement_batch (
      id uuid PRIMARY KEY,
      asset text NOT NULL REFERENCES asset (code),
      side text NOT NULL CHECK (side IN ('buy', 'sell')),
      is_aggregated boolean NOT NULL,
      orders int NOT NULL CHECK (orders > 0),
      customer_amount numeric NOT NULL CHECK (customer_amount > 0 AND customer_amount < 'Infinity'),
      total numeric NOT NULL CHECK (total > 0 AND total < 'Infinity'),
      state text NOT NULL CHECK (state IN ('reserved', 'sent', 'filled', 'rejected', 'allocated')),
      version int NOT NULL CHECK (version > 0),
      reason text CHECK (reason <> ''),
      detail text CHECK (char_length(detail) BETWEEN 1 AND 1000),
      term bigint NOT NULL,
      exchange_amount numeric CHECK (exchange_amount > 0 AND exchange_amount < 'Infinity'),
      rate numeric CHECK (rate > 0 AND rate < 'Infinity'),
      exchange text CHECK (exchange <> ''),
      exchange_order_id text CHECK (exchange_order_id <> ''),
      filled numeric CHECK (filled >= 0 AND filled < 'Infinity'),
      cost numeric CHECK (cost >= 0 AND cost < 'Infinity'),
      fee numeric CHECK (fee >= 0 AND fee < 'Infinity'),
      house_filled numeric CHECK (house_filled >= 0 AND house_filled < 'Infinity'),
      submissions int NOT NULL DEFAULT 0 CHECK (submissions >= 0),
      submitted_at timestamptz(3),
      polls int NOT NULL DEFAULT 0 CHECK (polls >= 0),
      failures int NOT NULL DEFAULT 0 CHECK (failures >= 0),
      last_error text,
      next_attempt_at timestamptz(3) NOT NULL,
      dead_at timestamptz(3),
      created_at timestamptz(3) NOT NULL,
      updated_at timestamptz(3) NOT NULL,
      CHECK (is_aggregated OR orders = 1),
      CHECK (state <> 'reserved' OR exchange_amount IS NULL),
      CHECK (state <> 'sent' OR (exchange_amount IS NOT NULL AND rate IS NOT NULL AND submissions > 0)),
      CHECK (state NOT IN ('filled', 'allocated') OR (filled IS NOT NULL AND cost IS NOT NULL AND fee IS NOT NULL)),
      CHECK (state <> 'filled' OR (filled > 0 AND exchange_amount IS NOT NULL)),
      CHECK (state <> 'rejected' OR (filled = 0 AND reason IS NOT NULL)),
      CHECK ((state = 'allocated') = (house_filled IS NOT NULL))
    )`
  yield* sql`
    CREATE INDEX settlement_batch_open ON settlement_batch (next_attempt_at) WHERE state <> 'allocated'`
})

const createOrders = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  yield* sql`
    CREATE TABLE customer_order (
      id uuid PRIMARY KEY,
      wallet_id uuid NOT NULL REFERENCES wallet,
      client_order_id text CHECK (char_length(client_order_id) BETWEEN 1 AND 128),
      asset text NOT NULL REFERENCES asset (code),
      side text NOT NULL CHECK (side IN ('buy', 'sell')),
      amount numeric NOT NULL CHECK (amount > 0 AND amount < 'Infinity'),
      rate_id uuid NOT NULL,
      price numeric NOT NULL CHECK (price > 0 AND price < 'Infinity'),
      total numeric NOT NULL CHECK (total > 0 AND total < 'Infinity'),
      hold_id uuid NOT NULL UNIQUE REFERENCES ledger_hold,
      is_aggregated boolean NOT NULL,
      state text NOT NULL
        CHECK (state IN ('pending', 'aggregated', 'submitted', 'completed', 'failed', 'cancelled')),
      version int NOT NULL CHECK (version > 0),
      reason text CHECK (reason <> ''),
      batch_id uuid REFERENCES settlement_batch,
      filled numeric CHECK (filled >= 0 AND filled <= amount),
      charged numeric CHECK (charged >= 0 AND charged <= total),
      created_at timestamptz(3) NOT NULL,
      updated_at timestamptz(3) NOT NULL,
      CONSTRAINT customer_order_client_id UNIQUE (wallet_id, client_order_id),
      CHECK ((batch_id IS NULL) = (state IN ('pending', 'aggregated', 'cancelled'))),
      CHECK ((filled IS NOT NULL) = (state IN ('completed', 'failed'))),
      CHECK ((charged IS NULL) = (filled IS NULL)),
      CHECK (state <> 'completed' OR filled > 0),
      CHECK (state <> 'failed' OR (filled = 0 AND charged = 0 AND reason IS NOT NULL)),
      CHECK (state <> 'pending' OR NOT is_aggregated),
      CHECK (state NOT IN ('aggregated', 'cancelled') OR is_aggregated)
    )`
  yield* sql`CREATE INDEX customer_order_wallet ON customer_order (wallet_id, id)`
  yield* sql`CREATE INDEX customer_order_batch ON customer_order (batch_id) WHERE batch_id IS NOT NULL`
  yield* sql`
    CREATE INDEX customer_order_waiting ON customer_order (asset, side, id) INCLUDE (total, created_at)
      WHERE state IN ('pending', 'aggregated')`
  yield* sql`
    CREATE INDEX customer_order_unsettled ON customer_order (created_at)
      WHERE state IN ('pending', 'aggregated', 'submitted')`
})

/** Only triggers write the events, so that no change of a state is without one. */
const createEvents = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`
    CREATE TABLE order_event (
      order_id uuid NOT NULL REFERENCES customer_order,
      version int NOT NULL,
      state text NOT NULL,
      reason text,
      at timestamptz(3) NOT NULL,
      PRIMARY KEY (order_id, version)
    )`
  yield* sql`
    CREATE TABLE settlement_event (
      batch_id uuid NOT NULL REFERENCES settlement_batch,
      version int NOT NULL,
      state text NOT NULL,
      term bigint NOT NULL,
      reason text,
      detail text,
      at timestamptz(3) NOT NULL,
      PRIMARY KEY (batch_id, version)
    )`
  yield* sql`
    CREATE FUNCTION record_order_event() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    BEGIN
      INSERT INTO order_event (order_id, version, state, reason, at)
        VALUES (NEW.id, NEW.version, NEW.state, NEW.reason, NEW.updated_at);
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE FUNCTION record_settlement_event() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    BEGIN
      IF TG_OP = 'INSERT' OR NEW.version <> OLD.version THEN
        INSERT INTO settlement_event (batch_id, version, state, term, reason, detail, at)
          VALUES (NEW.id, NEW.version, NEW.state, NEW.term, NEW.reason, NEW.detail, NEW.updated_at);
      END IF;
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE FUNCTION refuse_false_order_event() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    BEGIN
      IF NOT EXISTS (SELECT FROM customer_order AS subject WHERE subject.id = NEW.order_id
        AND (subject.version, subject.state, subject.updated_at) = (NEW.version, NEW.state, NEW.at)
        AND subject.reason IS NOT DISTINCT FROM NEW.reason)
      THEN
        RAISE EXCEPTION 'order % is not in the state of its event', NEW.order_id USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE FUNCTION refuse_false_settlement_event() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    BEGIN
      IF NOT EXISTS (SELECT FROM settlement_batch AS subject WHERE subject.id = NEW.batch_id
        AND (subject.version, subject.state, subject.term, subject.updated_at) = (NEW.version, NEW.state, NEW.term, NEW.at)
        AND subject.reason IS NOT DISTINCT FROM NEW.reason AND subject.detail IS NOT DISTINCT FROM NEW.detail)
      THEN
        RAISE EXCEPTION 'batch % is not in the state of its event', NEW.batch_id USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER true_event BEFORE INSERT ON order_event FOR EACH ROW EXECUTE FUNCTION refuse_false_order_event()`
  yield* sql`
    CREATE TRIGGER true_event BEFORE INSERT ON settlement_event FOR EACH ROW EXECUTE FUNCTION refuse_false_settlement_event()`
  yield* sql`
    CREATE TRIGGER recorded AFTER INSERT OR UPDATE ON customer_order FOR EACH ROW EXECUTE FUNCTION record_order_event()`
  yield* sql`
    CREATE TRIGGER recorded AFTER INSERT OR UPDATE ON settlement_batch FOR EACH ROW EXECUTE FUNCTION record_settlement_event()`
  for (const table of ["order_event", "settlement_event"]) {
    yield* sql`SELECT make_immutable(${table})`
    yield* sql`ALTER TABLE ${sql(table)} ENABLE ALWAYS TRIGGER true_event`
  }
  for (const table of ["customer_order", "settlement_batch"])
    yield* sql`ALTER TABLE ${sql(table)} ENABLE ALWAYS TRIGGER recorded`
})

const createBatchGuards = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`
    CREATE FUNCTION guard_settlement_batch() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    DECLARE
      decimals int;
      allocated numeric;
      unsettled bigint;
    BEGIN
      IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'reserved' OR NEW.version <> 1 THEN
          RAISE EXCEPTION 'a batch starts as reserved' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END IF;
      IF (NEW.id, NEW.asset, NEW.side, NEW.is_aggregated, NEW.orders, NEW.customer_amount, NEW.total, NEW.created_at)
          IS DISTINCT FROM (OLD.id, OLD.asset, OLD.side, OLD.is_aggregated, OLD.orders, OLD.customer_amount, OLD.total, OLD.created_at)
        OR (OLD.exchange_amount IS NOT NULL AND NEW.exchange_amount IS DISTINCT FROM OLD.exchange_amount)
        OR (OLD.filled IS NOT NULL AND (NEW.filled, NEW.cost, NEW.fee) IS DISTINCT FROM (OLD.filled, OLD.cost, OLD.fee))
        OR OLD.state = 'allocated'
      THEN
        RAISE EXCEPTION 'what batch % was made of is immutable', OLD.id USING ERRCODE = 'restrict_violation';
      END IF;
      IF NEW.state = OLD.state THEN
        IF (NEW.version, NEW.term, NEW.reason, NEW.detail, NEW.filled, NEW.updated_at)
          IS DISTINCT FROM (OLD.version, OLD.term, OLD.reason, OLD.detail, OLD.filled, OLD.updated_at)
        THEN
          RAISE EXCEPTION 'batch % changes only with its state', OLD.id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END IF;
      IF (OLD.state, NEW.state) NOT IN (('reserved', 'sent'), ('reserved', 'rejected'), ('sent', 'filled'),
          ('sent', 'rejected'), ('filled', 'allocated'), ('rejected', 'allocated'))
        OR NEW.version <> OLD.version + 1 OR NEW.term < OLD.term
      THEN
        RAISE EXCEPTION 'batch % cannot go from % to %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
      END IF;
      IF NEW.state = 'allocated' THEN
        SELECT asset.decimals INTO decimals FROM asset WHERE code = NEW.asset;
        SELECT coalesce(sum(filled), 0), count(*) FILTER (WHERE state NOT IN ('completed', 'failed'))
          INTO allocated, unsettled FROM customer_order WHERE batch_id = NEW.id;
        IF unsettled > 0 OR allocated + NEW.house_filled <> trunc(NEW.filled, decimals) THEN
          RAISE EXCEPTION 'the shares of batch % are not what was filled', OLD.id USING ERRCODE = 'check_violation';
        END IF;
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER guarded BEFORE INSERT OR UPDATE ON settlement_batch FOR EACH ROW EXECUTE FUNCTION guard_settlement_batch()`
  // At the commit: a batch has exactly the orders that it was made of.
  yield* sql`
    CREATE FUNCTION check_batch_orders() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    DECLARE
      found record;
    BEGIN
      SELECT count(*) AS orders, sum(amount) AS amount, sum(total) AS total,
          bool_and((asset, side, is_aggregated) = (NEW.asset, NEW.side, NEW.is_aggregated)) AS fit
        INTO found FROM customer_order WHERE batch_id = NEW.id;
      IF (found.orders, found.amount, found.total, found.fit)
        IS DISTINCT FROM (NEW.orders::bigint, NEW.customer_amount, NEW.total, true)
      THEN
        RAISE EXCEPTION 'batch % does not have the orders that it was made of', NEW.id USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE CONSTRAINT TRIGGER whole AFTER INSERT ON settlement_batch DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION check_batch_orders()`
  yield* sql`
    CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON settlement_batch FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`
  yield* sql`
    ALTER TABLE settlement_batch ENABLE ALWAYS TRIGGER guarded, ENABLE ALWAYS TRIGGER whole, ENABLE ALWAYS TRIGGER kept`
})

const createOrderGuards = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`
    CREATE FUNCTION guard_customer_order() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    DECLARE
      of_batch text;
    BEGIN
      IF TG_OP = 'INSERT' THEN
        IF NEW.state NOT IN ('pending', 'aggregated') OR NEW.version <> 1 OR NEW.updated_at <> NEW.created_at THEN
          RAISE EXCEPTION 'an order starts as pending or aggregated' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END IF;
      IF (NEW.id, NEW.wallet_id, NEW.client_order_id, NEW.asset, NEW.side, NEW.amount, NEW.rate_id, NEW.price, NEW.total,
            NEW.hold_id, NEW.is_aggregated, NEW.created_at)
          IS DISTINCT FROM (OLD.id, OLD.wallet_id, OLD.client_order_id, OLD.asset, OLD.side, OLD.amount, OLD.rate_id, OLD.price,
            OLD.total, OLD.hold_id, OLD.is_aggregated, OLD.created_at)
        OR (OLD.batch_id IS NOT NULL AND NEW.batch_id IS DISTINCT FROM OLD.batch_id)
      THEN
        RAISE EXCEPTION 'what order % promised is immutable', OLD.id USING ERRCODE = 'restrict_violation';
      END IF;
      IF (OLD.state, NEW.state) NOT IN (('pending', 'submitted'), ('aggregated', 'submitted'), ('aggregated', 'cancelled'),
          ('submitted', 'completed'), ('submitted', 'failed'))
        OR NEW.version <> OLD.version + 1
      THEN
        RAISE EXCEPTION 'order % cannot go from % to %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
      END IF;
      IF NEW.batch_id IS NOT NULL THEN
        SELECT state INTO of_batch FROM settlement_batch WHERE id = NEW.batch_id;
        IF (of_batch = ANY (CASE NEW.state WHEN 'submitted' THEN ARRAY['reserved']
          WHEN 'completed' THEN ARRAY['filled'] ELSE ARRAY['filled', 'rejected'] END)) IS NOT TRUE
        THEN
          RAISE EXCEPTION 'order % cannot be % while its batch is %', OLD.id, NEW.state, of_batch
            USING ERRCODE = 'restrict_violation';
        END IF;
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER guarded BEFORE INSERT OR UPDATE ON customer_order FOR EACH ROW EXECUTE FUNCTION guard_customer_order()`
  // At the commit: an order that ended has ended its hold by a transfer, and no other order has.
  yield* sql`
    CREATE FUNCTION check_order_hold() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    DECLARE
      has_ended boolean := EXISTS (SELECT FROM ledger_hold_end WHERE hold_id = NEW.hold_id AND transfer_id IS NOT NULL);
    BEGIN
      IF has_ended IS DISTINCT FROM (
        (SELECT state FROM customer_order WHERE id = NEW.id) IN ('completed', 'failed', 'cancelled'))
      THEN
        RAISE EXCEPTION 'the hold of order % does not agree with its state', NEW.id USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE CONSTRAINT TRIGGER held AFTER INSERT OR UPDATE ON customer_order DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION check_order_hold()`
  yield* sql`
    CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON customer_order FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`
  yield* sql`
    ALTER TABLE customer_order ENABLE ALWAYS TRIGGER guarded, ENABLE ALWAYS TRIGGER held, ENABLE ALWAYS TRIGGER kept`
})
