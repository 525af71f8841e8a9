import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Security events of users: what happened to an account, in an order without gaps. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  const path = sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`)

  // The session has no foreign key: it is deleted after it expired.
  yield* sql`
    CREATE TABLE security_event (
      user_id uuid NOT NULL REFERENCES app_user,
      number bigint NOT NULL CHECK (number > 0),
      at timestamptz(3) NOT NULL,
      event text NOT NULL CHECK (event ~ '^[a-z][a-z-]{0,62}$'),
      session uuid,
      PRIMARY KEY (user_id, number)
    )`
  yield* sql`SELECT make_immutable('security_event')`

  // Held until the commit, so that the numbers of a user become visible in their order: a reader who has seen a number
  // has seen all lower ones. Not a lock on the user, which concurrent sign-ins share.
  yield* sql`
    CREATE FUNCTION number_security_event() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    BEGIN
      PERFORM pg_advisory_xact_lock(hashtextextended('effex security events of ' || NEW.user_id, 0));
      NEW.number := 1 + coalesce((SELECT max(number) FROM security_event WHERE user_id = NEW.user_id), 0);
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER numbered BEFORE INSERT ON security_event FOR EACH ROW EXECUTE FUNCTION number_security_event()`
  yield* sql`ALTER TABLE security_event ENABLE ALWAYS TRIGGER numbered`
})
