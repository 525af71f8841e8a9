import { Console, Effect } from "effect"
import * as Comparison from "../load/Comparison.ts"
import type { LoadResult } from "../load/LoadResult.ts"
import { Plan } from "../Plan.ts"
import type { Report, Row } from "../Report.ts"
import * as GeneratedRows from "../servers/GeneratedRows.ts"
import * as Servers from "../servers/Servers.ts"
import { ratioIn, type Rounds } from "../Statistics.ts"

const SMALL_TABLE_ROWS = 10_000
/** Size of the large table that the target refers to. */
const TARGET_ROWS = 10_000_000

/** Compares lookups and as-of queries, which read the table, with a small and with a large rate table. */
export const growth = Effect.gen(function* () {
  const { rows } = yield* Plan
  const servers = { small: yield* startWithRows(SMALL_TABLE_ROWS), large: yield* startWithRows(rows) }
  const lookups = yield* Comparison.compare("growth, lookups", "lookups", servers)
  const asOf = yield* Comparison.compare("growth, as-of", "as-of", servers)
  const row = (workload: string, rounds: Rounds<"small" | "large", LoadResult>): Row => ({
    workload: `${workload} when the table grows from ${formatCount(SMALL_TABLE_ROWS)} to ${formatCount(rows)} rows`,
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
      rows < TARGET_ROWS
        ? [
            `\`--rows ${TARGET_ROWS}\` creates the table size that the target refers to, which takes some minutes.`
          ]
        : []
  }
  return report
})

const startWithRows = Effect.fnUntraced(function* (rows: number) {
  const server = yield* Servers.effex()
  yield* Console.log(`growth: inserts ${formatCount(rows)} rows`)
  yield* GeneratedRows.fill(server.database, rows)
  return server
})

const formatCount = (rows: number) =>
  rows >= 1e6 ? `${rows / 1e6} million` : rows >= 1e3 ? `${rows / 1e3} thousand` : String(rows)
