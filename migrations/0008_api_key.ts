import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** API keys. Only a hash identifies a key; the key itself is never stored. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  // SHA-256 without salt or stretching: each request looks its key up by hash, and 178 random bits cannot be guessed.
  yield* sql`
    CREATE TABLE api_key (
      id text PRIMARY KEY CHECK (id ~ '^key_[0-9A-Za-z]{12}$'),
      name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
      hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
      mode text NOT NULL CHECK (mode IN ('live', 'test')),
      last_four text NOT NULL CHECK (last_four ~ '^[0-9A-Za-z]{4}$'),
      scopes text[] NOT NULL CHECK (
        cardinality(scopes) > 0 AND scopes <@ ARRAY['rates:read', 'convert', 'audit:read', 'admin']),
      created_at timestamptz(3) NOT NULL,
      expires_at timestamptz(3) CHECK (expires_at > created_at),
      revoked_at timestamptz(3) CHECK (revoked_at >= created_at),
      last_used_at timestamptz(3)
    )`

  yield* sql`
    CREATE FUNCTION refuse_key_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF to_jsonb(NEW) - '{revoked_at,last_used_at}'::text[] <> to_jsonb(OLD) - '{revoked_at,last_used_at}'::text[]
        OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at)
        OR (OLD.last_used_at IS NOT NULL AND (NEW.last_used_at >= OLD.last_used_at) IS NOT TRUE)
      THEN
        RAISE EXCEPTION 'a key is revoked once and for ever, and nothing else of it changes but its last use'
          USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`CREATE TRIGGER locked BEFORE UPDATE ON api_key FOR EACH ROW EXECUTE FUNCTION refuse_key_change()`

  yield* sql`
    CREATE FUNCTION refuse_key_removal() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '% of api_key is refused: a key is revoked, and stays known', TG_OP
        USING ERRCODE = 'restrict_violation';
    END $$`
  yield* sql`
    CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON api_key
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_key_removal()`
  yield* sql`ALTER TABLE api_key ENABLE ALWAYS TRIGGER locked`
  yield* sql`ALTER TABLE api_key ENABLE ALWAYS TRIGGER kept`
})
