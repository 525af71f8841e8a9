import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * The normal form of payment references, by which a reference completes only one request. effex computes it, because
 * `lower()` of a database without a Unicode locale only knows ASCII. Rows of before have none: they are found by the index
 * `funding_request_reference`, which stays.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  yield* sql`
    ALTER TABLE funding_request
      ADD COLUMN reference_key text,
      ADD CONSTRAINT funding_request_reference_key_check CHECK (reference_key IS NULL OR reference IS NOT NULL) NOT VALID`
  yield* sql`
    CREATE UNIQUE INDEX funding_request_reference_key ON funding_request (reference_key)
      WHERE reference_key IS NOT NULL`
  // Nodes of the previous version write no key.
  yield* sql`
    CREATE FUNCTION set_reference_key() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.reference_key := lower(regexp_replace(NEW.reference, '\\s', '', 'g'));
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER keyed BEFORE UPDATE ON funding_request FOR EACH ROW
      WHEN (NEW.reference IS NOT NULL AND NEW.reference_key IS NULL) EXECUTE FUNCTION set_reference_key()`
  yield* sql`ALTER TABLE funding_request ENABLE ALWAYS TRIGGER keyed`
})
