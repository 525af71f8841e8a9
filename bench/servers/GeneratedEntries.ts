import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import { ProcessFailed } from "../Processes.ts"
import type { BenchDatabase } from "../Stores.ts"

/** Entries inserted per statement. */
const BATCH_SIZE = 500_000

/**
 * Inserts entries of a user into a migrated database: half of them credits and half of them debits of the account of the
 * user, evenly distributed over the last year, with the other side on an account of the house. Triggers are off.
 */
export const fill = Effect.fnUntraced(
  function* ({ connection }: BenchDatabase, username: string, count: number) {
    const sql = yield* PgClient.make({ ...connection, maxConnections: 1 })
    yield* sql`SET synchronous_commit = off`
    for (const table of ["ledger_transfer", "ledger_entry", "ledger_account"])
      yield* sql`ALTER TABLE ${sql(table)} DISABLE TRIGGER USER`
    yield* sql`
      INSERT INTO ledger_account (owner, role, asset, min_balance)
        SELECT wallet.id, 'user', 'USD', 0 FROM wallet JOIN app_user ON app_user.id = user_id WHERE username = ${username}
        UNION ALL SELECT NULL, 'bench', 'USD', NULL`
    for (let first = 1; first <= count; first += BATCH_SIZE) {
      const last = Math.min(first + BATCH_SIZE - 1, count)
      yield* sql`
        INSERT INTO ledger_transfer (id, kind, details, posted_at)
          SELECT (lpad(to_hex(n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid, CASE n % 4 WHEN 0 THEN 'conversion' ELSE 'deposit' END, '{}',
            now() - interval '1 year' * (1 - n::float8 / ${count}::int)
          FROM generate_series(${first}::int, ${last}::int) AS n`
      yield* sql`
        INSERT INTO ledger_entry (account_id, version, transfer_id, asset, amount, balance)
          SELECT account.id, n, (lpad(to_hex(n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid, 'USD', side.sign * (CASE n % 2 WHEN 1 THEN 1 ELSE -1 END),
            side.sign * (n % 2)
          FROM generate_series(${first}::int, ${last}::int) AS n,
            (VALUES ('user', 1), ('bench', -1)) AS side (role, sign), ledger_account AS account
          WHERE account.role = side.role AND account.asset = 'USD'`
    }
    yield* sql`
      UPDATE ledger_account SET version = ${count}::int, balance = (CASE role WHEN 'user' THEN 1 ELSE -1 END) * (${count}::int % 2),
        moved_at = now() WHERE role IN ('user', 'bench')`
    for (const table of ["ledger_transfer", "ledger_entry", "ledger_account"])
      yield* sql`ALTER TABLE ${sql(table)} ENABLE TRIGGER USER`
    yield* sql`VACUUM ANALYZE ledger_transfer, ledger_entry`
  },
  Effect.scoped,
  Effect.provide(Reactivity.layer),
  Effect.mapError(({ message }) => new ProcessFailed({ program: "entries", detail: message }))
)
