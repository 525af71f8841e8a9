import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Derived rates, and the indexes for history and point-in-time queries. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  // A leg is a quoted rate from which other rates are derived. It is never in force itself.
  yield* sql`ALTER TABLE exchange_rate ADD COLUMN is_leg boolean NOT NULL DEFAULT false`

  // The id determines the partition. With this constraint, a query by `observed_at` reads only the adjacent months.
  // NOT VALID, because ids from before this migration contain the time of recording.
  yield* sql`
    ALTER TABLE exchange_rate ADD CONSTRAINT exchange_rate_id_of_observed_at CHECK (
      id >= uuidv7_floor(greatest(observed_at - interval '24 hours', 'epoch'))
      AND id < uuidv7_floor(observed_at + interval '24 hours')
    ) NOT VALID`

  yield* sql`
    CREATE INDEX exchange_rate_in_force ON exchange_rate
      (source_currency, destination_currency, observed_at DESC, recorded_at DESC, id DESC) WHERE NOT is_leg`
  yield* sql`DROP INDEX exchange_rate_pair`

  // A month that already has rows in the default partition stays there: PostgreSQL rejects a partition for it.
  yield* sql`
    CREATE OR REPLACE FUNCTION ensure_monthly_partitions(parent regclass, first_month timestamptz, months int)
    RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
      month timestamptz;
      lower uuid;
      upper uuid;
      partition text;
      taken boolean;
    BEGIN
      PERFORM pg_advisory_xact_lock(hashtext('effex ' || parent::text));
      FOR month IN
        SELECT m AT TIME ZONE 'UTC' FROM generate_series(
          date_trunc('month', first_month AT TIME ZONE 'UTC'),
          date_trunc('month', first_month AT TIME ZONE 'UTC') + make_interval(months => months - 1),
          '1 month') AS m
      LOOP
        partition := format('%s_%s', parent, to_char(month AT TIME ZONE 'UTC', 'YYYY_MM'));
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        lower := uuidv7_floor(month);
        upper := uuidv7_floor((month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC');
        EXECUTE format('SELECT EXISTS (SELECT FROM %s_default WHERE id >= $1 AND id < $2)', parent)
          INTO taken USING lower, upper;
        CONTINUE WHEN taken;
        EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
          partition, parent, lower, upper);
        PERFORM make_immutable(partition::regclass);
      END LOOP;
    END $$`
})
