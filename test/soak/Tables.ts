import type { PgClient } from "@effect/sql-pg"
import { Effect, Schedule } from "effect"
import { ConversionModel } from "./ConversionModel.ts"
import { Report } from "./Report.ts"
import { Harness } from "./Harness.ts"

/** A node's pool, and the connections of what it leads. */
const CONNECTIONS_PER_NODE = 13

/** Reads past the program what it has stored, and compares it with what was told. */
export const examine = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  yield* keys(sql)
  yield* quotes(sql)
  yield* rates(sql)
  yield* polls(sql)
})

const keys = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const model = yield* ConversionModel
  const rows = yield* sql<{ key: string; answer: string }>`SELECT key, answer FROM idempotency`
  const remembered = new Map(rows.map(({ answer, key }) => [key, answer]))
  const keyed = model.acknowledged().filter(({ intent }) => intent.key !== undefined)
  for (const { intent, text } of keyed) {
    const answer = remembered.get(intent.key ?? "")
    if (answer !== text) {
      const detail = `${intent.key}: answered ${text}, remembered ${answer}`
      yield* report.violation("the answer under a key is kept to the letter", detail)
    }
  }
  if (rows.length !== keyed.length) {
    const detail = `${rows.length} keys are kept, ${keyed.length} were answered`
    yield* report.violation("one answer is kept for each key", detail)
  }
})

const quotes = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const model = yield* ConversionModel
  const used = yield* sql<{ id: string; usedBy: string }>`
    SELECT id, used_by AS "usedBy" FROM quote WHERE used_by IS NOT NULL`
  for (const { id, usedBy } of used) {
    const use = model.byAudit().get(usedBy)
    if (use?.intent.quote?.id !== id) {
      yield* report.violation("a quote is used by the conversion that was told of it", `${id} by ${usedBy}`)
    }
  }
  report.figure("quotes used", String(used.length))
})

const rates = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const { provider } = yield* Harness
  const rows = yield* sql<{ id: string; pair: string; rate: string }>`
    SELECT id, source_currency || ':' || destination_currency AS pair, trim_scale(rate)::text AS rate
    FROM exchange_rate`
  const seen = new Set<string>()
  for (const { id, pair, rate } of rows) {
    if (!provider.hasSaid(pair, rate)) {
      yield* report.violation("nothing is stored that the provider never gave", `${id} ${pair} ${rate}`)
    }
    if (seen.has(`${pair} ${rate}`)) {
      yield* report.violation("one answer of the provider is stored once", `${id} ${pair} ${rate}`)
    }
    seen.add(`${pair} ${rate}`)
  }
  const behind = yield* sql<{ pair: string }>`
    SELECT source_currency || ':' || destination_currency AS pair FROM latest_rate WHERE EXISTS (
      SELECT FROM exchange_rate WHERE NOT is_leg
        AND (exchange_rate.source_currency, exchange_rate.destination_currency)
          = (latest_rate.source_currency, latest_rate.destination_currency)
        AND (exchange_rate.observed_at, exchange_rate.id) > (latest_rate.observed_at, latest_rate.rate_id))`
  for (const { pair } of behind) yield* report.violation("the latest rate is the newest that is stored", pair)
  const [aside] = yield* sql<{ count: bigint }>`SELECT count(*) FROM quarantined_rate`
  report.figure("rates stored", String(rows.length))
  report.figure("rates put aside", String(aside?.count))
  report.figure("requests to the provider", String(provider.requests()))
})

const polls = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const twice = yield* sql<{ poll: string }>`
    SELECT poll_run_id || ' ' || source_currency || destination_currency AS poll FROM poll_rate
    GROUP BY poll_run_id, source_currency, destination_currency HAVING count(*) > 1`
  for (const { poll } of twice) yield* report.violation("a poll brings a pair once", poll)
  const runs = yield* sql<{ term: bigint; count: bigint; first: Date; last: Date }>`
    SELECT term, count(*), min(started_at) AS first, max(started_at) AS last
    FROM poll_run WHERE term IS NOT NULL GROUP BY term ORDER BY term`
  for (const [i, run] of runs.entries()) {
    const before = runs[i - 1]
    if (before !== undefined && run.first < before.last) {
      const detail = `term ${run.term} began at ${run.first.toISOString()}, term ${before.term} went on until ${before.last.toISOString()}`
      yield* report.violation("terms only grow: one leads at a time", detail)
    }
  }
  const count = runs.reduce((all, run) => all + Number(run.count), 0)
  report.figure("polls", `${count} in ${runs.length} terms`)
})

interface Held {
  readonly sessions: ReadonlyArray<{ readonly application: string; readonly state: string | null }>
  readonly locks: ReadonlyArray<{
    readonly application: string
    readonly type: string
    readonly granted: boolean
  }>
}

const held = (sql: PgClient.PgClient) =>
  Effect.all({
    sessions: sql<Held["sessions"][number]>`
      SELECT application_name AS application, state FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'effex%'`,
    locks: sql<Held["locks"][number]>`
      SELECT application_name AS application, locktype AS type, granted
      FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE datname = current_database() AND application_name LIKE 'effex%'`
  })

const eventually = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  law: string,
  is: (held: Held) => boolean
) {
  const report = yield* Report
  let last: Held = { sessions: [], locks: [] }
  yield* held(sql).pipe(
    Effect.tap((now) => Effect.sync(() => (last = now))),
    Effect.repeat({ until: is, schedule: Schedule.spaced("100 millis") }),
    Effect.timeoutOrElse({
      duration: "20 seconds",
      orElse: () => report.violation(law, JSON.stringify(last))
    })
  )
})

/** No session has a transaction open, nobody waits for a lock, and only who leads holds one for long. */
export const nothingHeld = (sql: PgClient.PgClient, nodes: number) =>
  eventually(
    sql,
    "no connection and no lock has leaked",
    ({ locks, sessions }) =>
      sessions.length <= nodes * CONNECTIONS_PER_NODE &&
      sessions.every(({ state }) => !(state ?? "").startsWith("idle in transaction")) &&
      locks.every(({ granted }) => granted) &&
      locks.every(({ application, type }) => type !== "advisory" || application === "effex cluster")
  )

/** The nodes are gone, and their sessions with them. */
export const nothingLeft = (sql: PgClient.PgClient) =>
  eventually(
    sql,
    "a node that stopped leaves no session and no lock",
    ({ locks, sessions }) => sessions.length === 0 && locks.length === 0
  )
