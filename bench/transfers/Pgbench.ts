import { Effect, FileSystem } from "effect"
import { summarize } from "./Callers.ts"
import { Machine } from "../Machine.ts"
import { Plan } from "../Plan.ts"
import * as Processes from "../Processes.ts"
import { type BenchDatabase, Stores } from "../Stores.ts"
import * as PostgresCpu from "./PostgresCpu.ts"

/** Scale factor: a million accounts. */
const SCALE = 10

/** Creates the tables of pgbench. */
export const initialize = ({ url }: BenchDatabase) =>
  Processes.output(["pgbench", "-i", "-q", "-s", String(SCALE), url])

/** Runs the simple-update of pgbench (`-N`). */
export const run = Effect.fnUntraced(function* ({ url }: BenchDatabase) {
  const { connections, seconds } = yield* Plan
  const { onServerCore } = yield* Machine
  const fs = yield* FileSystem.FileSystem
  const { postgresPid } = yield* Stores
  const folder = yield* Effect.orDie(fs.makeTempDirectoryScoped({ prefix: "effex-bench-pgbench-" }))
  const options = ["-N", "-n", "-l", "-M", "prepared", "-c", connections, "-j", 1, "-T", seconds].map(String)
  const before = PostgresCpu.secondsOf(postgresPid)
  yield* Processes.output([...onServerCore, "pgbench", ...options, url], { cwd: folder })
  const databaseSeconds = PostgresCpu.secondsOf(postgresPid) - before
  const [file = ""] = yield* Effect.orDie(fs.readDirectory(folder))
  const log = yield* Effect.orDie(fs.readFileString(`${folder}/${file}`))
  // Each line: client, number, microseconds, …
  const millis = log
    .trim()
    .split("\n")
    .map((line) => Number(line.split(" ")[2]) / 1_000)
  return summarize(millis, seconds, databaseSeconds)
}, Effect.scoped)
