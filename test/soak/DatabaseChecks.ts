import type { PgClient } from "@effect/sql-pg"
import { Effect, Schedule } from "effect"
import { ConversionModel } from "./ConversionModel.ts"
import { Report } from "./Report.ts"
import { Harness } from "./Harness.ts"

/** Connection pool of a node, plus the connections of its leader tasks. */
const CONNECTIONS_PER_NODE = 13

/** Compares the stored data, read directly from the database, with the responses. */
export const run = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  yield* checkKeys(sql)
  yield* checkQuotes(sql)
  yield* checkRates(sql)
  yield* checkPolls(sql)
})

const checkKeys = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const model = yield* ConversionModel
  const rows = yield* sql<{ key: string; answer: string }>`SELECT key, answer FROM idempotency`
  const stored = new Map(rows.map(({ answer, key }) => [key, answer]))
  const keyed = model.acknowledged().filter(({ intent }) => intent.key !== undefined)
  for (const { intent, text } of keyed) {
    const answer = stored.get(intent.key ?? "")
    if (answer !== text) {
      const detail = `${intent.key}: response ${text}, stored ${answer}`
      yield* report.violation("the stored response of a key equals the sent one", detail)
    }
  }
  if (rows.length !== keyed.length) {
    const detail = `${rows.length} keys are stored, ${keyed.length} were acknowledged`
    yield* report.violation("each key has one stored response", detail)
  }
})

const checkQuotes = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const model = yield* ConversionModel
  const used = yield* sql<{ id: string; usedBy: string }>`
    SELECT id, used_by AS "usedBy" FROM quote WHERE used_by IS NOT NULL`
  for (const { id, usedBy } of used) {
    const use = model.byAudit().get(usedBy)
    if (use?.intent.quote?.id !== id) {
      yield* report.violation("a quote is used by the conversion that requested it", `${id} by ${usedBy}`)
    }
  }
  report.figure("quotes used", String(used.length))
})

const checkRates = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const { provider } = yield* Harness
  const rows = yield* sql<{ id: string; pair: string; rate: string }>`
    SELECT id, source_currency || ':' || destination_currency AS pair, trim_scale(rate)::text AS rate
    FROM exchange_rate WHERE provider = 'flutterwave'`
  const seen = new Set<string>()
  for (const { id, pair, rate } of rows) {
    if (!provider.hasReturned(pair, rate)) {
      yield* report.violation("every stored rate is from the provider", `${id} ${pair} ${rate}`)
    }
    if (seen.has(`${pair} ${rate}`)) {
      yield* report.violation("each response of the provider is stored once", `${id} ${pair} ${rate}`)
    }
    seen.add(`${pair} ${rate}`)
  }
  const behind = yield* sql<{ pair: string }>`
    SELECT source_currency || ':' || destination_currency AS pair FROM latest_rate WHERE EXISTS (
      SELECT FROM exchange_rate WHERE NOT is_leg
        AND (exchange_rate.source_currency, exchange_rate.destination_currency)
          = (latest_rate.source_currency, latest_rate.destination_currency)
        AND (exchange_rate.observed_at, exchange_rate.id) > (latest_rate.observed_at, latest_rate.rate_id))`
  for (const { pair } of behind) yield* report.violation("latest_rate points to the newest rate", pair)
  const [quarantined] = yield* sql<{ count: bigint }>`SELECT count(*) FROM quarantined_rate`
  report.figure("rates stored", String(rows.length))
  report.figure("rates quarantined", String(quarantined?.count))
  report.figure("requests to the provider", String(provider.requests()))
})

const checkPolls = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const duplicates = yield* sql<{ poll: string }>`
    SELECT poll_run_id || ' ' || source_currency || destination_currency AS poll FROM poll_rate
    GROUP BY poll_run_id, source_currency, destination_currency HAVING count(*) > 1`
  for (const { poll } of duplicates) yield* report.violation("a poll stores each pair once", poll)
  const runs = yield* sql<{ term: bigint; count: bigint; first: Date; last: Date }>`
    SELECT term, count(*), min(started_at) AS first, max(started_at) AS last
    FROM poll_run WHERE term IS NOT NULL AND pair_set = 'currencies' GROUP BY term ORDER BY term`
  for (const [i, run] of runs.entries()) {
    const previous = runs[i - 1]
    if (previous !== undefined && run.first < previous.last) {
      const detail = `term ${run.term} started at ${run.first.toISOString()}, term ${previous.term} continued until ${previous.last.toISOString()}`
      yield* report.violation("terms do not overlap", detail)
    }
  }
  const count = runs.reduce((all, run) => all + Number(run.count), 0)
  report.figure("polls", `${count} in ${runs.length} terms`)
})

interface HeldResources {
  readonly sessions: ReadonlyArray<{ readonly application: string; readonly state: string | null }>
  readonly locks: ReadonlyArray<{
    readonly application: string
    readonly type: string
    readonly granted: boolean
  }>
}

const readResources = (sql: PgClient.PgClient) =>
  Effect.all({
    sessions: sql<HeldResources["sessions"][number]>`
      SELECT application_name AS application, state FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'effex%'`,
    locks: sql<HeldResources["locks"][number]>`
      SELECT application_name AS application, locktype AS type, granted
      FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE datname = current_database() AND application_name LIKE 'effex%'`
  })

const eventually = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  rule: string,
  isExpected: (resources: HeldResources) => boolean
) {
  const report = yield* Report
  let last: HeldResources = { sessions: [], locks: [] }
  yield* readResources(sql).pipe(
    Effect.tap((resources) => Effect.sync(() => (last = resources))),
    Effect.repeat({ until: isExpected, schedule: Schedule.spaced("100 millis") }),
    Effect.timeoutOrElse({
      duration: "20 seconds",
      orElse: () => report.violation(rule, JSON.stringify(last))
    })
  )
})

/** Checks that no transaction is open, no lock is waited for, and only leaders hold advisory locks. */
export const checkNothingHeld = (sql: PgClient.PgClient, nodes: number) =>
  eventually(
    sql,
    "no connection and no lock has leaked",
    ({ locks, sessions }) =>
      sessions.length <= nodes * CONNECTIONS_PER_NODE &&
      sessions.every(({ state }) => !(state ?? "").startsWith("idle in transaction")) &&
      locks.every(({ granted }) => granted) &&
      locks.every(({ application, type }) => type !== "advisory" || application === "effex cluster")
  )

/** Checks that stopped nodes leave no session and no lock. */
export const checkNothingLeft = (sql: PgClient.PgClient) =>
  eventually(
    sql,
    "a node that stopped leaves no session and no lock",
    ({ locks, sessions }) => sessions.length === 0 && locks.length === 0
  )
