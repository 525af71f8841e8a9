import { Effect } from "effect"
import { SqlClient, type Statement } from "effect/sql"

/** A sign-in in few round trips. Nodes of the previous version run the same statements one by one. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  const path = sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`)
  yield* createCounts(sql, path)
  yield* createSessionOpening(sql, path)
})

const createCounts = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, path: Statement.Fragment) {
  // A count of zero cannot be stored: its window is over instead.
  yield* sql`
    CREATE FUNCTION refund_attempt(subjects bytea[], limits int[], windows interval[], resets boolean[])
    RETURNS void LANGUAGE plpgsql ${path} AS $$
    BEGIN
      FOR i IN 1 .. cardinality(subjects) LOOP
        IF resets[i] THEN
          DELETE FROM login_failure WHERE subject = subjects[i];
        ELSE
          UPDATE login_failure SET
            failures = greatest(least(failures, limits[i]) - 1, 1),
            first_at = CASE WHEN failures = 1 THEN first_at - windows[i] ELSE first_at END,
            blocked_until = CASE WHEN failures = 1 THEN NULL ELSE blocked_until END
          WHERE subject = subjects[i];
        END IF;
      END LOOP;
    END $$`
  // In the order of the subjects, like refunds, so that none can deadlock. The first subject that refuses the attempt takes back
  // the counts of those before: who is refused because of others must not be blocked for it. A count of one more than the limit
  // marks a refusal. Only blocks of up to 15 minutes are stored.
  yield* sql`
    CREATE FUNCTION count_attempt(
      subjects bytea[], limits int[], windows interval[], graces interval[], at timestamptz, OUT refused_until timestamptz
    ) LANGUAGE plpgsql ${path} AS $$
    DECLARE
      is_admitted boolean;
      window_end timestamptz;
    BEGIN
      FOR i IN 1 .. cardinality(subjects) LOOP
        INSERT INTO login_failure AS f (subject, failures, first_at, last_at) VALUES (subjects[i], 1, at, at)
        ON CONFLICT (subject) DO UPDATE SET
          failures = CASE
            WHEN f.first_at + windows[i] > at THEN least(f.failures, limits[i]) + 1
            WHEN f.blocked_until + graces[i] > at THEN f.failures
            ELSE 1 END,
          first_at = CASE
            WHEN f.first_at + windows[i] > at OR f.blocked_until + graces[i] > at THEN f.first_at ELSE at END,
          last_at = greatest(f.last_at, at),
          blocked_until = CASE
            WHEN f.first_at + windows[i] <= at THEN CASE WHEN f.blocked_until + graces[i] > at THEN f.blocked_until END
            WHEN f.failures >= limits[i] AND windows[i] <= interval '15 minutes' THEN f.first_at + windows[i]
            ELSE f.blocked_until END
        RETURNING f.failures <= limits[i] OR f.first_at + windows[i] <= at, f.first_at + windows[i]
          INTO is_admitted, window_end;
        IF NOT is_admitted THEN
          PERFORM refund_attempt(subjects[:i - 1], limits, windows, '{}');
          refused_until := window_end;
          RETURN;
        END IF;
      END LOOP;
    END $$`
})

const createSessionOpening = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  path: Statement.Fragment
) {
  yield* sql`
    CREATE FUNCTION open_session(
      session_id uuid, token bytea, owner uuid, at timestamptz, expires timestamptz, second_factor boolean,
      address text, user_agent text
    ) RETURNS void LANGUAGE plpgsql ${path} AS $$
    BEGIN
      INSERT INTO session (id, user_id, created_at, last_used_at, expires_at, second_factor, address, user_agent)
      VALUES (session_id, owner, at, at, expires, second_factor, address, user_agent);
      INSERT INTO refresh_token (hash, session_id, created_at) VALUES (token, session_id, at);
    END $$`
  // The locks order the session before or after a concurrent change of the password, the user or the second factor, which ends
  // all sessions. Each statement sees what was committed before it: the second factor is read after the locks. A connection that
  // requests share waits for a lock no longer than a second.
  yield* sql`
    CREATE FUNCTION sign_in(
      expected_hash text, session_id uuid, token bytea, owner uuid, at timestamptz, expires timestamptz,
      second_factor boolean, address text, user_agent text, OUT outcome text
    ) LANGUAGE plpgsql ${path} SET lock_timeout = '1s' AS $$
    BEGIN
      PERFORM FROM credential WHERE user_id = owner AND password_hash = expected_hash FOR SHARE;
      IF NOT FOUND THEN
        outcome := 'password-changed';
        RETURN;
      END IF;
      PERFORM FROM app_user WHERE id = owner AND locked_at IS NULL FOR SHARE;
      IF NOT FOUND THEN
        outcome := 'locked';
        RETURN;
      END IF;
      IF NOT second_factor AND EXISTS (SELECT FROM mfa WHERE user_id = owner AND confirmed_at IS NOT NULL) THEN
        outcome := 'second-factor-required';
        RETURN;
      END IF;
      PERFORM open_session(session_id, token, owner, at, expires, second_factor, address, user_agent);
      INSERT INTO security_event (user_id, at, event, session) VALUES (owner, at, 'signed-in', session_id);
      outcome := 'opened';
    END $$`
})
