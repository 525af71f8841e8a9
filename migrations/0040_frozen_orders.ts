import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Settles orders of frozen wallets. A freeze stops what the owner of an account does, not what the exchange has executed: the share of
 * an order is posted although an account of its user is frozen. All other entries and all new holds are refused as before.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  const path = sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`)
  // Items are numbered from 1; entries (l_), opened holds (o_) and ended holds (e_) are sorted by their item. One call is
  // one commit. Each item is posted as a whole or not at all, in order, and sees the items before it.
  yield* sql`
    CREATE OR REPLACE FUNCTION post_batch(
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
      a_frozen boolean[]; a_owned boolean[]; a_touched boolean[]; a_has_held boolean;
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
          array_agg(asset), array_agg(frozen_at IS NOT NULL), array_agg(owner IS NOT NULL), array_agg(false), bool_or(held > 0), max(moved_at)
        INTO a_id, a_balance, a_held, a_version, a_min, a_asset, a_frozen, a_owned, a_touched, a_has_held, v_posted_at
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
              ELSIF a_frozen[l_slot[i]] AND NOT (a_owned[l_slot[i]] AND p_kind[k] = 'order.settlement')
              THEN verdict := 'account_frozen'; END IF;
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
