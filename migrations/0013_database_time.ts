import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Keeps rates of a wrong clock from being in force: the clock of the database decides what is in the future. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // A waiting ALTER TABLE blocks all conversions behind it. If a long read holds the lock, fail and retry later.
  yield* sql`SET LOCAL lock_timeout = '500ms'`

  // Nodes know the time of the database to within a round trip.
  yield* sql`
    CREATE FUNCTION is_future(moment timestamptz) RETURNS boolean LANGUAGE sql VOLATILE AS $$
      SELECT moment > clock_timestamp() + interval '1 second'
    $$`

  // Rates of the previous release carry the clock of their node. A rate that was recorded in the future is given the
  // present time. Its id keeps its time, which may differ from `observed_at` by 24 hours at most: a clock that is wrong by
  // more is refused.
  yield* sql`
    CREATE FUNCTION stamp_future_rate() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      present timestamptz := clock_timestamp();
    BEGIN
      IF NEW.recorded_at > present + interval '24 hours' THEN
        RAISE EXCEPTION 'a rate of %:% is recorded at %, but it is %; correct the clock of the node or of the database',
          NEW.source_currency, NEW.destination_currency, NEW.recorded_at, present
          USING ERRCODE = 'datetime_field_overflow';
      END IF;
      NEW.recorded_at := present;
      NEW.observed_at := least(NEW.observed_at, present);
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER present BEFORE INSERT ON exchange_rate FOR EACH ROW
    WHEN (NEW.recorded_at > clock_timestamp() + interval '1 second') EXECUTE FUNCTION stamp_future_rate()`

  // If the clock of the database itself was ahead, its rates are in the future when it is right again.
  yield* sql`
    CREATE TABLE withdrawn_rate (
      rate_id uuid PRIMARY KEY,
      withdrawn_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
    )`
  yield* sql`SELECT make_immutable('withdrawn_rate')`

  // The ids of these rates are in the future too, because they contain the time of observation. Imports, which store past
  // rates, are not withdrawn.
  yield* sql`
    CREATE FUNCTION withdraw_future_rates() RETURNS bigint LANGUAGE sql VOLATILE AS $$
      WITH withdrawn AS (
        INSERT INTO withdrawn_rate (rate_id)
        SELECT id FROM exchange_rate WHERE id >= uuidv7_floor(now()) AND is_future(recorded_at) ORDER BY id
        ON CONFLICT (rate_id) DO NOTHING
        RETURNING rate_id
      )
      SELECT count(*) FROM withdrawn
    $$`

  yield* sql`
    CREATE FUNCTION last_credible_rate(source text, destination text) RETURNS uuid LANGUAGE sql STABLE AS $$
      SELECT id FROM exchange_rate
      WHERE source_currency = source AND destination_currency = destination AND NOT is_leg
        AND observed_at <= now() + interval '1 second'
        AND NOT EXISTS (SELECT FROM withdrawn_rate WHERE rate_id = id)
      ORDER BY observed_at DESC, recorded_at DESC, id DESC LIMIT 1
    $$`
  // The latest rate of each pair, without those of a wrong clock. The id is NULL if a pair has no other rate.
  yield* sql`
    CREATE VIEW rate_in_force AS
    SELECT source_currency, destination_currency, latest_rate.rate_id AS latest_id,
      CASE WHEN is_future(observed_at) OR withdrawn_rate.rate_id IS NOT NULL
        THEN last_credible_rate(source_currency, destination_currency) ELSE latest_rate.rate_id END AS rate_id
    FROM latest_rate LEFT JOIN withdrawn_rate USING (rate_id)`

  yield* sql`
    CREATE OR REPLACE FUNCTION refuse_step_back() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF (NEW.observed_at, NEW.rate_id) <= (OLD.observed_at, OLD.rate_id) THEN
        IF NOT is_future(OLD.observed_at)
          AND NOT EXISTS (SELECT FROM withdrawn_rate WHERE rate_id = OLD.rate_id)
        THEN
          RAISE EXCEPTION 'the latest rate of %:% only moves forward', OLD.source_currency, OLD.destination_currency
            USING ERRCODE = 'restrict_violation';
        END IF;
        PERFORM withdraw_future_rates();
      END IF;
      RETURN NEW;
    END $$`
})
