import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Leadership terms, which only grow, and the rates of each scheduled poll, at most one per pair. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE leader (
      name text PRIMARY KEY CHECK (name <> ''),
      term bigint NOT NULL CHECK (term > 0),
      taken_at timestamptz(3) NOT NULL
    )`
  yield* sql`
    CREATE FUNCTION refuse_old_term() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.name <> OLD.name OR NEW.term <= OLD.term THEN
        RAISE EXCEPTION 'the term of % only grows: % does not follow %', OLD.name, NEW.term, OLD.term
          USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`CREATE TRIGGER forward BEFORE UPDATE ON leader FOR EACH ROW EXECUTE FUNCTION refuse_old_term()`
  // A deleted term would restart at 1, and writes of former leaders would be accepted again.
  yield* sql`
    CREATE FUNCTION refuse_to_forget() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '% of % is refused: a term is never forgotten', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
    END $$`
  yield* sql`
    CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON leader FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_forget()`
  yield* sql`ALTER TABLE leader ENABLE ALWAYS TRIGGER forward, ENABLE ALWAYS TRIGGER kept`

  // NULL for a poll without a leader, such as one from the command line.
  yield* sql`
    ALTER TABLE poll_run
      ADD COLUMN term bigint CHECK (term > 0),
      ADD UNIQUE (term, started_at)`

  // A separate table, because exchange_rate is partitioned by id and cannot have another unique key.
  yield* sql`
    CREATE TABLE poll_rate (
      poll_run_id uuid NOT NULL REFERENCES poll_run (id),
      source_currency text NOT NULL,
      destination_currency text NOT NULL,
      rate_id uuid NOT NULL UNIQUE REFERENCES exchange_rate (id),
      PRIMARY KEY (poll_run_id, source_currency, destination_currency)
    )`
  yield* sql`SELECT make_immutable('poll_rate')`
})
