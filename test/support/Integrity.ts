import type { PgClient } from "@effect/sql-pg"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as ApiRequests from "./ApiRequests.ts"
import * as Effex from "./Effex.ts"
import { TIMEOUT_MILLIS } from "./Waiters.ts"
import type { SettledCounts, Workload } from "./Workload.ts"

/** Connection limit of a node: its pool and the locks of its leader tasks. */
const CONNECTIONS_PER_NODE = 12

interface CheckOptions {
  readonly workload: Workload
  /** A running node. */
  readonly url: string
  /** Number of running nodes. */
  readonly nodes?: number
  readonly sql: PgClient.PgClient
}

/**
 * Checks what must hold after every fault: each acknowledged conversion is recorded once, each other one at most once, and
 * a retry shows which; the audit verifies and has one record per conversion; no lock or transaction has leaked.
 */
export const check = Effect.fnUntraced(function* ({ nodes = 1, sql, url, workload }: CheckOptions) {
  assert.deepStrictEqual(workload.violations, [])
  yield* assertAcknowledged(sql, workload)
  const settled = yield* workload.settle(url)
  assert.deepStrictEqual(workload.violations, [])
  yield* assertOneRecordEach(sql, workload)
  yield* assertRatesRecorded(sql, workload)
  yield* assertAuditComplete(sql, url, workload.operations.size)
  yield* assertNothingHeld(sql, nodes)
  return settled
})

/** Formats the outcome of the retries. */
export const format = ({ acknowledged, notExecuted, unacknowledged }: SettledCounts): string =>
  `${acknowledged} acknowledged, 0 lost, ${unacknowledged} executed without a response, ${notExecuted} not executed`

const idsOf = (workload: Workload) =>
  workload.acknowledged().map(({ response = "" }) => ApiRequests.auditIdOf({ body: response }))

const recordedIds = (sql: PgClient.PgClient) =>
  Effect.map(sql<{ id: string }>`SELECT id FROM conversion_audit`, (rows) => rows.map(({ id }) => id))

const assertAcknowledged = Effect.fnUntraced(function* (sql: PgClient.PgClient, workload: Workload) {
  const ids = yield* recordedIds(sql)
  const known = new Set(ids)
  assert.strictEqual(known.size, ids.length)
  assert.deepStrictEqual(
    idsOf(workload).filter((id) => !known.has(id)),
    [],
    "acknowledged conversions are lost"
  )
  assert.isAtMost(ids.length, workload.operations.size, "more records than requested conversions")
})

const assertOneRecordEach = Effect.fnUntraced(function* (sql: PgClient.PgClient, workload: Workload) {
  assert.strictEqual(workload.acknowledged().length, workload.operations.size)
  assert.deepStrictEqual((yield* recordedIds(sql)).toSorted(), idsOf(workload).toSorted())
  const storedKeys = yield* sql<{ key: string }>`SELECT key FROM idempotency`
  assert.deepStrictEqual(
    storedKeys.map(({ key }) => key).toSorted(),
    Array.from(workload.operations.keys()).toSorted()
  )
})

/** Asserts that every received rate is stored with the same value. */
const assertRatesRecorded = Effect.fnUntraced(function* (sql: PgClient.PgClient, { rates }: Workload) {
  const rows = yield* sql<{ id: string; rate: string }>`
    SELECT id, trim_scale(rate)::text AS rate FROM exchange_rate WHERE ${sql.in("id", Array.from(rates.keys()))}`
  assert.deepStrictEqual(new Map(rows.map(({ id, rate }) => [id, rate])), new Map(rates))
})

const assertAuditComplete = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  url: string,
  records: number
) {
  yield* eventually(
    sql`SELECT audit_id FROM audit_unsealed LIMIT 1`,
    (unsealed) => unsealed.length === 0,
    "the audit was not sealed"
  )
  const { body } = yield* Effex.get(url, "/api/v1/audit/verify")
  assert.deepInclude(JSON.parse(body), { ok: true, records, unsealed: 0 })
})

/** Runs `effex audit verify`. Returns its exit code and output. */
export const verify = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const verifier = yield* Effex.run(["audit", "verify", "--json"], { LOG_LEVEL: "error", ...env })
  return { code: yield* verifier.ended, output: verifier.output() }
})

/** Asserts that no transaction is open, no lock is waited for, and no node exceeds its connections. */
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
    "a session, transaction or lock has leaked"
  )

/** Checks that stopped nodes leave no session and no lock. */
export const checkReleased = (sql: PgClient.PgClient) =>
  eventually(
    sql<{ application: string; locks: number }>`
      SELECT application_name AS application, (SELECT count(*)::int FROM pg_locks WHERE pg_locks.pid = session.pid) AS locks
      FROM pg_stat_activity AS session WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'`,
    (sessions) => sessions.length === 0,
    "a session of a stopped node is left"
  )

/** Repeats a query until its result is as expected. */
const eventually = <A, E, R>(
  query: Effect.Effect<A, E, R>,
  isExpected: (result: A) => boolean,
  message: string
) =>
  Effect.gen(function* () {
    let last: A | undefined
    return yield* query.pipe(
      Effect.tap((result) => Effect.sync(() => (last = result))),
      Effect.delay("100 millis"),
      Effect.repeat({ until: isExpected }),
      Effect.timeoutOrElse({
        duration: TIMEOUT_MILLIS,
        orElse: () => Effect.die(new Error(`${message}: ${String(JSON.stringify(last))}`))
      })
    )
  })
