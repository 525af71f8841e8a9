/**
 * Transfers in the design of pgledger, written anew: one call of a PL/pgSQL function per transfer, without an idempotency
 * key. Ids are text made in the database; the accounts have a balance and a version; the function locks both accounts in
 * the order of their ids, and stores the transfer and two entries with the balances before and after.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import { Pool } from "pg"
import * as Callers from "./Callers.ts"
import * as Workload from "./Workload.ts"

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS account (
    id text PRIMARY KEY, currency text NOT NULL, balance numeric NOT NULL, version bigint NOT NULL DEFAULT 0,
    may_be_negative boolean NOT NULL, changed_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE IF NOT EXISTS transfer (
    id text PRIMARY KEY DEFAULT 't_' || gen_random_uuid(), source text NOT NULL REFERENCES account,
    target text NOT NULL REFERENCES account, amount numeric NOT NULL CHECK (amount > 0),
    created_at timestamptz NOT NULL, happened_at timestamptz NOT NULL, CHECK (source <> target));
  CREATE INDEX IF NOT EXISTS transfer_source ON transfer (source);
  CREATE INDEX IF NOT EXISTS transfer_target ON transfer (target);
  CREATE INDEX IF NOT EXISTS transfer_happened ON transfer (happened_at);
  CREATE TABLE IF NOT EXISTS entry (
    id text PRIMARY KEY DEFAULT 'e_' || gen_random_uuid(), account_id text NOT NULL REFERENCES account,
    transfer_id text NOT NULL REFERENCES transfer, amount numeric NOT NULL, balance_before numeric NOT NULL,
    balance_after numeric NOT NULL, version bigint NOT NULL, created_at timestamptz NOT NULL);
  CREATE INDEX IF NOT EXISTS entry_account ON entry (account_id);
  CREATE INDEX IF NOT EXISTS entry_transfer ON entry (transfer_id);
  INSERT INTO account (id, currency, balance, may_be_negative)
    SELECT 'a_' || n, 'USD', 1000000, false FROM generate_series(0, ${Workload.WALLETS - 1}) AS n ON CONFLICT DO NOTHING;
  CREATE OR REPLACE FUNCTION move(p_source text, p_target text, p_amount numeric) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE
    debited account;
    credited account;
    moved text;
  BEGIN
    PERFORM FROM account WHERE id = least(p_source, p_target) FOR UPDATE;
    PERFORM FROM account WHERE id = greatest(p_source, p_target) FOR UPDATE;
    UPDATE account SET balance = balance - p_amount, version = version + 1, changed_at = now()
      WHERE id = p_source RETURNING * INTO debited;
    IF debited.balance < 0 AND NOT debited.may_be_negative THEN RAISE EXCEPTION 'insufficient funds'; END IF;
    UPDATE account SET balance = balance + p_amount, version = version + 1, changed_at = now()
      WHERE id = p_target RETURNING * INTO credited;
    IF debited.currency <> credited.currency THEN RAISE EXCEPTION 'currencies differ'; END IF;
    INSERT INTO transfer (source, target, amount, created_at, happened_at)
      VALUES (p_source, p_target, p_amount, now(), now()) RETURNING id INTO moved;
    INSERT INTO entry (account_id, transfer_id, amount, balance_before, balance_after, version, created_at)
      VALUES (p_source, moved, -p_amount, debited.balance + p_amount, debited.balance, debited.version, now());
    INSERT INTO entry (account_id, transfer_id, amount, balance_before, balance_after, version, created_at)
      VALUES (p_target, moved, p_amount, credited.balance - p_amount, credited.balance, credited.version, now());
    RETURN moved;
  END $$`

/** More connections only wait for each other. */
const MAX_CONNECTIONS = 16

const pool = new Pool({ connectionString: process.env["DATABASE_URL"], max: MAX_CONNECTIONS })
const distribution: Workload.Distribution = process.env["DISTRIBUTION"] === "hot" ? "hot" : "uniform"

const transfer = async () => {
  const [from, to] = Workload.pick(distribution)
  await pool.query({
    name: "move",
    text: "SELECT move($1, $2, $3)",
    values: [`a_${from}`, `a_${to}`, Workload.amount()]
  })
}

NodeRuntime.runMain(
  Effect.promise(async () => pool.query(SCHEMA)).pipe(
    Effect.andThen(Callers.drive(Effect.promise(transfer))),
    Effect.andThen(Effect.promise(async () => pool.end()))
  )
)
