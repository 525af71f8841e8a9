import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Conversions and quotes have the number of the stored rate that they name. A value that was changed in a cache could
 * otherwise be converted at, and the record would name a rate with another number.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // A waiting CREATE TRIGGER blocks all quotes behind it. If a long read holds the lock, fail and retry later.
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  // As in 0011, whose function this replaces.
  const settings = sql.literal(
    `SET enable_seqscan = off SET search_path = ${here?.schema ?? "public"}, pg_temp`
  )

  yield* sql`
    CREATE OR REPLACE FUNCTION refuse_unknown_rate() RETURNS trigger LANGUAGE plpgsql ${settings} AS $$
    DECLARE
      referred record;
    BEGIN
      SELECT rate_id, source_currency, destination_currency, mid_rate INTO referred
      FROM (
        SELECT DISTINCT rate_id, source_currency, destination_currency, mid_rate FROM inserted
      ) AS conversion
      WHERE (
        SELECT stored.rate FROM exchange_rate AS stored
        WHERE stored.id = conversion.rate_id
          AND stored.source_currency = conversion.source_currency
          AND stored.destination_currency = conversion.destination_currency
      ) IS DISTINCT FROM mid_rate
      LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION '% refers to the rate % of %:% with the number %, which is not stored',
          TG_TABLE_NAME, referred.rate_id, referred.source_currency, referred.destination_currency, referred.mid_rate
          USING ERRCODE = 'foreign_key_violation';
      END IF;
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE TRIGGER known_rate AFTER INSERT ON quote REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_rate()`
})
