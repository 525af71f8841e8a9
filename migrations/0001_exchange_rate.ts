import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Immutable exchange rates, partitioned by month, and the latest rate of each pair. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '% of % is refused: its rows are never changed, a correction is a new row', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
    END $$`

  // ALWAYS, so that the trigger also fires when session_replication_role is `replica`.
  yield* sql`
    CREATE FUNCTION make_immutable(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
      EXECUTE format(
        'CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
        relation);
      EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER immutable', relation);
    END $$`

  // The first 48 bits of a UUIDv7 are milliseconds since 1970 (RFC 9562).
  yield* sql`
    CREATE FUNCTION uuidv7_floor(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
      SELECT (rpad(lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0'), 32, '0'))::uuid
    $$`

  // Statement triggers fire only for the table that the statement names, so each partition needs its own.
  yield* sql`
    CREATE FUNCTION ensure_monthly_partitions(parent regclass, first_month timestamptz, months int)
    RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
      month timestamptz;
      partition text;
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
        EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
          partition, parent, uuidv7_floor(month),
          uuidv7_floor((month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'));
        PERFORM make_immutable(partition::regclass);
      END LOOP;
    END $$`

  yield* sql`CREATE SEQUENCE exchange_rate_sequence`
  yield* sql`
    CREATE TABLE exchange_rate (
      id uuid PRIMARY KEY,
      source_currency text NOT NULL CHECK (source_currency ~ '^[A-Z]{3}$'),
      destination_currency text NOT NULL CHECK (destination_currency ~ '^[A-Z]{3}$'),
      rate numeric NOT NULL CHECK (rate > 0 AND rate < 'Infinity'),
      source_amount numeric NOT NULL CHECK (source_amount > 0 AND source_amount < 'Infinity'),
      destination_amount numeric NOT NULL CHECK (destination_amount > 0 AND destination_amount < 'Infinity'),
      provider text NOT NULL CHECK (provider <> ''),
      provider_rate text NOT NULL,
      derived_from uuid[] CHECK (cardinality(derived_from) > 0),
      raw jsonb NOT NULL,
      observed_at timestamptz(3) NOT NULL,
      recorded_at timestamptz(3) NOT NULL,
      sequence bigint NOT NULL DEFAULT nextval('exchange_rate_sequence'),
      CHECK (source_currency <> destination_currency)
    ) PARTITION BY RANGE (id)`
  yield* sql`ALTER SEQUENCE exchange_rate_sequence OWNED BY exchange_rate.sequence`
  yield* sql`
    CREATE INDEX exchange_rate_pair ON exchange_rate
      (source_currency, destination_currency, observed_at DESC, recorded_at DESC)`
  yield* sql`SELECT make_immutable('exchange_rate')`
  // Receives rows outside all monthly partitions, so that an insert never fails because a partition is missing.
  yield* sql`CREATE TABLE exchange_rate_default PARTITION OF exchange_rate DEFAULT`
  yield* sql`SELECT make_immutable('exchange_rate_default')`
  yield* sql`SELECT ensure_monthly_partitions('exchange_rate', now(), 12)`

  yield* sql`
    CREATE TABLE latest_rate (
      source_currency text NOT NULL,
      destination_currency text NOT NULL,
      rate_id uuid NOT NULL REFERENCES exchange_rate (id),
      observed_at timestamptz(3) NOT NULL,
      PRIMARY KEY (source_currency, destination_currency)
    )`
  yield* sql`
    CREATE FUNCTION refuse_step_back() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF (NEW.observed_at, NEW.rate_id) <= (OLD.observed_at, OLD.rate_id) THEN
        RAISE EXCEPTION 'the latest rate of %:% only moves forward', OLD.source_currency, OLD.destination_currency
          USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER forward BEFORE UPDATE ON latest_rate FOR EACH ROW EXECUTE FUNCTION refuse_step_back()`
})
