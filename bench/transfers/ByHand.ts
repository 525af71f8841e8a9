/**
 * Transfers as they are written by hand: one transaction each, which locks both accounts in the order of their ids, checks
 * the balance, and stores the transfer, its two entries and the outcome of its idempotency key.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import { randomUUID } from "node:crypto"
import { Pool } from "pg"
import * as Callers from "./Callers.ts"
import * as Workload from "./Workload.ts"

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS account (
    id bigint PRIMARY KEY, balance numeric NOT NULL CHECK (balance >= 0), version bigint NOT NULL DEFAULT 0);
  CREATE TABLE IF NOT EXISTS transfer (id uuid PRIMARY KEY, posted_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE IF NOT EXISTS entry (
    account_id bigint NOT NULL REFERENCES account, version bigint NOT NULL, transfer_id uuid NOT NULL REFERENCES transfer,
    amount numeric NOT NULL, balance numeric NOT NULL, PRIMARY KEY (account_id, version));
  CREATE INDEX IF NOT EXISTS entry_transfer ON entry (transfer_id);
  CREATE TABLE IF NOT EXISTS outcome (key text PRIMARY KEY, transfer_id uuid NOT NULL);
  INSERT INTO account (id, balance) SELECT n, 1000000 FROM generate_series(0, ${Workload.WALLETS - 1}) AS n ON CONFLICT DO NOTHING`

/** More connections only wait for each other. */
const MAX_CONNECTIONS = 16

const pool = new Pool({ connectionString: process.env["DATABASE_URL"], max: MAX_CONNECTIONS })
const distribution: Workload.Distribution = process.env["DISTRIBUTION"] === "hot" ? "hot" : "uniform"

const transfer = async () => {
  const [from, to] = Workload.pick(distribution)
  const amount = Workload.amount()
  const id = randomUUID()
  const client = await pool.connect()
  const run = async (name: string, text: string, values: Array<unknown>) =>
    client.query({ name, text, values })
  try {
    await client.query("BEGIN")
    await run("lock", "SELECT id, balance FROM account WHERE id IN ($1, $2) ORDER BY id FOR NO KEY UPDATE", [
      from,
      to
    ])
    const update =
      "UPDATE account SET balance = balance + $2::numeric, version = version + 1 WHERE id = $1 RETURNING balance, version"
    const paid = (await run("update", update, [from, `-${amount}`])).rows[0]
    const received = (await run("update", update, [to, amount])).rows[0]
    await run("transfer", "INSERT INTO transfer (id) VALUES ($1)", [id])
    await run(
      "entries",
      `INSERT INTO entry (account_id, version, transfer_id, amount, balance)
        VALUES ($1, $2, $7, -$8::numeric, $3), ($4, $5, $7, $8::numeric, $6)`,
      [from, paid.version, paid.balance, to, received.version, received.balance, id, amount]
    )
    await run("outcome", "INSERT INTO outcome (key, transfer_id) VALUES ($1, $2)", [randomUUID(), id])
    await client.query("COMMIT")
  } finally {
    client.release()
  }
}

NodeRuntime.runMain(
  Effect.promise(async () => pool.query(SCHEMA)).pipe(
    Effect.andThen(Callers.drive(Effect.promise(transfer))),
    Effect.andThen(Effect.promise(async () => pool.end()))
  )
)
