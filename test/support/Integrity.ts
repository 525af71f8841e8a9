import type { PgClient } from "@effect/sql-pg"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as ApiRequests from "./ApiRequests.ts"
import * as Effex from "./Effex.ts"
import type { Settled, Workload } from "./Workload.ts"

/** What one node may hold of connections: its pool, and the lock of what it leads. */
const CONNECTIONS_PER_NODE = 12

interface Checked {
  readonly workload: Workload
  /** A node that runs. */
  readonly url: string
  /** How many of them run. */
  readonly nodes?: number
  readonly sql: PgClient.PgClient
}

/**
 * What must hold after every fault: all that was acknowledged is there once, all that was not is there once or not at
 * all, and a retry says which; the audit is whole, and has one record for each conversion; nothing is left held.
 */
export const check = Effect.fnUntraced(function* ({ nodes = 1, sql, url, workload }: Checked) {
  assert.deepStrictEqual(workload.violations, [])
  yield* assertAcknowledged(sql, workload)
  const settled = yield* workload.settle(url)
  assert.deepStrictEqual(workload.violations, [])
  yield* assertOneRecordEach(sql, workload)
  yield* assertRatesRecorded(sql, workload)
  yield* assertAuditWhole(sql, url, workload.operations.size)
  yield* assertNothingHeld(sql, nodes)
  return settled
})

/** What came of the retries, in words. */
export const inWords = ({ acknowledged, doneUntold, notDone }: Settled): string =>
  `${acknowledged} acknowledged, 0 lost, ${doneUntold} done untold, ${notDone} not done`

const idsOf = (workload: Workload) =>
  workload.acknowledged().map(({ answer = "" }) => ApiRequests.auditIdOf({ body: answer }))

const recorded = (sql: PgClient.PgClient) =>
  Effect.map(sql<{ id: string }>`SELECT id FROM conversion_audit`, (rows) => rows.map(({ id }) => id))

const assertAcknowledged = Effect.fnUntraced(function* (sql: PgClient.PgClient, workload: Workload) {
  const ids = yield* recorded(sql)
  const known = new Set(ids)
  assert.strictEqual(known.size, ids.length)
  assert.deepStrictEqual(
    idsOf(workload).filter((id) => !known.has(id)),
    [],
    "acknowledged, and lost"
  )
  assert.isAtMost(ids.length, workload.operations.size, "more records than conversions were asked for")
})

const assertOneRecordEach = Effect.fnUntraced(function* (sql: PgClient.PgClient, workload: Workload) {
  assert.strictEqual(workload.acknowledged().length, workload.operations.size)
  assert.deepStrictEqual((yield* recorded(sql)).toSorted(), idsOf(workload).toSorted())
  const remembered = yield* sql<{ key: string }>`SELECT key FROM idempotency`
  assert.deepStrictEqual(
    remembered.map(({ key }) => key).toSorted(),
    Array.from(workload.operations.keys()).toSorted()
  )
})

/** No answer named a rate that was not recorded first, or gave it another value. */
const assertRatesRecorded = Effect.fnUntraced(function* (sql: PgClient.PgClient, { rates }: Workload) {
  const rows = yield* sql<{ id: string; rate: string }>`
    SELECT id, trim_scale(rate)::text AS rate FROM exchange_rate WHERE ${sql.in("id", Array.from(rates.keys()))}`
  assert.deepStrictEqual(new Map(rows.map(({ id, rate }) => [id, rate])), new Map(rates))
})

const assertAuditWhole = Effect.fnUntraced(function* (sql: PgClient.PgClient, url: string, records: number) {
  yield* eventually(
    sql`SELECT audit_id FROM audit_unsealed LIMIT 1`,
    (waiting) => waiting.length === 0,
    "the audit was not sealed"
  )
  const { body } = yield* Effex.get(url, "/api/v1/audit/verify")
  assert.deepInclude(JSON.parse(body), { ok: true, records, unsealed: 0 })
})

/** What `effex audit verify` says of the audit, and the code with which it ends. */
export const verify = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const verifier = yield* Effex.run(["audit", "verify", "--json"], { LOG_LEVEL: "error", ...env })
  return { code: yield* verifier.ended, output: verifier.output() }
})

/** No transaction is left open, no lock is waited for, and no node has more connections than it may. */
const assertNothingHeld = (sql: PgClient.PgClient, nodes: number) =>
  eventually(
    Effect.all({
      sessions: sql<{ application: string; state: string }>`
        SELECT application_name AS application, state FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'effex%'`,
      waiting: sql<{ application: string; type: string }>`
        SELECT application_name AS application, locktype AS type
        FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE datname = current_database() AND NOT granted`
    }),
    ({ sessions, waiting }) =>
      sessions.length <= nodes * CONNECTIONS_PER_NODE &&
      sessions.every(({ state }) => !state.startsWith("idle in transaction")) &&
      waiting.length === 0,
    "something is still held"
  )

/** What holds once every node has ended: no session of theirs is left, and no lock. */
export const checkLeft = (sql: PgClient.PgClient) =>
  eventually(
    sql<{ application: string; locks: number }>`
      SELECT application_name AS application, (SELECT count(*)::int FROM pg_locks WHERE pg_locks.pid = session.pid) AS locks
      FROM pg_stat_activity AS session WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'`,
    (left) => left.length === 0,
    "something is left"
  )

/** Asks again until the answer is as it should be. */
const eventually = <A, E, R>(ask: Effect.Effect<A, E, R>, is: (answer: A) => boolean, otherwise: string) =>
  Effect.gen(function* () {
    let last: A | undefined
    return yield* ask.pipe(
      Effect.tap((answer) => Effect.sync(() => (last = answer))),
      Effect.delay("100 millis"),
      Effect.repeat({ until: is }),
      Effect.timeoutOrElse({
        duration: "1 minute",
        orElse: () => Effect.die(new Error(`${otherwise}: ${String(JSON.stringify(last))}`))
      })
    )
  })
