import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Quarantined ticks and the decisions about them. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  // A streak is a sequence of ticks from one provider for one pair, with no change of level and no good rate in between.
  // Its id is the id of its first tick.
  yield* sql`
    CREATE TABLE quarantined_rate (
      id uuid PRIMARY KEY,
      source_currency text NOT NULL CHECK (source_currency ~ '^[A-Z]{3}$'),
      destination_currency text NOT NULL CHECK (destination_currency ~ '^[A-Z]{3}$'),
      rate numeric NOT NULL CHECK (rate > 0 AND rate < 'Infinity'),
      source_amount numeric NOT NULL CHECK (source_amount > 0 AND source_amount < 'Infinity'),
      destination_amount numeric NOT NULL CHECK (destination_amount > 0 AND destination_amount < 'Infinity'),
      provider text NOT NULL CHECK (provider <> ''),
      provider_rate text NOT NULL,
      raw jsonb NOT NULL,
      legs jsonb NOT NULL CHECK (jsonb_typeof(legs) = 'array'),
      observed_at timestamptz(3) NOT NULL,
      quoted_at timestamptz(3),
      recorded_at timestamptz(3) NOT NULL,
      reasons jsonb NOT NULL CHECK (jsonb_array_length(reasons) > 0),
      last_good_id uuid REFERENCES exchange_rate (id),
      streak_id uuid NOT NULL REFERENCES quarantined_rate (id),
      agreeing int NOT NULL CHECK (agreeing >= 0),
      status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'accepted', 'rejected')),
      decided_at timestamptz(3),
      decided_by text CHECK (decided_by IN ('operator', 'agreement', 'confirmation', 'repetition')),
      principal text CHECK (principal <> ''),
      decision_reason text CHECK (char_length(decision_reason) BETWEEN 1 AND 200),
      rate_id uuid REFERENCES exchange_rate (id),
      CHECK (source_currency <> destination_currency),
      CHECK ((status = 'pending') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)),
      CHECK ((status = 'accepted') = (rate_id IS NOT NULL)),
      CHECK (decided_by <> 'repetition' OR status = 'rejected'),
      CHECK ((decided_by IS NOT DISTINCT FROM 'operator') = (principal IS NOT NULL)),
      CHECK (decision_reason IS NULL OR decided_by = 'operator')
    )`
  yield* sql`CREATE INDEX quarantined_rate_status ON quarantined_rate (status, id DESC)`
  yield* sql`
    CREATE INDEX quarantined_rate_pair ON quarantined_rate
      (source_currency, destination_currency, provider, observed_at DESC, id DESC)`
  yield* sql`CREATE INDEX quarantined_rate_streak ON quarantined_rate (streak_id)`
  yield* sql`
    CREATE INDEX quarantined_rate_accepted ON quarantined_rate
      (source_currency, destination_currency, decided_at DESC) WHERE status = 'accepted' AND decided_by = 'operator'`

  // A tick that repeats a rejected one is rejected automatically; an operator may still override that.
  yield* sql`
    CREATE FUNCTION refuse_second_decision() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      decision text[] := '{status,decided_at,decided_by,principal,decision_reason,rate_id}';
    BEGIN
      IF NOT (OLD.status = 'pending' OR OLD.decided_by = 'repetition' AND NEW.decided_by = 'operator')
        OR NEW.status = 'pending' OR to_jsonb(NEW) - decision <> to_jsonb(OLD) - decision
      THEN
        RAISE EXCEPTION 'what was put aside is decided once, and nothing else of it changes'
          USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN NEW;
    END $$`
  yield* sql`
    CREATE TRIGGER decided BEFORE UPDATE ON quarantined_rate FOR EACH ROW EXECUTE FUNCTION refuse_second_decision()`
  yield* sql`
    CREATE TRIGGER immutable BEFORE DELETE OR TRUNCATE ON quarantined_rate
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`
  yield* sql`ALTER TABLE quarantined_rate ENABLE ALWAYS TRIGGER decided, ENABLE ALWAYS TRIGGER immutable`
})
