import { Effect } from "effect"
import { SqlClient, type Statement } from "effect/sql"

/**
 * Posts movements in one statement, and checks entries with fewer lookups. Nodes of the previous version call `risk_lock` and
 * `post_batch` as before.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  const path = sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`)
  yield* replaceGuards(sql, path)
  yield* createPostMovements(sql, path)
})

/**
 * The same guarantees as before. An entry continues its account, which continues its last entry; so the first entry of an
 * account in a statement is compared with the account, and each other one with the entry before it.
 */
const replaceGuards = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`
    CREATE OR REPLACE FUNCTION refuse_unbalanced_entries() RETURNS trigger LANGUAGE plpgsql ${path} SET enable_seqscan = off AS $$
    DECLARE bad record;
    BEGIN
      SELECT transfer_id, asset, sum(amount) AS total INTO bad FROM inserted
        GROUP BY transfer_id, asset HAVING sum(amount) <> 0 LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'transfer % is out of balance by % %', bad.transfer_id, bad.total, bad.asset
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_balanced';
      END IF;
      SELECT entry.account_id, entry.version INTO bad FROM (
          SELECT account_id, version, asset, balance - amount AS before,
            lag(version) OVER history AS previous, lag(balance) OVER history AS previous_balance,
            lag(asset) OVER history AS previous_asset
          FROM inserted WINDOW history AS (PARTITION BY account_id ORDER BY version)) AS entry
        LEFT JOIN ledger_account AS account
          ON account.id = CASE WHEN entry.previous IS NULL THEN entry.account_id END
        WHERE entry.version IS DISTINCT FROM coalesce(entry.previous, account.version) + 1
          OR entry.before IS DISTINCT FROM coalesce(entry.previous_balance, account.balance)
          OR entry.asset IS DISTINCT FROM coalesce(entry.previous_asset, account.asset) LIMIT 1;
      IF FOUND THEN
        PERFORM FROM ledger_account AS account JOIN inserted AS entry ON entry.account_id = account.id AND entry.asset = account.asset
          WHERE account.id = bad.account_id AND entry.version = bad.version;
        IF FOUND THEN
          RAISE EXCEPTION 'entry % of account % does not continue the previous one', bad.version, bad.account_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_continues';
        END IF;
        RAISE EXCEPTION 'entry % of account % does not fit its asset', bad.version, bad.account_id
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_asset';
      END IF;
      SELECT used.asset, used.decimals AS used, asset.decimals INTO bad FROM (
          SELECT asset, max(scale(trim_scale(amount))) AS decimals FROM inserted GROUP BY asset) AS used
        LEFT JOIN asset ON asset.code = used.asset
        WHERE (used.decimals <= asset.decimals) IS NOT TRUE LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'entry with % decimals does not fit its asset % with %', bad.used, bad.asset, bad.decimals
          USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_asset';
      END IF;
      SELECT moved.transfer_id INTO bad FROM (SELECT DISTINCT transfer_id FROM inserted) AS moved
        WHERE NOT EXISTS (SELECT FROM ledger_transfer WHERE id = moved.transfer_id) LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'entry of transfer %, which is not stored', bad.transfer_id
          USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_entry_transfer';
      END IF;
      RETURN NULL;
    END $$`

  yield* sql`
    CREATE OR REPLACE FUNCTION refuse_balance_without_entry() RETURNS trigger LANGUAGE plpgsql ${path} SET enable_seqscan = off AS $$
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
      SELECT changed.id INTO bad FROM changed WHERE CASE changed.held
        WHEN 0 THEN EXISTS (SELECT FROM ledger_open_hold WHERE account_id = changed.id)
        ELSE changed.held <> (SELECT coalesce(sum(amount), 0) FROM ledger_open_hold WHERE account_id = changed.id)
        END LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'what is held of account % is not the sum of its open holds', bad
          USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_account_held';
      END IF;
      RETURN NULL;
    END $$`
})

/**
 * Posts movements whose usage stays within all limits, and counts them, so that the ordinary case is one statement without a
 * transaction around it. Returns no row and does nothing if a limit may be exceeded: then the rules decide on each movement.
 *
 * `m_below`: the value that the day of a wallet must stay below in the asset, or NULL. `p_limits`: movements per hour and day,
 * values per hour and day, the same four of one asset, and small orders per hour.
 */
const createPostMovements = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  yield* sql`
    CREATE FUNCTION post_movements(
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
            OR (day_value >= below) IS TRUE END)
        INTO v_exceeds FROM (
          SELECT grouping(asset) AS grouping_of, max(hour) AS hour, min(below) AS below, sum(hour_count) AS hour_count,
            sum(hour_value) AS hour_value, sum(hour_small_orders) AS hour_small_orders, sum(day_count) AS day_count,
            sum(day_value) AS day_value
          FROM (
            SELECT wallet_id, asset, hour, NULL::numeric AS below,
              CASE WHEN hour >= p_hour THEN hour_count ELSE 0 END AS hour_count,
              CASE WHEN hour >= p_hour THEN hour_value ELSE 0 END AS hour_value,
              CASE WHEN hour >= p_hour THEN hour_small_orders ELSE 0 END AS hour_small_orders,
              CASE WHEN hour >= v_day THEN day_count ELSE 0 END AS day_count,
              CASE WHEN hour >= v_day THEN day_value ELSE 0 END AS day_value
            FROM risk_usage WHERE wallet_id = ANY (m_wallet)
            UNION ALL
            SELECT wallet, asset, p_hour, below, 1, value, is_small::int, 1, value
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
          day_amount = excluded.day_amount + CASE WHEN stored.hour >= v_day THEN stored.day_amount ELSE 0 END;
      RETURN QUERY SELECT item.ord::int, item.outcome, item.replayed, item.subject, item.account, item.available
        FROM unnest(r_outcome, r_replayed, r_subject, r_account, r_available)
          WITH ORDINALITY AS item (outcome, replayed, subject, account, available, ord);
    END $$`
})
