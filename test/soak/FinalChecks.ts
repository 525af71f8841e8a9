import type { PgClient } from "@effect/sql-pg"
import { Duration, Effect, Option, Schedule, Schema } from "effect"
import { runProgram } from "../support/ChildProgram.ts"
import { Checks, isComplete, Record } from "./Checks.ts"
import { ConversionModel } from "./ConversionModel.ts"
import { ask } from "./Http.ts"
import { Report } from "./Report.ts"
import { Harness } from "./Harness.ts"
import * as Tables from "./Tables.ts"

/** Within how long everything is well again, by itself. */
const HEALING = "2 minutes"
/** Within how long everything that was converted is sealed. */
const SEALING = "1 minute"
/** What a node may have at most. */
const MEMORY_MIB = 600

const decodeRecord = Schema.decodeUnknownOption(Schema.fromJsonString(Record))

/** Waits until all nodes are ready, with fresh rates of all pairs. */
export const heal = Effect.gen(function* () {
  const { nodes } = yield* Harness
  const report = yield* Report
  const isWell = Effect.fnUntraced(function* (node: (typeof nodes)[number]) {
    const url = node.current()?.url
    if (url === undefined) return false
    const ready = yield* ask(url, "/health/ready")
    const rates = yield* ask(url, "/api/v1/rates/all")
    const isReady = Option.exists(ready, ({ text }) => text.startsWith(`{"status":"ok"`))
    return isReady && Option.exists(rates, isComplete)
  })
  const allWell = Effect.map(Effect.forEach(nodes, isWell), (all) => all.every(Boolean))
  const [took, healed] = yield* allWell.pipe(
    Effect.repeat({ until: (well) => well, schedule: Schedule.spaced("200 millis") }),
    Effect.timeoutOption(HEALING),
    Effect.timed
  )
  report.figure(
    "healed after the last fault within",
    Duration.format(Duration.millis(Math.ceil(Duration.toMillis(took))))
  )
  if (Option.isSome(healed)) return
  const states = yield* Effect.forEach(nodes, (node) => ask(node.current()?.url ?? "", "/health/ready"))
  const detail = states.map(
    (state, i) => `node ${i + 1}: ${Option.isSome(state) ? state.value.text : "none"}`
  )
  yield* report.violation("everything heals by itself once the faults are over", detail.join("; "))
})

/** Everything that must hold of what is stored, while the nodes still run. */
export const examine = Effect.gen(function* () {
  const { nodes, postgres } = yield* Harness
  const sql = yield* postgres.sql
  yield* sealed(sql)
  yield* everyConversionOnce(sql)
  yield* Tables.examine(sql)
  yield* Tables.nothingHeld(sql, nodes.length)
}).pipe(Effect.scoped)

const sealed = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const waiting = sql<{ count: bigint }>`SELECT count(*) FROM audit_unsealed`.pipe(
    Effect.map(([row]) => Number(row?.count))
  )
  const [took, done] = yield* waiting.pipe(
    Effect.repeat({ until: (count) => count === 0, schedule: Schedule.spaced("200 millis") }),
    Effect.timeoutOption(SEALING),
    Effect.timed
  )
  report.figure("all sealed within", Duration.format(Duration.millis(Math.ceil(Duration.toMillis(took)))))
  if (Option.isNone(done))
    yield* report.violation("what was converted is sealed soon", `${yield* waiting} wait`)
})

/** The audit, as anybody reads it, holds what was acknowledged, and besides that only what nobody was told of. */
const everyConversionOnce = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const { nodes } = yield* Harness
  const report = yield* Report
  const checks = yield* Checks
  const model = yield* ConversionModel
  const answer = yield* ask(nodes[0]?.current()?.url ?? "", "/api/v1/audit/conversions", {
    headers: { accept: "application/x-ndjson" }
  })
  const lines = Option.isSome(answer) ? answer.value.text.trimEnd().split("\n").filter(Boolean) : []
  const records = lines.flatMap((line) => Option.toArray(decodeRecord(line)))
  const [row] = yield* sql<{ count: bigint }>`SELECT count(*) FROM conversion_audit`
  if (records.length !== Number(row?.count) || records.length !== lines.length) {
    const detail = `${lines.length} lines, ${records.length} records, ${row?.count} rows`
    yield* report.violation("the audit lists every conversion", detail)
  }
  const acknowledged = model.byAudit()
  const seen = new Set<string>()
  const untold = new Set<string>()
  for (const record of records) {
    if (seen.has(record.audit_id))
      yield* report.violation("the audit lists a conversion once", record.audit_id)
    seen.add(record.audit_id)
    const known = acknowledged.get(record.audit_id)
    if (known !== undefined) {
      yield* checks.agrees(known, record)
      continue
    }
    const reference = record.reference ?? ""
    if (!model.maybeDone().has(reference) || untold.has(reference)) {
      yield* report.violation("nothing is converted that nobody asked for, or twice", JSON.stringify(record))
    }
    untold.add(reference)
  }
  for (const { converted, text } of model.acknowledged()) {
    if (!seen.has(converted.audit_id)) yield* report.violation("nothing acknowledged is lost", text)
  }
  report.figure("conversions acknowledged", String(model.acknowledged().length))
  report.figure("conversions done, and nobody told", String(untold.size))
})

/** What must hold once all nodes have been told to stop. */
export const stop = Effect.gen(function* () {
  const { env, nodes, postgres, program } = yield* Harness
  const report = yield* Report
  for (const node of nodes) {
    const { now, peak } = node.memory()
    report.figure(`memory of node ${node.index}`, `${now} MiB at the end, ${peak} MiB at most`)
    if (peak > MEMORY_MIB) yield* report.violation("memory is bounded", `node ${node.index}: ${peak} MiB`)
  }
  yield* Effect.forEach(nodes, (node) => node.stop("SIGTERM"), { concurrency: "unbounded" })
  const sql = yield* postgres.sql
  yield* Tables.nothingLeft(sql)
  const verifier = yield* runProgram(program, ["audit", "verify", "--json"], { LOG_LEVEL: "error", ...env })
  const code = yield* verifier.ended
  if (code !== 0) yield* report.violation("the audit verifies", verifier.output())
  report.figure("audit", verifier.output().trim().slice(0, 200))
  for (const node of nodes) yield* examineLog(node.index, node.output())
}).pipe(Effect.scoped)

/** What a log never holds. */
const UNFORESEEN = /unforeseen|broke, and is started again|unhandled|out of memory/i

const examineLog = Effect.fnUntraced(function* (index: number, output: string) {
  const report = yield* Report
  const lines = output.split("\n")
  const found = lines.filter((line) => UNFORESEEN.test(line))
  report.figure(`log lines of node ${index}`, String(lines.length))
  for (const line of found.slice(0, 5)) yield* report.violation("nothing unforeseen is logged", line)
})
