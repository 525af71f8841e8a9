import { Effect } from "effect"
import { SqlClient, type Statement } from "effect/sql"

/**
 * The index of the primary key of entries contains all their columns. The entries of an account are then next to each other in it,
 * although they are far apart in the table, and a page of a statement reads two blocks of the index instead of a block per entry.
 * Nodes of the previous version use it as well.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  yield* searchByIds(sql, sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`))
  // `src/platform/postgres/IndexBuilds.ts` has built it before, if the table had entries.
  yield* sql`
    CREATE UNIQUE INDEX IF NOT EXISTS ledger_entry_page
      ON ledger_entry (account_id, version) INCLUDE (transfer_id, asset, amount, balance)`
  yield* sql`
    ALTER TABLE ledger_entry
      DROP CONSTRAINT ledger_entry_pkey,
      ADD CONSTRAINT ledger_entry_pkey PRIMARY KEY USING INDEX ledger_entry_page`
  // It looks for the entry that was just inserted, for which an index never answers alone: trying costs a tenth of a posting.
  yield* sql`ALTER FUNCTION refuse_balance_without_entry() SET enable_indexonlyscan = off`
  // An index answers alone only for rows that a vacuum has seen. By default, the newest fifth of the table waits for it.
  yield* sql`
    ALTER TABLE ledger_entry
      SET (autovacuum_vacuum_insert_threshold = 100000, autovacuum_vacuum_insert_scale_factor = 0.01)`
})

/**
 * The last version of an account that was posted at or before a moment, or 0, as before. Ids of transfers are UUIDv7, which start with
 * the time of their creation, and the index of the entries has them. So the index alone nearly finds the version, and two transfers
 * confirm it. If their times do not confirm it, a binary search over the times follows, which never depends on the ids.
 */
const searchByIds = (sql: SqlClient.SqlClient, path: Statement.Fragment) => sql`
  CREATE OR REPLACE FUNCTION ledger_version_at(p_account bigint, p_latest bigint, p_moment timestamptz) RETURNS bigint
  LANGUAGE plpgsql STABLE ${path} SET enable_seqscan = off AS $$
  DECLARE
    low bigint := 0;
    high bigint := p_latest;
    middle bigint;
    probe bigint;
    -- The first id after the millisecond of the moment.
    v_next uuid := (lpad(to_hex(floor(least(greatest(extract(epoch FROM p_moment) * 1000, 0), 281474976710654))::bigint + 1), 12, '0')
      || repeat('0', 20))::uuid;
  BEGIN
    WHILE low < high LOOP
      middle := (low + high + 1) / 2;
      IF (SELECT transfer_id FROM ledger_entry WHERE account_id = p_account AND version = middle) < v_next
      THEN low := middle; ELSE high := middle - 1; END IF;
    END LOOP;
    -- The version after the guess first: a transfer is posted after its id was created, so the guess is seldom too small.
    probe := low + 1;
    middle := low;
    low := 0;
    high := p_latest;
    FOREACH probe IN ARRAY ARRAY[probe, middle] LOOP
      CONTINUE WHEN probe <= low OR probe > high;
      IF (SELECT transfer.posted_at FROM ledger_entry AS entry JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
          WHERE entry.account_id = p_account AND entry.version = probe) <= p_moment
      THEN low := probe; ELSE high := probe - 1; END IF;
    END LOOP;
    WHILE low < high LOOP
      middle := (low + high + 1) / 2;
      IF (SELECT transfer.posted_at FROM ledger_entry AS entry JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
          WHERE entry.account_id = p_account AND entry.version = middle) <= p_moment
      THEN low := middle; ELSE high := middle - 1; END IF;
    END LOOP;
    RETURN low;
  END $$`
