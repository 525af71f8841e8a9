import { Effect, FileSystem, Schedule } from "effect"
import { Machine } from "../Machine.ts"
import { Plan } from "../Plan.ts"
import * as Processes from "../Processes.ts"
import type { Report } from "../Report.ts"
import * as InterleavedRounds from "../InterleavedRounds.ts"
import * as Servers from "../servers/Servers.ts"
import { type Spread, spreadOf } from "../Statistics.ts"

const WORKLOAD = "start to first response, embedded PostgreSQL"

/** Measures the time from the start command to the first rate, with an empty data folder and with an existing one. */
export const start = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const { pairs } = yield* Plan
  const [from, to] = (pairs[0] ?? "").split(":")
  const path = `/api/v1/rates?from=${from}&to=${to}`
  const twoStarts = Effect.gen(function* () {
    const folder = yield* fs.makeTempDirectoryScoped({ prefix: "effex-bench-start-" })
    return { fresh: yield* secondsToResponse(folder, path), again: yield* secondsToResponse(folder, path) }
  }).pipe(
    Effect.scoped,
    Effect.mapError(({ message }) => new Processes.ProcessFailed({ program: "start", detail: message }))
  )
  const rounds = yield* InterleavedRounds.interleave("start", { effex: twoStarts })
  const row = (measure: string, atMost: number, result: Spread) => ({
    workload: WORKLOAD,
    measure,
    unit: "s",
    target: { atMost },
    result
  })
  const report: Report = {
    rows: [
      row("fresh", 5, spreadOf(rounds.map(({ effex }) => effex.fresh))),
      row("again", 1.5, spreadOf(rounds.map(({ effex }) => effex.again)))
    ],
    figures: []
  }
  return report
})

const secondsToResponse = Effect.fnUntraced(function* (folder: string, path: string) {
  const { onAllCores } = yield* Machine
  const startedAt = performance.now()
  const { match } = yield* Processes.start({
    command: [...onAllCores, Servers.EFFEX, "serve"],
    env: { PORT: "0", DATA_DIR: folder },
    cwd: folder,
    ready: /effex is listening on (http:\/\/[\d.:]+)/
  })
  yield* Effect.tryPromise(async () => {
    const response = await fetch(`${match[1]}${path}`)
    if (!response.ok) throw new Error(`status ${response.status}`)
    return response.text()
  }).pipe(Effect.retry({ schedule: Schedule.spaced("2 millis"), times: 5_000 }))
  return (performance.now() - startedAt) / 1_000
}, Effect.scoped)
