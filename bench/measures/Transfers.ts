import { Console, Effect } from "effect"
import { interleave } from "../InterleavedRounds.ts"
import { Plan } from "../Plan.ts"
import * as Processes from "../Processes.ts"
import type { Figure, Report, Row } from "../Report.ts"
import { ratioIn, type Rounds, spreadIn } from "../Statistics.ts"
import { type BenchDatabase, Stores } from "../Stores.ts"
import { TransferResult } from "../transfers/Callers.ts"
import * as Pgbench from "../transfers/Pgbench.ts"
import * as Programs from "../Programs.ts"
import { WALLETS } from "../transfers/Workload.ts"

const perSecond = ({ transfersPerSecond }: TransferResult) => transfersPerSecond
const p99 = (result: TransferResult) => result.p99

const databaseMicros = (result: TransferResult) => result.databaseMicros

const QUANTITIES = [
  { quantity: "transfers", unit: "/s", of: perSecond },
  { quantity: "p50", unit: "ms", of: ({ p50 }: TransferResult) => p50 },
  { quantity: "p99", unit: "ms", of: p99 },
  {
    quantity: "CPU time of PostgreSQL per transfer",
    unit: "µs",
    of: databaseMicros
  }
]

const run = (
  name: "Effex" | "ByHand" | "ByFunction",
  database: BenchDatabase,
  env?: Readonly<Record<string, string>>
) => Programs.run(`transfers/${name}`, TransferResult, database, env)

/** Measures transfers between wallets in one process, relative to other ways to write them in the same PostgreSQL. */
export const transfers = Effect.gen(function* () {
  const { connections } = yield* Plan
  const { createDatabase } = yield* Stores
  const effex = yield* createDatabase
  const byHand = yield* createDatabase
  const byFunction = yield* createDatabase
  const hasPgbench = yield* Processes.has("pgbench")
  if (!hasPgbench) yield* Console.log("pgbench is not on the PATH: its comparison is left out")
  const subjects = {
    transfers: run("Effex", effex),
    "transfers, hot": run("Effex", effex, { DISTRIBUTION: "hot" }),
    postings: run("Effex", effex, { LEVEL: "ledger" }),
    "postings, hot": run("Effex", effex, { LEVEL: "ledger", DISTRIBUTION: "hot" }),
    "by hand": run("ByHand", byHand),
    "by function": run("ByFunction", byFunction)
  }
  const workload = `transfers between ${WALLETS} wallets, ${connections} callers`
  if (!hasPgbench) {
    const rounds = yield* interleave("transfers", subjects)
    return reportOf(workload, rounds, Object.keys(subjects) as ReadonlyArray<keyof typeof subjects>)
  }
  const plain = yield* createDatabase
  yield* Pgbench.initialize(plain)
  const all = { ...subjects, pgbench: Pgbench.run(plain) }
  const rounds = yield* interleave("transfers", all)
  const report = reportOf(workload, rounds, Object.keys(all) as ReadonlyArray<keyof typeof all>)
  const row = (level: "transfers" | "postings"): ReadonlyArray<Row> => [
    {
      workload: `${level}: ${workload}`,
      measure: "transfers/s relative to `pgbench -N`",
      target: { atLeast: 1.5 },
      result: ratioIn(rounds, level, "pgbench", perSecond)
    },
    {
      workload: `${level}: ${workload}`,
      measure: "p99 relative to `pgbench -N`",
      target: { atMost: 2 },
      result: ratioIn(rounds, level, "pgbench", p99)
    },
    {
      workload: `${level}: ${workload}`,
      measure: "CPU time of PostgreSQL per transfer relative to `pgbench -N`",
      result: ratioIn(rounds, level, "pgbench", databaseMicros)
    }
  ]
  return { ...report, rows: [...row("transfers"), ...row("postings"), ...report.rows] }
})

type Subject = "transfers" | "transfers, hot" | "postings" | "postings, hot" | "by hand" | "by function"

const reportOf = <Name extends string>(
  workload: string,
  rounds: Rounds<Name | Subject, TransferResult>,
  names: ReadonlyArray<Name | Subject>
): Report => {
  const rows = (["transfers", "postings"] as const).flatMap((level): ReadonlyArray<Row> => [
    {
      workload: `${level}: ${workload}`,
      measure: "transfers/s relative to one transaction each, by hand",
      target: { atLeast: 4 },
      result: ratioIn(rounds, level, "by hand", perSecond)
    },
    {
      workload: `${level}: ${workload}`,
      measure: "transfers/s relative to one function call each, as pgledger does",
      target: { atLeast: 4 },
      result: ratioIn(rounds, level, "by function", perSecond)
    },
    {
      workload: `${level}: ${workload}`,
      measure: "CPU time of PostgreSQL per transfer relative to one transaction each, by hand",
      result: ratioIn(rounds, level, "by hand", databaseMicros)
    },
    {
      workload: `${level} into one hot wallet, ${WALLETS} wallets`,
      measure: "transfers/s relative to uniform ones",
      target: { atLeast: 0.9 },
      result: ratioIn(rounds, `${level}, hot`, level, perSecond)
    }
  ])
  return {
    rows,
    figures: names.flatMap((server) =>
      QUANTITIES.map(({ of, quantity, unit }): Figure => ({
        workload: "transfer",
        server,
        quantity,
        unit,
        result: spreadIn(rounds, server, of)
      }))
    ),
    notes: [
      "`transfers` are the whole path of effex behind HTTP: recipient, idempotency, risk rules and posting; `postings` are the ledger alone, which is comparable with the peers. Each has an idempotency key.",
      "`by function` is the design of pgledger, written anew and leaner; `pgbench -N` (simple-update) has no idempotency and no double entry.",
      "effex posts with one connection, whose batches wait for the scheduler when other programs use the cores; the peers have 16 and 64. Compare the CPU time of PostgreSQL if the machine is not idle."
    ]
  }
}
