import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Settings stored in the database, the history of their changes, and the trigger of each poll. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  // NULL: the value of the environment is in force.
  yield* sql`
    CREATE TABLE setting (
      name text PRIMARY KEY CHECK (name <> ''),
      value jsonb,
      version bigint NOT NULL CHECK (version > 0),
      updated_at timestamptz(3) NOT NULL,
      updated_by text NOT NULL CHECK (updated_by <> ''),
      CHECK (name <> 'poller' OR value IS NULL OR (
        jsonb_typeof(value -> 'enabled') = 'boolean'
        AND value ->> 'interval' ~ '^[1-9][0-9]{0,8} (millis|seconds?|minutes?|hours?|days?)$') IS TRUE)
    )`
  yield* sql`
    CREATE TABLE setting_change (
      name text NOT NULL REFERENCES setting (name),
      version bigint NOT NULL,
      principal text NOT NULL,
      changed_at timestamptz(3) NOT NULL,
      old_value jsonb,
      new_value jsonb,
      PRIMARY KEY (name, version)
    )`
  yield* sql`SELECT make_immutable('setting_change')`

  // A trigger writes the history, so that it also covers changes made outside of effex.
  yield* sql`
    CREATE FUNCTION keep_setting_change() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      before setting := CASE TG_OP WHEN 'UPDATE' THEN OLD END;
    BEGIN
      IF NEW.name <> COALESCE(before.name, NEW.name) OR NEW.version <> COALESCE(before.version, 0) + 1 THEN
        RAISE EXCEPTION 'each change of a setting is its next version, and % is not the one after %',
          NEW.version, COALESCE(before.version, 0) USING ERRCODE = 'restrict_violation';
      END IF;
      INSERT INTO setting_change (name, version, principal, changed_at, old_value, new_value)
      VALUES (NEW.name, NEW.version, NEW.updated_by, NEW.updated_at, before.value, NEW.value);
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE TRIGGER traced AFTER INSERT OR UPDATE ON setting FOR EACH ROW EXECUTE FUNCTION keep_setting_change()`
  yield* sql`
    CREATE FUNCTION refuse_setting_removal() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '% of setting is refused: a setting goes back to the environment with a change of its own', TG_OP
        USING ERRCODE = 'restrict_violation';
    END $$`
  yield* sql`
    CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON setting
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_setting_removal()`
  yield* sql`ALTER TABLE setting ENABLE ALWAYS TRIGGER traced, ENABLE ALWAYS TRIGGER kept`

  // Generated, so that nodes of the previous version, which do not set it, can poll during a rolling update.
  yield* sql`
    ALTER TABLE poll_run
      ADD COLUMN requested_by text CHECK (requested_by <> ''),
      ADD COLUMN trigger text NOT NULL GENERATED ALWAYS AS (
        CASE
          WHEN requested_by IS NOT NULL THEN 'demand'
          WHEN term IS NOT NULL THEN 'schedule'
          ELSE 'command-line'
        END
      ) STORED,
      ADD CHECK (requested_by IS NULL OR term IS NULL)`

  // Clocks of nodes differ, so the latest poll is found by number. Existing polls are numbered by start time.
  yield* sql`ALTER TABLE poll_run ADD COLUMN number bigint UNIQUE`
  yield* sql`
    UPDATE poll_run SET number = earlier.number
    FROM (SELECT id, row_number() OVER (ORDER BY started_at, id) AS number FROM poll_run) AS earlier
    WHERE earlier.id = poll_run.id`
  yield* sql`
    ALTER TABLE poll_run
      ALTER COLUMN number SET NOT NULL,
      ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY`
  yield* sql`
    SELECT setval(pg_get_serial_sequence('poll_run', 'number'), max(number)) FROM poll_run HAVING max(number) > 0`
})
