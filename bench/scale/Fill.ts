/**
 * Fills the database of `DATABASE_URL`: `USERS` users with a password, a wallet, a session and `MOVEMENTS` entries each. The
 * first is a deposit from an account of the house, which so gets one entry of each user; the others are transfers between two
 * users. Triggers are off while the rows are inserted, and the ledger verifies afterwards.
 */
import { PgClient } from "@effect/sql-pg"
import { NodeRuntime } from "@effect/platform-node"
import { Config, Console, DateTime, Effect, Layer, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import { Passwords } from "../../src/accounts/Passwords.ts"
import { assetsApp } from "../../src/CommandLayers.ts"
import { PASSWORD } from "./Password.ts"

/** Users per statement. */
const BATCH_SIZE = 50_000
/** Ids of the accounts of users follow it; the account of the house has it. */
const HOUSE_ACCOUNT = 1_000
const TABLES = [
  "app_user",
  "credential",
  "wallet",
  "session",
  "security_event",
  "ledger_account",
  "ledger_transfer",
  "ledger_entry"
]

/** UUIDs in the order of their numbers, different for each kind; and UUIDv7 of a time, as those of transfers are. */
const createUuids = [
  `CREATE FUNCTION pg_temp.uid(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT (lpad(to_hex(n), 12, '0') || kind || '8000' || lpad(to_hex(n), 12, '0'))::uuid $$`,
  `CREATE FUNCTION pg_temp.uid_at(at timestamptz, kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || kind || '8000' || lpad(to_hex(n), 12, '0'))::uuid $$`
]

/** Inserts the users from \`first\` to \`last\`, and their entries. Users 2k - 1 and 2k send money to each other. */
const statementsOf = (first: number, last: number, movements: number, hash: string, now: string) => [
  `INSERT INTO app_user (id, username, role, created_at)
    SELECT pg_temp.uid('7001', n), 'user-' || n, 'user', now() - interval '1 year' FROM generate_series(${first}, ${last}) AS n`,
  `INSERT INTO credential (user_id, password_hash, changed_at)
    SELECT pg_temp.uid('7001', n), '${hash}', now() - interval '1 year' FROM generate_series(${first}, ${last}) AS n`,
  `INSERT INTO wallet (id, user_id, created_at)
    SELECT pg_temp.uid('7002', n), pg_temp.uid('7001', n), now() - interval '1 year' FROM generate_series(${first}, ${last}) AS n`,
  `INSERT INTO session (id, user_id, created_at, last_used_at, expires_at, second_factor, address, user_agent)
    SELECT pg_temp.uid('7003', n), pg_temp.uid('7001', n), now() - interval '1 day', now() - interval '1 day',
      now() + interval '29 days', false, '192.0.2.1', 'bench' FROM generate_series(${first}, ${last}) AS n`,
  `INSERT INTO security_event (user_id, number, at, event, session)
    SELECT pg_temp.uid('7001', n), 1, now() - interval '1 day', 'signed-in', pg_temp.uid('7003', n) FROM generate_series(${first}, ${last}) AS n`,
  `INSERT INTO ledger_account (id, owner, role, asset, min_balance, balance, version, moved_at) OVERRIDING SYSTEM VALUE
    SELECT ${HOUSE_ACCOUNT} + n, pg_temp.uid('7002', n), 'user', 'USD', 0,
      1000 + ${balanceAfter(String(movements))}, ${movements}, now() - interval '1 day' FROM generate_series(${first}, ${last}) AS n`,
  `INSERT INTO ledger_transfer (id, kind, details, posted_at)
    SELECT ${depositOf(now, "n")}, 'deposit', '{}', ${now} - interval '1 year' FROM generate_series(${first}, ${last}) AS n`,
  `INSERT INTO ledger_entry (account_id, version, transfer_id, asset, amount, balance)
    SELECT ${HOUSE_ACCOUNT}, n, ${depositOf(now, "n")}, 'USD', -1000, -1000 * n::numeric FROM generate_series(${first}, ${last}) AS n`,
  `INSERT INTO ledger_transfer (id, kind, details, posted_at)
    SELECT ${transferOf(now, "n", movements)}, 'transfer',
      jsonb_build_object('from', pg_temp.uid('7002', n + version % 2), 'to', pg_temp.uid('7002', n + 1 - version % 2)),
      ${timeOf(now, movements)}
    FROM generate_series(${first}, ${last}, 2) AS n, generate_series(2, ${movements}) AS version`,
  `INSERT INTO ledger_entry (account_id, version, transfer_id, asset, amount, balance)
    SELECT ${HOUSE_ACCOUNT} + n, version,
      CASE version WHEN 1 THEN ${depositOf(now, "n")} ELSE ${transferOf(now, "(n - (n + 1) % 2)", movements)} END,
      'USD', CASE version WHEN 1 THEN 1000 ELSE (CASE (n + version) % 2 WHEN 0 THEN 1 ELSE -1 END) END,
      1000 + ${balanceAfter("version")}
    FROM generate_series(${first}, ${last}) AS n, generate_series(1, ${movements}) AS version`
]

/** SQL of the time of a version, and of the ids of transfers of a user. */
function timeOf(now: string, movements: number) {
  return `${now} - interval '1 year' + interval '364 days' * version / ${movements}`
}
function depositOf(now: string, user: string) {
  return `pg_temp.uid_at(${now} - interval '1 year', '7004', ${user})`
}
function transferOf(now: string, user: string, movements: number) {
  return `pg_temp.uid_at(${timeOf(now, movements)}, '7005', ${user}::bigint * ${movements} + version)`
}

/** What a balance has gained by the transfers up to a version: they come back one after the other. */
function balanceAfter(version: string) {
  return `(CASE WHEN ${version} % 2 = 1 THEN 0 WHEN n % 2 = 0 THEN 1 ELSE -1 END)`
}

const fill = Effect.gen(function* () {
  const users = yield* Config.Int("USERS")
  const movements = yield* Config.Int("MOVEMENTS")
  const url = yield* Config.Redacted("DATABASE_URL")
  const passwordHash = yield* (yield* Passwords).hash(Redacted.make(PASSWORD))
  const sql = yield* PgClient.makeClient({ url })
  yield* sql.unsafe("SET synchronous_commit = off")
  for (const statement of createUuids) yield* sql.unsafe(statement)
  // One time for all statements: entries name the ids of their transfers.
  const now = `'${DateTime.formatIso(yield* DateTime.now)}'::timestamptz`
  for (const table of TABLES) yield* sql.unsafe(`ALTER TABLE ${table} DISABLE TRIGGER ALL`)
  yield* sql.unsafe(
    `INSERT INTO ledger_account (id, role, asset, balance, version, moved_at) OVERRIDING SYSTEM VALUE
      VALUES (${HOUSE_ACCOUNT}, 'bench', 'USD', -1000 * ${users}::numeric, ${users}, now() - interval '1 year')`
  )
  for (let first = 1; first <= users; first += BATCH_SIZE) {
    const last = Math.min(users, first + BATCH_SIZE - 1)
    for (const statement of statementsOf(first, last, movements, passwordHash, now))
      yield* sql.unsafe(statement)
    yield* Console.log(`${last} of ${users} users`)
  }
  yield* sql.unsafe(`SELECT setval(pg_get_serial_sequence('ledger_account', 'id'), ${HOUSE_ACCOUNT + users})`)
  for (const table of TABLES) yield* sql.unsafe(`ALTER TABLE ${table} ENABLE TRIGGER ALL`)
  yield* sql.unsafe(`VACUUM (ANALYZE) ${TABLES.join(", ")}`)
}).pipe(Effect.scoped)

NodeRuntime.runMain(
  Effect.provide(fill, [Passwords.layer.pipe(Layer.provideMerge(assetsApp)), Reactivity.layer])
)
