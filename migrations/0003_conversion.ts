import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Quotes, immutable conversion records, and the responses stored under idempotency keys. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  /** Numbers of a conversion, with checks that derive each one from the others. */
  const numbers = sql.literal(`
    source_currency text NOT NULL CHECK (source_currency ~ '^[A-Z]{3}$'),
    destination_currency text NOT NULL CHECK (destination_currency ~ '^[A-Z]{3}$'),
    amount_type text NOT NULL CHECK (amount_type IN ('source', 'target')),
    input_amount numeric NOT NULL CHECK (input_amount > 0 AND input_amount < 1e18),
    output_amount numeric NOT NULL CHECK (output_amount > 0 AND output_amount < 1e18),
    mid_rate numeric NOT NULL CHECK (mid_rate > 0),
    margin numeric NOT NULL CHECK (margin >= 0 AND margin < 1),
    rate numeric NOT NULL CHECK (rate = mid_rate * (1 - margin)),
    exact_output numeric NOT NULL CHECK (exact_output = input_amount * rate),
    residual numeric NOT NULL CHECK (residual >= 0 AND residual = exact_output - output_amount),
    rate_id uuid NOT NULL REFERENCES exchange_rate (id),
    provider text NOT NULL,
    rate_fetched_at timestamptz(3) NOT NULL,
    stale boolean NOT NULL,
    reference text CHECK (char_length(reference) BETWEEN 1 AND 100),
    principal text NOT NULL,
    CHECK (source_currency <> destination_currency)`)

  yield* sql`
    CREATE TABLE quote (
      id uuid PRIMARY KEY,
      ${numbers},
      created_at timestamptz(3) NOT NULL,
      expires_at timestamptz(3) NOT NULL CHECK (expires_at > created_at),
      used_by uuid UNIQUE
    )`
  yield* sql`
    CREATE FUNCTION refuse_quote_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.used_by IS NOT NULL OR to_jsonb(NEW) - 'used_by' <> to_jsonb(OLD) - 'used_by' THEN
        RAISE EXCEPTION 'a quote is used once, and nothing else of it changes' USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`CREATE TRIGGER locked BEFORE UPDATE ON quote FOR EACH ROW EXECUTE FUNCTION refuse_quote_change()`

  yield* sql`
    CREATE TABLE conversion_audit (
      id uuid PRIMARY KEY,
      ${numbers},
      quote_id uuid REFERENCES quote (id),
      converted_at timestamptz(3) NOT NULL
    ) PARTITION BY RANGE (id)`
  yield* sql`CREATE INDEX conversion_audit_reference ON conversion_audit (reference, id DESC)`
  yield* sql`
    CREATE INDEX conversion_audit_pair ON conversion_audit (source_currency, destination_currency, id DESC)`
  yield* sql`SELECT make_immutable('conversion_audit')`
  yield* sql`CREATE TABLE conversion_audit_default PARTITION OF conversion_audit DEFAULT`
  yield* sql`SELECT make_immutable('conversion_audit_default')`
  yield* sql`SELECT ensure_monthly_partitions('conversion_audit', now(), 12)`

  yield* sql`
    CREATE TABLE idempotency (
      principal text NOT NULL,
      route text NOT NULL,
      key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
      request_hash text NOT NULL,
      answer text NOT NULL,
      created_at timestamptz(3) NOT NULL,
      PRIMARY KEY (principal, route, key)
    )`
})
