import { Effect } from "effect"
import * as Processes from "../Processes.ts"
import type { Report } from "../Report.ts"
import * as InterleavedRounds from "../InterleavedRounds.ts"
import * as Servers from "../servers/Servers.ts"
import { spreadOf } from "../Statistics.ts"

/** Idle time before the memory is read. */
const IDLE_TIME = "5 seconds"

/** Measures the memory of an idle server after its first poll. */
export const idle = Effect.gen(function* () {
  const resident = Effect.gen(function* () {
    const { pid } = yield* Servers.effex()
    yield* Effect.sleep(IDLE_TIME)
    return (yield* Processes.residentBytes(pid)) / 1e6
  }).pipe(Effect.scoped)
  const rounds = yield* InterleavedRounds.interleave("idle", { effex: resident })
  const report: Report = {
    rows: [
      {
        workload: "resident memory idle, Redis and PostgreSQL external",
        measure: `${IDLE_TIME} after the first poll`,
        unit: "MB",
        target: { atMost: 160 },
        result: spreadOf(rounds.map(({ effex }) => effex))
      }
    ],
    figures: []
  }
  return report
})
