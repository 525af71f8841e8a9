import { Console, Effect } from "effect"
import * as Comparison from "../load/Comparison.ts"
import type { LoadResult } from "../load/LoadResult.ts"
import { Plan } from "../Plan.ts"
import type { Report, Row } from "../Report.ts"
import * as GeneratedRows from "../servers/GeneratedRows.ts"
import * as Servers from "../servers/Servers.ts"
import { ratioIn, type Rounds } from "../Statistics.ts"

const SMALL = 10_000
/** The size for which the target is meant. */
const MEANT = 10_000_000

/** Lookups, and questions that only the table answers, of a small table and of a large one. */
export const growth = Effect.gen(function* () {
  const { rows } = yield* Plan
  const servers = { small: yield* filled(SMALL), large: yield* filled(rows) }
  const lookups = yield* Comparison.compare("growth, lookups", "lookups", servers)
  const asOf = yield* Comparison.compare("growth, as-of", "as-of", servers)
  const row = (work: string, rounds: Rounds<"small" | "large", LoadResult>): Row => ({
    work: `${work} when the table grows from ${counted(SMALL)} to ${counted(rows)} rows`,
    measure: "requests/s, ratio",
    result: ratioIn(rounds, "large", "small", Comparison.requestsPerSecond)
  })
  const report: Report = {
    rows: [{ ...row("lookups", lookups), target: { atLeast: 0.95 } }, row("as-of", asOf)],
    figures: [
      ...Comparison.figuresOf("lookup, table", lookups, ["small", "large"]),
      ...Comparison.figuresOf("as-of, table", asOf, ["small", "large"])
    ],
    notes:
      rows < MEANT
        ? [
            `\`--rows ${MEANT}\` makes the large table as large as the target means, which takes some minutes.`
          ]
        : []
  }
  return report
})

const filled = Effect.fnUntraced(function* (rows: number) {
  const server = yield* Servers.effex()
  yield* Console.log(`growth: makes ${counted(rows)} rows`)
  yield* GeneratedRows.fill(server.database, rows)
  return server
})

const counted = (rows: number) =>
  rows >= 1e6 ? `${rows / 1e6} million` : rows >= 1e3 ? `${rows / 1e3} thousand` : String(rows)
