import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * A session that a reused refresh token ends, ends at the time of PostgreSQL, like one that ends in any other way: other nodes
 * look for ended sessions by this time. The time of the caller still decides about the grace and the expiry.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  const path = sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`)

  yield* sql`
    CREATE OR REPLACE FUNCTION rotate_refresh_token(
      token bytea, successor bytea, at timestamptz, lifetime interval, grace interval, recovery interval,
      OUT outcome text, OUT session uuid
    ) LANGUAGE plpgsql ${path} AS $$
    DECLARE
      used refresh_token;
      family session;
    BEGIN
      SELECT * INTO used FROM refresh_token WHERE hash = token FOR UPDATE;
      IF NOT FOUND THEN
        outcome := 'unknown';
        RETURN;
      END IF;
      SELECT * INTO family FROM session WHERE id = used.session_id FOR UPDATE;
      session := family.id;
      IF family.revoked_at IS NOT NULL THEN
        outcome := 'revoked';
      ELSIF family.expires_at <= at THEN
        outcome := 'expired';
      ELSIF used.used_at IS NULL THEN
        UPDATE refresh_token SET used_at = at WHERE hash = token;
        INSERT INTO refresh_token (hash, session_id, parent, created_at) VALUES (successor, family.id, token, at);
        UPDATE session SET last_used_at = greatest(last_used_at, at), expires_at = greatest(expires_at, at + lifetime)
        WHERE id = family.id;
        outcome := 'rotated';
      ELSIF used.used_at > at - grace THEN
        outcome := 'again';
      ELSIF used.used_at > at - recovery
        AND EXISTS (SELECT FROM refresh_token AS next WHERE next.parent = token AND next.used_at IS NULL)
      THEN
        outcome := 'again';
      ELSE
        UPDATE session SET revoked_at = greatest(created_at, now()), revoked_for = 'reuse' WHERE id = family.id;
        outcome := 'reuse';
      END IF;
    END $$`
})
