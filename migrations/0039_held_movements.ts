import { Effect } from "effect"
import { SqlClient, type Statement } from "effect/sql"

/**
 * Orders and conversions that are held for review. Nodes of the previous version neither execute them nor decide on them: they do
 * not look for the state of such an order, and their decisions fail.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  const path = sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`)
  yield* addHeldOrders(sql, path)
  yield* addReviewEnds(sql, path)
  yield* addPreviousDay(sql, path)
})

const addHeldOrders = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  // Not validated, because all stored orders satisfy the stricter constraints before.
  yield* sql`
    ALTER TABLE customer_order
      DROP CONSTRAINT customer_order_state_check,
      DROP CONSTRAINT customer_order_check2,
      DROP CONSTRAINT customer_order_check8,
      ADD CONSTRAINT customer_order_state_check CHECK (state IN
        ('held-for-review', 'pending', 'aggregated', 'submitted', 'completed', 'failed', 'cancelled')) NOT VALID,
      ADD CONSTRAINT customer_order_batch_check CHECK (CASE state WHEN 'submitted' THEN batch_id IS NOT NULL
        WHEN 'completed' THEN batch_id IS NOT NULL WHEN 'failed' THEN true ELSE batch_id IS NULL END) NOT VALID,
      ADD CONSTRAINT customer_order_pool_check CHECK (state <> 'aggregated' OR is_aggregated) NOT VALID`
  yield* sql`CREATE INDEX IF NOT EXISTS customer_order_held ON customer_order (id) WHERE state = 'held-for-review'`
  yield* sql`
    CREATE OR REPLACE FUNCTION guard_customer_order() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    DECLARE
      of_batch text;
    BEGIN
      IF TG_OP = 'INSERT' THEN
        IF NEW.state NOT IN ('held-for-review', 'pending', 'aggregated') OR NEW.version <> 1
          OR NEW.updated_at <> NEW.created_at
        THEN
          RAISE EXCEPTION 'an order starts as held-for-review, pending or aggregated' USING ERRCODE = 'restrict_violation';
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
      IF (OLD.state, NEW.state) NOT IN (('held-for-review', 'pending'), ('held-for-review', 'aggregated'),
          ('held-for-review', 'failed'), ('held-for-review', 'cancelled'), ('pending', 'submitted'),
          ('aggregated', 'submitted'), ('aggregated', 'cancelled'), ('submitted', 'completed'), ('submitted', 'failed'))
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
  // At the commit: its review says why an order is not held any more.
  yield* sql`
    CREATE FUNCTION check_reviewed_order() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    DECLARE
      outcome text;
      expires_at timestamptz;
    BEGIN
      SELECT ended.outcome, review.expires_at INTO outcome, expires_at FROM risk_review AS review
        LEFT JOIN risk_review_end AS ended ON ended.review_id = review.id WHERE review.id = NEW.id;
      IF (CASE NEW.state WHEN 'failed' THEN outcome IN ('approved', 'rejected') OR (outcome IS NULL AND expires_at <= NEW.updated_at)
        WHEN 'cancelled' THEN outcome = 'cancelled' ELSE outcome = 'approved' END) IS NOT TRUE
      THEN
        RAISE EXCEPTION 'order % is % although its review is %', NEW.id, NEW.state, coalesce(outcome, 'pending')
          USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE CONSTRAINT TRIGGER reviewed AFTER UPDATE ON customer_order DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW WHEN (OLD.state = 'held-for-review') EXECUTE FUNCTION check_reviewed_order()`
  yield* sql`ALTER TABLE customer_order ENABLE ALWAYS TRIGGER reviewed`
})

/** A user can cancel what is held. At the commit, a decision has had its effect on what it decides on. */
const addReviewEnds = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`
    ALTER TABLE risk_review_end
      DROP CONSTRAINT risk_review_end_outcome_check,
      ADD CONSTRAINT risk_review_end_outcome_check CHECK (outcome IN ('approved', 'rejected', 'cancelled'))`
  yield* sql`
    CREATE FUNCTION check_review_end() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    DECLARE
      reviewed text;
    BEGIN
      SELECT decision.kind INTO reviewed FROM risk_review AS review
        JOIN risk_decision AS decision ON decision.id = review.decision_id WHERE review.id = NEW.review_id;
      IF reviewed = 'order' AND EXISTS (
        SELECT FROM customer_order WHERE id = NEW.review_id AND state = 'held-for-review')
      THEN
        RAISE EXCEPTION 'order % is still held although its review is %', NEW.review_id, NEW.outcome
          USING ERRCODE = 'check_violation';
      END IF;
      IF reviewed = 'conversion' AND NEW.outcome = 'approved' AND NOT EXISTS (
        SELECT FROM ledger_transfer WHERE id = NEW.transfer_id AND details ->> 'conversion_id' = NEW.transfer_id::text)
      THEN
        RAISE EXCEPTION 'conversion % is approved without its record in the audit', NEW.review_id
          USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE CONSTRAINT TRIGGER decided AFTER INSERT ON risk_review_end DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION check_review_end()`
  yield* sql`ALTER TABLE risk_review_end ENABLE ALWAYS TRIGGER decided`
})

/** The value of the day before too, so that a window over midnight does not start again. */
const addPreviousDay = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`
    ALTER TABLE risk_usage ADD COLUMN previous_day_value numeric NOT NULL DEFAULT 0
      CHECK (previous_day_value >= 0 AND previous_day_value < 'Infinity')`
  yield* sql`
    CREATE OR REPLACE FUNCTION post_movements(
      p_id uuid[], p_kind text[], p_principal text[], p_key text[], p_hash text[], p_details text[],
      l_item int[], l_account bigint[], l_amount numeric[],
      o_item int[], o_id uuid[], o_account bigint[], o_amount numeric[], o_expires timestamptz[],
      e_item int[], e_hold uuid[], e_how text[], e_posted numeric[],
      m_item int[], m_wallet uuid[], m_asset text[], m_amount numeric[], m_value numeric[], m_is_small boolean[], m_below numeric[],
      p_hour timestamptz, p_limits numeric[]
    ) RETURNS TABLE (n int, outcome text, replayed boolean, subject uuid, account_id bigint, available numeric)
    LANGUAGE plpgsql ${path} SET enable_seqscan = off AS $$
    #variable_conflict use_column
    DECLARE
      v_day timestamptz := date_trunc('day', p_hour, 'UTC');
      v_previous_day timestamptz := v_day - interval '24 hours';
      v_exceeds boolean;
      r_outcome text[]; r_replayed boolean[]; r_subject uuid[]; r_account bigint[]; r_available numeric[];
    BEGIN
      -- As risk_lock does: in one order, and before any account. Each later statement sees what was committed before it.
      PERFORM pg_advisory_xact_lock(key) FROM (
        SELECT DISTINCT hashtextextended(wallet::text, 29) AS key FROM unnest(m_wallet) AS wallet ORDER BY 1) AS keys;
      -- With every movement of the call, although some may be refused. An hour after this one is that of a clock ahead.
      SELECT bool_or(used.hour > p_hour OR CASE grouping_of WHEN 1
          THEN hour_count > p_limits[1] OR day_count > p_limits[2] OR hour_value > p_limits[3] OR day_value > p_limits[4]
            OR hour_small_orders > p_limits[9]
          ELSE hour_count > p_limits[5] OR day_count > p_limits[6] OR hour_value > p_limits[7] OR day_value > p_limits[8]
            OR (day_value + previous_day_value >= below) IS TRUE END)
        INTO v_exceeds FROM (
          SELECT grouping(asset) AS grouping_of, max(hour) AS hour, min(below) AS below, sum(hour_count) AS hour_count,
            sum(hour_value) AS hour_value, sum(hour_small_orders) AS hour_small_orders, sum(day_count) AS day_count,
            sum(day_value) AS day_value, sum(previous_day_value) AS previous_day_value
          FROM (
            SELECT wallet_id, asset, hour, NULL::numeric AS below,
              CASE WHEN hour >= p_hour THEN hour_count ELSE 0 END AS hour_count,
              CASE WHEN hour >= p_hour THEN hour_value ELSE 0 END AS hour_value,
              CASE WHEN hour >= p_hour THEN hour_small_orders ELSE 0 END AS hour_small_orders,
              CASE WHEN hour >= v_day THEN day_count ELSE 0 END AS day_count,
              CASE WHEN hour >= v_day THEN day_value ELSE 0 END AS day_value,
              CASE WHEN hour >= v_day THEN previous_day_value WHEN hour >= v_previous_day THEN day_value ELSE 0 END
                AS previous_day_value
            FROM risk_usage WHERE wallet_id = ANY (m_wallet)
            UNION ALL
            SELECT wallet, asset, p_hour, below, 1, value, is_small::int, 1, value, 0
            FROM unnest(m_wallet, m_asset, m_value, m_is_small, m_below) AS moved (wallet, asset, value, is_small, below)) AS usage
          GROUP BY GROUPING SETS ((wallet_id, asset), (wallet_id))) AS used;
      IF v_exceeds THEN RETURN; END IF;
      SELECT array_agg(posted.outcome ORDER BY posted.n), array_agg(posted.replayed ORDER BY posted.n),
          array_agg(posted.subject ORDER BY posted.n), array_agg(posted.account_id ORDER BY posted.n),
          array_agg(posted.available ORDER BY posted.n)
        INTO r_outcome, r_replayed, r_subject, r_account, r_available
        FROM post_batch(p_id, p_kind, p_principal, p_key, p_hash, p_details, l_item, l_account, l_amount,
          o_item, o_id, o_account, o_amount, o_expires, e_item, e_hold, e_how, e_posted) AS posted;
      INSERT INTO risk_usage AS stored
          (wallet_id, asset, hour, hour_count, hour_value, hour_small_orders, day_count, day_value, day_amount)
        SELECT wallet, asset, p_hour, count(*), sum(value), count(*) FILTER (WHERE is_small), count(*), sum(value), sum(amount)
        FROM unnest(m_item, m_wallet, m_asset, m_amount, m_value, m_is_small) AS moved (item, wallet, asset, amount, value, is_small)
        WHERE r_outcome[item] = 'posted' AND NOT r_replayed[item] GROUP BY wallet, asset
        ON CONFLICT (wallet_id, asset) DO UPDATE SET hour = excluded.hour,
          hour_count = excluded.hour_count + CASE WHEN stored.hour = p_hour THEN stored.hour_count ELSE 0 END,
          hour_value = excluded.hour_value + CASE WHEN stored.hour = p_hour THEN stored.hour_value ELSE 0 END,
          hour_small_orders = excluded.hour_small_orders
            + CASE WHEN stored.hour = p_hour THEN stored.hour_small_orders ELSE 0 END,
          day_count = excluded.day_count + CASE WHEN stored.hour >= v_day THEN stored.day_count ELSE 0 END,
          day_value = excluded.day_value + CASE WHEN stored.hour >= v_day THEN stored.day_value ELSE 0 END,
          day_amount = excluded.day_amount + CASE WHEN stored.hour >= v_day THEN stored.day_amount ELSE 0 END,
          previous_day_value = CASE WHEN stored.hour >= v_day THEN stored.previous_day_value
            WHEN stored.hour >= v_previous_day THEN stored.day_value ELSE 0 END;
      RETURN QUERY SELECT item.ord::int, item.outcome, item.replayed, item.subject, item.account, item.available
        FROM unnest(r_outcome, r_replayed, r_subject, r_account, r_available)
          WITH ORDINALITY AS item (outcome, replayed, subject, account, available, ord);
    END $$`
})
