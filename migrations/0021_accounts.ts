import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Users, their passwords, sessions, second factors, and what administrators did. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // A waiting ALTER TABLE blocks all requests with an API key behind it. Fail and retry later.
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  const path = sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`)

  yield* createUsers(sql, path)
  yield* createSessions(sql, path)
  yield* createRotation(sql, path)
  yield* createSecondFactors(sql)

  yield* sql`
    CREATE TABLE admin_action (
      id uuid PRIMARY KEY,
      at timestamptz(3) NOT NULL,
      principal text NOT NULL CHECK (principal <> ''),
      action text NOT NULL CHECK (action ~ '^[a-z][a-z0-9._-]{0,63}$'),
      subject text NOT NULL CHECK (subject <> ''),
      reason text CHECK (char_length(reason) BETWEEN 1 AND 1000),
      details jsonb NOT NULL DEFAULT '{}'
    )`
  yield* sql`CREATE INDEX admin_action_subject ON admin_action (subject, id DESC)`
  yield* sql`SELECT make_immutable('admin_action')`

  // A column of its own: nodes of the previous version do not know the scope `wallets`.
  yield* sql`
    ALTER TABLE api_key
      ADD COLUMN user_scopes text[] NOT NULL DEFAULT '{}' CHECK (user_scopes <@ ARRAY['wallets']),
      DROP CONSTRAINT api_key_scopes_check,
      ADD CONSTRAINT api_key_scopes_check CHECK (
        cardinality(scopes) + cardinality(user_scopes) > 0
        AND scopes <@ ARRAY['rates:read', 'convert', 'audit:read', 'admin'])`
})

const createUsers = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  path: ReturnType<typeof sql.literal>
) {
  // One alphabet in lower case, so that no two names look alike and the unique key ignores case.
  yield* sql`
    CREATE TABLE app_user (
      id uuid PRIMARY KEY,
      username text COLLATE "C" NOT NULL UNIQUE CHECK (username ~ '^[a-z0-9][a-z0-9._-]{2,31}$'),
      email text CHECK (char_length(email) BETWEEN 3 AND 254),
      role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
      created_at timestamptz(3) NOT NULL,
      locked_at timestamptz(3) CHECK (locked_at >= created_at)
    )`
  yield* sql`CREATE INDEX app_user_active_admin ON app_user (id) WHERE role = 'admin' AND locked_at IS NULL`
  yield* sql`
    CREATE FUNCTION guard_user_change() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    BEGIN
      IF (NEW.id, NEW.username, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.username, OLD.created_at) THEN
        RAISE EXCEPTION 'id, username and created_at of a user are immutable' USING ERRCODE = 'restrict_violation';
      END IF;
      IF OLD.role = 'admin' AND OLD.locked_at IS NULL AND (NEW.role <> 'admin' OR NEW.locked_at IS NOT NULL) THEN
        -- Two administrators could otherwise remove each other at the same time.
        PERFORM pg_advisory_xact_lock(hashtext('effex administrators'));
        IF NOT EXISTS (SELECT FROM app_user WHERE role = 'admin' AND locked_at IS NULL AND id <> NEW.id) THEN
          RAISE EXCEPTION 'the last administrator cannot be removed'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'app_user_last_administrator';
        END IF;
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER guarded BEFORE UPDATE ON app_user FOR EACH ROW EXECUTE FUNCTION guard_user_change()`
  yield* sql`
    CREATE FUNCTION refuse_user_removal() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '% of app_user is refused: lock the user instead', TG_OP USING ERRCODE = 'restrict_violation';
    END $$`
  yield* sql`
    CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON app_user
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_user_removal()`
  yield* sql`ALTER TABLE app_user ENABLE ALWAYS TRIGGER guarded`
  yield* sql`ALTER TABLE app_user ENABLE ALWAYS TRIGGER kept`

  yield* sql`
    CREATE TABLE credential (
      user_id uuid PRIMARY KEY REFERENCES app_user,
      password_hash text NOT NULL CHECK (password_hash ~ '^\\$argon2id\\$v=19\\$m=\\d+,t=\\d+,p=\\d+\\$'),
      changed_at timestamptz(3) NOT NULL
    )`

  // Failed attempts by a SHA-256 of what they are counted for, such as a user or an address.
  yield* sql`
    CREATE TABLE login_failure (
      subject bytea PRIMARY KEY CHECK (octet_length(subject) = 32),
      failures int NOT NULL CHECK (failures > 0),
      first_at timestamptz(3) NOT NULL,
      last_at timestamptz(3) NOT NULL,
      blocked_until timestamptz(3),
      CHECK (last_at >= first_at),
      CHECK (blocked_until <= last_at + interval '15 minutes')
    )`
  yield* sql`CREATE INDEX login_failure_last_at ON login_failure (last_at)`
})

const createSessions = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  path: ReturnType<typeof sql.literal>
) {
  yield* sql`
    CREATE TABLE session (
      id uuid PRIMARY KEY,
      user_id uuid NOT NULL REFERENCES app_user,
      created_at timestamptz(3) NOT NULL,
      last_used_at timestamptz(3) NOT NULL,
      expires_at timestamptz(3) NOT NULL,
      second_factor boolean NOT NULL,
      address text NOT NULL CHECK (char_length(address) <= 64),
      user_agent text NOT NULL CHECK (char_length(user_agent) <= 256),
      revoked_at timestamptz(3),
      revoked_for text CHECK (revoked_for IN (
        'logout', 'logout-all', 'ended', 'password', 'mfa', 'lock', 'role', 'reuse', 'administrator')),
      CHECK (expires_at > created_at),
      CHECK (last_used_at >= created_at),
      CHECK ((revoked_at IS NULL) = (revoked_for IS NULL))
    )`
  yield* sql`CREATE INDEX session_of_user ON session (user_id, id DESC)`
  yield* sql`CREATE INDEX session_revoked_at ON session (revoked_at) WHERE revoked_at IS NOT NULL`
  yield* sql`CREATE INDEX session_expires_at ON session (expires_at)`
  yield* sql`
    CREATE FUNCTION guard_session_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF (NEW.id, NEW.user_id, NEW.created_at, NEW.second_factor)
          IS DISTINCT FROM (OLD.id, OLD.user_id, OLD.created_at, OLD.second_factor)
        OR (OLD.revoked_at IS NOT NULL AND NEW IS DISTINCT FROM OLD)
      THEN
        RAISE EXCEPTION 'a session keeps its user, and does not change after it was revoked'
          USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`CREATE TRIGGER guarded BEFORE UPDATE ON session FOR EACH ROW EXECUTE FUNCTION guard_session_change()`
  yield* sql`ALTER TABLE session ENABLE ALWAYS TRIGGER guarded`
  // The lock on the user orders this before or after a change of the user that ends all sessions.
  yield* sql`
    CREATE FUNCTION refuse_session_of_locked_user() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    BEGIN
      PERFORM FROM app_user WHERE id = NEW.user_id AND locked_at IS NULL FOR SHARE;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'the user of the session is locked' USING
          ERRCODE = 'restrict_violation', CONSTRAINT = 'session_user_not_locked';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER of_unlocked_user BEFORE INSERT ON session
      FOR EACH ROW EXECUTE FUNCTION refuse_session_of_locked_user()`

  // Only hashes: a token is 256 random bits, or an HMAC of its parent.
  yield* sql`
    CREATE TABLE refresh_token (
      hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
      session_id uuid NOT NULL REFERENCES session ON DELETE CASCADE,
      parent bytea UNIQUE REFERENCES refresh_token ON DELETE CASCADE,
      created_at timestamptz(3) NOT NULL,
      used_at timestamptz(3)
    )`
  yield* sql`CREATE UNIQUE INDEX refresh_token_first ON refresh_token (session_id) WHERE parent IS NULL`
  yield* sql`CREATE INDEX refresh_token_of_session ON refresh_token (session_id)`
  yield* sql`
    CREATE FUNCTION guard_refresh_token() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.used_at IS NOT NULL OR to_jsonb(NEW) - 'used_at' <> to_jsonb(OLD) - 'used_at' THEN
        RAISE EXCEPTION 'a refresh token is used once, and does not change' USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER guarded BEFORE UPDATE ON refresh_token FOR EACH ROW EXECUTE FUNCTION guard_refresh_token()`
  yield* sql`ALTER TABLE refresh_token ENABLE ALWAYS TRIGGER guarded`
})

/** `again` returns the same successor to two concurrent callers, or to one whose response was lost. */
const createRotation = (sql: SqlClient.SqlClient, path: ReturnType<typeof sql.literal>) => sql`
  CREATE FUNCTION rotate_refresh_token(
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
      UPDATE session SET revoked_at = at, revoked_for = 'reuse' WHERE id = family.id;
      outcome := 'reuse';
    END IF;
  END $$`

const createSecondFactors = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  // The secret is encrypted. A code of a step is valid once: `last_step` only grows.
  yield* sql`
    CREATE TABLE mfa (
      user_id uuid PRIMARY KEY REFERENCES app_user,
      secret bytea NOT NULL CHECK (octet_length(secret) BETWEEN 32 AND 1024),
      key_id text NOT NULL CHECK (key_id <> ''),
      created_at timestamptz(3) NOT NULL,
      confirmed_at timestamptz(3) CHECK (confirmed_at >= created_at),
      last_step bigint NOT NULL DEFAULT -1
    )`
  yield* sql`
    CREATE FUNCTION guard_mfa_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.user_id <> OLD.user_id OR NEW.last_step < OLD.last_step
        OR (OLD.confirmed_at IS NOT NULL AND NEW.confirmed_at IS DISTINCT FROM OLD.confirmed_at)
      THEN
        RAISE EXCEPTION 'the last step of a second factor only grows, and its confirmation is permanent'
          USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`CREATE TRIGGER guarded BEFORE UPDATE ON mfa FOR EACH ROW EXECUTE FUNCTION guard_mfa_change()`
  yield* sql`ALTER TABLE mfa ENABLE ALWAYS TRIGGER guarded`

  yield* sql`
    CREATE TABLE recovery_code (
      user_id uuid NOT NULL REFERENCES mfa ON DELETE CASCADE,
      hash bytea NOT NULL CHECK (octet_length(hash) = 32),
      created_at timestamptz(3) NOT NULL,
      used_at timestamptz(3),
      PRIMARY KEY (user_id, hash)
    )`
  yield* sql`
    CREATE FUNCTION guard_recovery_code() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.used_at IS NOT NULL OR to_jsonb(NEW) - 'used_at' <> to_jsonb(OLD) - 'used_at' THEN
        RAISE EXCEPTION 'a recovery code is used once, and does not change' USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER guarded BEFORE UPDATE ON recovery_code FOR EACH ROW EXECUTE FUNCTION guard_recovery_code()`
  yield* sql`ALTER TABLE recovery_code ENABLE ALWAYS TRIGGER guarded`
})
