import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Months of rates that were exported and detached, so that nothing is answered as if they were empty. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`

  yield* sql`
    CREATE TABLE archived_partition (
      partition text PRIMARY KEY,
      parent text NOT NULL,
      start_at timestamptz(3) NOT NULL,
      until timestamptz(3) NOT NULL CHECK (until > start_at),
      digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
      manifest jsonb NOT NULL,
      principal text NOT NULL,
      detached_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
      dropped_at timestamptz(3)
    )`
  yield* sql`CREATE INDEX archived_partition_until ON archived_partition (parent, until)`
  yield* sql`
    CREATE FUNCTION guard_archived_partition() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.dropped_at IS NOT NULL OR to_jsonb(NEW) - 'dropped_at' <> to_jsonb(OLD) - 'dropped_at' THEN
        RAISE EXCEPTION 'an archived partition is dropped once, and nothing else of it changes'
          USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER guarded BEFORE UPDATE ON archived_partition
      FOR EACH ROW EXECUTE FUNCTION guard_archived_partition()`
  yield* sql`ALTER TABLE archived_partition ENABLE ALWAYS TRIGGER guarded`

  // An import into an archived month would be stored beside the archive, where no query finds it.
  yield* sql`
    CREATE OR REPLACE FUNCTION ensure_monthly_partitions(parent regclass, first_month timestamptz, months int)
    RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
      archived_until timestamptz;
    BEGIN
      SELECT max(archived.until) INTO archived_until FROM archived_partition AS archived
        WHERE archived.parent = ensure_monthly_partitions.parent::text;
      IF first_month < archived_until THEN
        RAISE EXCEPTION 'months of % before % are archived; restore them with effex archive restore', parent, archived_until;
      END IF;
      PERFORM add_monthly_partitions(parent, first_month, months);
      IF parent = 'conversion_audit'::regclass THEN
        PERFORM make_rates_known();
      END IF;
    END $$`
})
