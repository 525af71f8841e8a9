import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Records and checks the events of orders once per statement, because one statement moves all orders of a batch. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`SET LOCAL lock_timeout = '500ms'`
  const [here] = yield* sql<{ schema: string }>`SELECT quote_ident(current_schema()) AS schema`
  const path = sql.literal(`SET search_path = ${here?.schema ?? "public"}, pg_temp`)
  yield* sql`
    CREATE FUNCTION record_order_events() RETURNS trigger LANGUAGE plpgsql ${path} AS $$
    BEGIN
      INSERT INTO order_event (order_id, version, state, reason, at)
        SELECT id, version, state, reason, updated_at FROM changed;
      RETURN NULL;
    END $$`
  yield* sql`
    CREATE FUNCTION refuse_false_order_events() RETURNS trigger LANGUAGE plpgsql ${path} SET enable_seqscan = off AS $$
    DECLARE
      bad uuid;
    BEGIN
      SELECT event.order_id INTO bad FROM inserted AS event LEFT JOIN customer_order AS subject ON subject.id = event.order_id
        WHERE ((subject.version, subject.state, subject.updated_at) = (event.version, event.state, event.at)
          AND subject.reason IS NOT DISTINCT FROM event.reason) IS NOT TRUE LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'order % is not in the state of its event', bad USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NULL;
    END $$`
  yield* sql`DROP TRIGGER recorded ON customer_order`
  // A trigger with a transition table has one event.
  yield* sql`
    CREATE TRIGGER recorded AFTER UPDATE ON customer_order REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION record_order_events()`
  yield* sql`
    CREATE TRIGGER placed AFTER INSERT ON customer_order REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION record_order_events()`
  yield* sql`DROP TRIGGER true_event ON order_event`
  yield* sql`
    CREATE TRIGGER true_event AFTER INSERT ON order_event REFERENCING NEW TABLE AS inserted
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_false_order_events()`
  yield* sql`ALTER TABLE customer_order ENABLE ALWAYS TRIGGER recorded, ENABLE ALWAYS TRIGGER placed`
  yield* sql`ALTER TABLE order_event ENABLE ALWAYS TRIGGER true_event`
  yield* sql`DROP FUNCTION record_order_event(), refuse_false_order_event()`
})
