import type { PgClient } from "@effect/sql-pg"
import { Duration, Effect, Option, Schedule, Schema } from "effect"
import { runProgram } from "../support/ChildProgram.ts"
import { isComplete, Record, ResponseChecks } from "./ResponseChecks.ts"
import { ConversionModel } from "./ConversionModel.ts"
import { request } from "./Http.ts"
import { Report } from "./Report.ts"
import { Harness } from "./Harness.ts"
import * as DatabaseChecks from "./DatabaseChecks.ts"
import { REFERENCE as WALLET_REFERENCE } from "./WalletChecks.ts"

/** Longest time until all nodes recover after the last fault. */
const RECOVERY_TIMEOUT = "2 minutes"
/** Longest time until all conversions are sealed. */
const SEALING_TIMEOUT = "1 minute"
/** Memory limit of a node. */
const MAX_MEMORY_MIB = 600

const decodeRecord = Schema.decodeUnknownOption(Schema.fromJsonString(Record))

/** Waits until all nodes are ready, with fresh rates of all pairs. */
export const awaitRecovery = Effect.gen(function* () {
  const { nodes } = yield* Harness
  const report = yield* Report
  const isHealthy = Effect.fnUntraced(function* (node: (typeof nodes)[number]) {
    const url = node.current()?.url
    if (url === undefined) return false
    const ready = yield* request(url, "/health/ready")
    const rates = yield* request(url, "/api/v1/rates/all")
    const isReady = Option.exists(ready, ({ text }) => text.startsWith(`{"status":"ok"`))
    return isReady && Option.exists(rates, isComplete)
  })
  const allHealthy = Effect.map(Effect.forEach(nodes, isHealthy), (all) => all.every(Boolean))
  const [elapsed, recovered] = yield* allHealthy.pipe(
    Effect.repeat({ until: (healthy) => healthy, schedule: Schedule.spaced("200 millis") }),
    Effect.timeoutOption(RECOVERY_TIMEOUT),
    Effect.timed
  )
  report.figure(
    "recovery after the last fault",
    Duration.format(Duration.millis(Math.ceil(Duration.toMillis(elapsed))))
  )
  if (Option.isSome(recovered)) return
  const states = yield* Effect.forEach(nodes, (node) => request(node.current()?.url ?? "", "/health/ready"))
  const detail = states.map(
    (state, i) => `node ${i + 1}: ${Option.isSome(state) ? state.value.text : "none"}`
  )
  yield* report.violation("all nodes recover after the faults", detail.join("; "))
})

/** Checks all stored data while the nodes are running. */
export const checkStoredData = Effect.gen(function* () {
  const { nodes, postgres } = yield* Harness
  const sql = yield* postgres.sql
  yield* checkSealed(sql)
  yield* checkAuditComplete(sql)
  yield* DatabaseChecks.run(sql)
  yield* DatabaseChecks.checkNothingHeld(sql, nodes.length)
}).pipe(Effect.scoped)

const checkSealed = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const unsealedCount = sql<{ count: bigint }>`SELECT count(*) FROM audit_unsealed`.pipe(
    Effect.map(([row]) => Number(row?.count))
  )
  const [elapsed, done] = yield* unsealedCount.pipe(
    Effect.repeat({ until: (count) => count === 0, schedule: Schedule.spaced("200 millis") }),
    Effect.timeoutOption(SEALING_TIMEOUT),
    Effect.timed
  )
  report.figure(
    "time until all conversions were sealed",
    Duration.format(Duration.millis(Math.ceil(Duration.toMillis(elapsed))))
  )
  if (Option.isNone(done))
    yield* report.violation("conversions are sealed in time", `${yield* unsealedCount} are not sealed`)
})

/** Checks that the audit contains all acknowledged conversions, and others only if their outcome was unknown. */
const checkAuditComplete = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const { nodes } = yield* Harness
  const report = yield* Report
  const checks = yield* ResponseChecks
  const model = yield* ConversionModel
  const response = yield* request(nodes[0]?.current()?.url ?? "", "/api/v1/audit/conversions", {
    headers: { accept: "application/x-ndjson" }
  })
  const lines = Option.isSome(response) ? response.value.text.trimEnd().split("\n").filter(Boolean) : []
  const records = lines.flatMap((line) => Option.toArray(decodeRecord(line)))
  const [row] = yield* sql<{ count: bigint }>`SELECT count(*) FROM conversion_audit`
  if (records.length !== Number(row?.count) || records.length !== lines.length) {
    const detail = `${lines.length} lines, ${records.length} records, ${row?.count} rows`
    yield* report.violation("the audit lists every conversion", detail)
  }
  const acknowledged = model.byAudit()
  const seen = new Set<string>()
  const unacknowledged = new Set<string>()
  for (const record of records) {
    if (seen.has(record.audit_id))
      yield* report.violation("the audit lists each conversion once", record.audit_id)
    seen.add(record.audit_id)
    const known = acknowledged.get(record.audit_id)
    if (known !== undefined) {
      yield* checks.compare(known, record)
      continue
    }
    const reference = record.reference ?? ""
    // Compared with the ledger by the checks of wallets.
    if (reference === WALLET_REFERENCE) continue
    if (!model.unknownOutcomes().has(reference) || unacknowledged.has(reference)) {
      yield* report.violation("every conversion was requested, and executed once", JSON.stringify(record))
    }
    unacknowledged.add(reference)
  }
  for (const { converted, text } of model.acknowledged()) {
    if (!seen.has(converted.audit_id)) yield* report.violation("no acknowledged conversion is lost", text)
  }
  report.figure("conversions acknowledged", String(model.acknowledged().length))
  report.figure("conversions without a response", String(unacknowledged.size))
})

/** Stops all nodes and checks what remains. */
export const stop = Effect.gen(function* () {
  const { env, nodes, postgres, program } = yield* Harness
  const report = yield* Report
  for (const node of nodes) {
    const { now, peak } = node.memory()
    report.figure(`memory of node ${node.index}`, `${now} MiB at the end, ${peak} MiB peak`)
    if (peak > MAX_MEMORY_MIB) yield* report.violation("memory is bounded", `node ${node.index}: ${peak} MiB`)
  }
  yield* Effect.forEach(nodes, (node) => node.stop("SIGTERM"), { concurrency: "unbounded" })
  const sql = yield* postgres.sql
  yield* DatabaseChecks.checkNothingLeft(sql)
  const verifier = yield* runProgram(program, ["audit", "verify", "--json"], { LOG_LEVEL: "error", ...env })
  const code = yield* verifier.ended
  if (code !== 0) yield* report.violation("the audit verifies", verifier.output())
  report.figure("audit", verifier.output().trim().slice(0, 200))
  for (const node of nodes) yield* checkLog(node.index, node.output())
}).pipe(Effect.scoped)

/** Log messages that indicate a defect. */
const UNEXPECTED = /unexpected failure|crashed, restarting it|unhandled|out of memory/i

const checkLog = Effect.fnUntraced(function* (index: number, output: string) {
  const report = yield* Report
  const lines = output.split("\n")
  const found = lines.filter((line) => UNEXPECTED.test(line))
  report.figure(`log lines of node ${index}`, String(lines.length))
  for (const line of found.slice(0, 5)) yield* report.violation("the log has no unexpected errors", line)
})
