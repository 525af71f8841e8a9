import { NodeServices } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Migrator, SqlClient } from "effect/sql"
import { Reactivity } from "effect/reactivity"
import { MIGRATIONS_TABLE, migrations } from "../../../src/platform/postgres/Migrations.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

/** Applies the migrations up to one of them. */
const migrateTo = (last: number) =>
  Migrator.make({})({
    loader: Effect.map(Effect.orDie(migrations), (all) => all.filter(([id]) => id <= last)),
    table: MIGRATIONS_TABLE
  })

const idOf = (digit: number) => `00000000-0000-7000-8000-00000000000${digit}`

/** Records the start of a poll like a node of the previous version. */
const startPoll = Effect.fnUntraced(function* (digit: number, startedAt: string, term: number | null) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    INSERT INTO poll_run (id, started_at, pairs, term)
    SELECT ${idOf(digit)}::uuid, ${startedAt}::timestamptz, 1, ${term}::bigint`
})

describe("Migration 0010 of poll_run", () => {
  it.live("numbers earlier polls by start time, and accepts polls of nodes of the previous version", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.makeClient({ url: Redacted.make(yield* TestDatabase.createEmpty) })
      yield* Effect.gen(function* () {
        yield* migrateTo(9)
        yield* startPoll(3, "2026-11-03T00:00:00Z", 2)
        yield* startPoll(1, "2026-11-01T00:00:00Z", null)
        yield* startPoll(2, "2026-11-02T00:00:00Z", 1)
        yield* sql`UPDATE poll_run SET finished_at = started_at, succeeded = 0, failed = 1 WHERE id = ${idOf(1)}`
        yield* sql`
          INSERT INTO poll_failure (poll_run_id, source_currency, destination_currency, reason, detail)
          VALUES (${idOf(1)}, 'USD', 'NGN', 'Unreachable', 'no answer')`
        yield* migrateTo(10)
        yield* startPoll(4, "2026-11-04T00:00:00Z", 2)
        yield* startPoll(5, "2026-10-01T00:00:00Z", null)
        yield* sql`INSERT INTO poll_run (id, started_at, pairs, requested_by) VALUES (${idOf(6)}, now(), 1, 'key')`
      }).pipe(Effect.provideService(SqlClient.SqlClient, sql))
      const rows = yield* sql<{ id: string; trigger: string; number: bigint }>`
        SELECT right(id::text, 1) AS id, trigger, number FROM poll_run ORDER BY number`
      assert.deepStrictEqual(
        rows.map(({ id, number, trigger }) => `${number}: ${id} by ${trigger}`),
        [
          "1: 1 by command-line",
          "2: 2 by schedule",
          "3: 3 by schedule",
          "4: 4 by schedule",
          "5: 5 by command-line",
          "6: 6 by demand"
        ]
      )
    }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, Reactivity.layer]))
  )
})
