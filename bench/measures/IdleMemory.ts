import { Effect } from "effect"
import * as Processes from "../Processes.ts"
import type { Report } from "../Report.ts"
import * as Rounds from "../Rounds.ts"
import * as Servers from "../servers/Servers.ts"
import { spreadOf } from "../Statistics.ts"

/** How long it is left alone before its memory is read. */
const IDLE = "5 seconds"

/** What a server holds that has started, polled once, and has had nothing to do since. */
export const idle = Effect.gen(function* () {
  const resident = Effect.gen(function* () {
    const { pid } = yield* Servers.effex()
    yield* Effect.sleep(IDLE)
    return (yield* Processes.residentBytes(pid)) / 1e6
  }).pipe(Effect.scoped)
  const rounds = yield* Rounds.inTurns("idle", { effex: resident })
  const report: Report = {
    rows: [
      {
        work: "resident memory idle, Redis and Postgres external",
        measure: `${IDLE} after the first poll`,
        unit: "MB",
        target: { atMost: 160 },
        result: spreadOf(rounds.map(({ effex }) => effex))
      }
    ],
    figures: []
  }
  return report
})
