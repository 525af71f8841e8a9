import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Replaces foreign keys into partitioned tables by triggers that check all rows of a statement at once, with the same
 * error. A foreign key into a table with many partitions costs more per row than the rest of a conversion. Checking on
 * insert is enough, because the referenced rows are never deleted.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // A waiting ALTER TABLE blocks all conversions behind it. If a long read holds the lock, fail and retry later.
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  // Forces an index lookup per row, whatever the table size was when the plan was cached. The search path prevents
  // temporary tables of the session from shadowing the real ones.
  const settings = sql.literal(
    `SET enable_seqscan = off SET search_path = ${here?.schema ?? "public"}, pg_temp`
  )

  yield* sql`
    CREATE FUNCTION refuse_unknown_rate() RETURNS trigger LANGUAGE plpgsql ${settings} AS $$
    DECLARE
      unknown uuid;
    BEGIN
      SELECT rate_id INTO unknown FROM (SELECT DISTINCT rate_id FROM inserted) AS referred
      WHERE (SELECT id FROM exchange_rate WHERE id = rate_id) IS NULL LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION '% refers to the rate %, which is not there', TG_TABLE_NAME, unknown
          USING ERRCODE = 'foreign_key_violation';
      END IF;
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE FUNCTION refuse_unknown_conversion() RETURNS trigger LANGUAGE plpgsql ${settings} AS $$
    DECLARE
      unknown uuid;
    BEGIN
      SELECT audit_id INTO unknown FROM inserted
      WHERE (SELECT id FROM conversion_audit WHERE id = audit_id) IS NULL LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION '% refers to the conversion %, which is not there', TG_TABLE_NAME, unknown
          USING ERRCODE = 'foreign_key_violation';
      END IF;
      RETURN NULL;
    END $$`

  // Statement triggers fire only for the table that the statement names, so each partition needs its own.
  yield* sql`
    CREATE FUNCTION make_rates_known() RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
      relation regclass;
    BEGIN
      FOR relation IN
        SELECT relid FROM pg_partition_tree('conversion_audit')
        WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = relid AND tgname = 'known_rate')
      LOOP
        EXECUTE format(
          'CREATE TRIGGER known_rate AFTER INSERT ON %s REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_rate()',
          relation);
      END LOOP;
    END $$`
  yield* sql`
    ALTER FUNCTION ensure_monthly_partitions(regclass, timestamptz, int) RENAME TO add_monthly_partitions`
  yield* sql`
    CREATE FUNCTION ensure_monthly_partitions(parent regclass, first_month timestamptz, months int)
    RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM add_monthly_partitions(parent, first_month, months);
      IF parent = 'conversion_audit'::regclass THEN
        PERFORM make_rates_known();
      END IF;
    END $$`

  yield* sql`ALTER TABLE conversion_audit DROP CONSTRAINT conversion_audit_rate_id_fkey`
  yield* sql`SELECT make_rates_known()`

  yield* sql`ALTER TABLE audit_seal DROP CONSTRAINT audit_seal_audit_id_fkey`
  yield* sql`
    CREATE TRIGGER known_conversion AFTER INSERT ON audit_seal REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_conversion()`

  // No check for audit_unsealed: only the statement that inserts the conversion inserts into it.
  yield* sql`ALTER TABLE audit_unsealed DROP CONSTRAINT audit_unsealed_audit_id_fkey`
})
