import { Effect } from "effect"
import { SqlClient, type Statement } from "effect/sql"

/**
 * Checks the orders of a batch once per statement instead of once per order, with the same guarantees. Nodes of the previous version
 * send the same statements.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  const path = sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`)
  yield* indexGivenIds(sql)
  yield* guardOrders(sql)
  yield* checkSettledOrders(sql, path)
  yield* checkHolds(sql, path)
  yield* replaceForeignKeys(sql, path)
  yield* simplifyNames(sql)
})

/** Most orders have no id of their client. `src/platform/postgres/IndexBuilds.ts` has built the index before, if there are orders. */
const indexGivenIds = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  yield* sql`
    CREATE UNIQUE INDEX IF NOT EXISTS customer_order_given_id
      ON customer_order (wallet_id, client_order_id) WHERE client_order_id IS NOT NULL`
  yield* sql`ALTER TABLE customer_order DROP CONSTRAINT customer_order_client_id`
  yield* sql`ALTER INDEX customer_order_given_id RENAME TO customer_order_client_id`
})

/** The ordinary steps of an order to and from a batch need no function for each row; `settled` looks at their batch. */
const guardOrders = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  yield* sql`DROP TRIGGER guarded ON customer_order`
  yield* sql`
    CREATE TRIGGER started BEFORE INSERT ON customer_order FOR EACH ROW EXECUTE FUNCTION guard_customer_order()`
  yield* sql`
    CREATE TRIGGER guarded BEFORE UPDATE ON customer_order FOR EACH ROW WHEN ((
      (NEW.id, NEW.wallet_id, NEW.client_order_id, NEW.asset, NEW.side, NEW.amount, NEW.rate_id, NEW.price, NEW.total, NEW.hold_id,
          NEW.is_aggregated, NEW.created_at)
        IS NOT DISTINCT FROM (OLD.id, OLD.wallet_id, OLD.client_order_id, OLD.asset, OLD.side, OLD.amount, OLD.rate_id, OLD.price,
          OLD.total, OLD.hold_id, OLD.is_aggregated, OLD.created_at)
      AND (OLD.batch_id IS NULL OR OLD.batch_id = NEW.batch_id)
      AND (OLD.state, NEW.state) IN (('pending', 'submitted'), ('aggregated', 'submitted'), ('submitted', 'completed'),
        ('submitted', 'failed'))
      AND NEW.version = OLD.version + 1) IS NOT TRUE) EXECUTE FUNCTION guard_customer_order()`
  yield* sql`ALTER TABLE customer_order ENABLE ALWAYS TRIGGER started, ENABLE ALWAYS TRIGGER guarded`
})

/** Each batch is looked up once, by a subquery: a join could be planned for another number of orders. */
const checkSettledOrders = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`
    CREATE FUNCTION check_settled_orders() RETURNS trigger LANGUAGE plpgsql ${path} SET enable_seqscan = off AS $$
    DECLARE bad record;
    BEGIN
      SELECT * INTO bad FROM (
          SELECT id, state, (SELECT batch.state FROM settlement_batch AS batch WHERE batch.id = batch_id) AS of_batch
          FROM (SELECT DISTINCT ON (batch_id, state) id, state, batch_id FROM changed WHERE batch_id IS NOT NULL) AS moved) AS found
        WHERE (of_batch = ANY (CASE state WHEN 'submitted' THEN ARRAY['reserved'] WHEN 'completed' THEN ARRAY['filled']
          ELSE ARRAY['filled', 'rejected'] END)) IS NOT TRUE LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'order % cannot be % while its batch is %', bad.id, bad.state, bad.of_batch
          USING ERRCODE = 'restrict_violation';
      END IF;
      -- No order joins a batch later.
      SELECT batch_id INTO bad FROM (SELECT DISTINCT batch_id FROM changed WHERE state = 'submitted') AS joined
        WHERE (SELECT count(*) FROM customer_order AS subject WHERE subject.batch_id = joined.batch_id)
          > (SELECT batch.orders FROM settlement_batch AS batch WHERE batch.id = joined.batch_id) LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'batch % does not have the orders that it was made of', bad.batch_id USING ERRCODE = 'check_violation';
      END IF;
      -- The end of a hold is immutable, so this is true at the commit too.
      SELECT id INTO bad FROM changed WHERE batch_id IS NOT NULL AND state IN ('completed', 'failed')
        AND (SELECT ended.transfer_id FROM ledger_hold_end AS ended WHERE ended.hold_id = changed.hold_id) IS NULL LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'the hold of order % does not agree with its state', bad.id USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE TRIGGER settled AFTER UPDATE ON customer_order REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION check_settled_orders()`
  yield* sql`ALTER TABLE customer_order ENABLE ALWAYS TRIGGER settled`
})

/**
 * At the commit, each order agrees with its hold: one without a batch by `held` and `released`, one that ended by `settled`, and one
 * that a batch was made of by `whole`.
 */
const checkHolds = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`DROP TRIGGER held ON customer_order`
  yield* sql`
    CREATE CONSTRAINT TRIGGER held AFTER INSERT ON customer_order DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION check_order_hold()`
  yield* sql`
    CREATE CONSTRAINT TRIGGER released AFTER UPDATE ON customer_order DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW WHEN (NEW.batch_id IS NULL) EXECUTE FUNCTION check_order_hold()`
  yield* sql`ALTER TABLE customer_order ENABLE ALWAYS TRIGGER held, ENABLE ALWAYS TRIGGER released`
  yield* sql`
    CREATE OR REPLACE FUNCTION check_batch_orders() RETURNS trigger LANGUAGE plpgsql ${path} SET enable_seqscan = off AS $$
    DECLARE
      found record;
    BEGIN
      SELECT count(*) AS orders, sum(amount) AS amount, sum(total) AS total,
          bool_and((asset, side, is_aggregated) = (NEW.asset, NEW.side, NEW.is_aggregated)) AS fit,
          bool_or(state = 'submitted'
            AND (SELECT ended.transfer_id FROM ledger_hold_end AS ended WHERE ended.hold_id = subject.hold_id) IS NOT NULL) AS released
        INTO found FROM customer_order AS subject WHERE batch_id = NEW.id;
      IF (found.orders, found.amount, found.total, found.fit)
        IS DISTINCT FROM (NEW.orders::bigint, NEW.customer_amount, NEW.total, true)
      THEN
        RAISE EXCEPTION 'batch % does not have the orders that it was made of', NEW.id USING ERRCODE = 'check_violation';
      END IF;
      IF found.released THEN
        RAISE EXCEPTION 'the hold of an order of batch % does not agree with its state', NEW.id USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$`
})

/** What the keys required is checked by `true_event`, `settled` and `ended`. No row of these tables is deleted. */
const replaceForeignKeys = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`ALTER TABLE order_event DROP CONSTRAINT order_event_order_id_fkey`
  yield* sql`ALTER TABLE customer_order DROP CONSTRAINT customer_order_batch_id_fkey`
  yield* sql`
    CREATE OR REPLACE FUNCTION remove_open_holds() RETURNS trigger LANGUAGE plpgsql ${path} SET enable_seqscan = off AS $$
    DECLARE bad record;
    BEGIN
      SELECT ended.hold_id, hold.amount, ended.posted, ended.outcome INTO bad
        FROM inserted AS ended LEFT JOIN ledger_hold AS hold ON hold.id = ended.hold_id
        WHERE hold.id IS NULL OR ended.posted > hold.amount
          OR (ended.outcome = 'expired' AND (hold.expires_at > ended.ended_at) IS NOT FALSE) LIMIT 1;
      IF FOUND AND bad.amount IS NULL THEN
        RAISE EXCEPTION 'end of hold %, which is not stored', bad.hold_id
          USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_hold_end_hold';
      END IF;
      IF FOUND THEN
        RAISE EXCEPTION 'hold % of % cannot end as % with %', bad.hold_id, bad.amount, bad.outcome, bad.posted
          USING ERRCODE = 'check_violation';
      END IF;
      DELETE FROM ledger_open_hold AS open USING inserted AS ended, ledger_hold AS hold
        WHERE hold.id = ended.hold_id AND open.account_id = hold.account_id AND open.hold_id = hold.id;
      RETURN NULL;
    END $$`
  yield* sql`ALTER TABLE ledger_hold_end DROP CONSTRAINT ledger_hold_end_hold_id_fkey`
})

/**
 * The same names are accepted. Constraints are checked by each update of an account, and a bounded repetition takes ten times as long.
 * Not validated, because all stored names satisfy them.
 */
const simplifyNames = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  for (const [table, column] of [
    ["ledger_account", "role"],
    ["ledger_transfer", "kind"]
  ] as const)
    yield* sql`
      ALTER TABLE ${sql(table)}
        DROP CONSTRAINT ${sql(`${table}_${column}_check`)},
        ADD CONSTRAINT ${sql(`${table}_${column}_check`)}
          CHECK (${sql(column)} ~ '^[a-z][a-z0-9._-]*$' AND char_length(${sql(column)}) <= 63) NOT VALID`
})
