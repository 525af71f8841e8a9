import { DateTime, Effect, Option, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { TimeFromText } from "../../api/TimeFromText.ts"
import { candleFields, rowFields, type RatesArchived } from "../../domain/rates/History.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { MIN_TIME, RateHistory } from "../../rates/history/RateHistory.ts"
import * as HistoryEncoding from "../../server/encoding/HistoryEncoding.ts"
import * as Export from "../../server/encoding/Export.ts"
import { pairArgument, splitPair } from "../arguments/PairArguments.ts"
import * as StandardOutput from "../StandardOutput.ts"

/** Width of a column in characters: enough for a timestamp. */
const COLUMN_WIDTH = 24

/** `effex history USD NGN`: the stored rates of a pair, read from the database. */
export const command = Command.make(
  "history",
  {
    pair: pairArgument,
    start: Flag.String("start").pipe(
      Flag.withDescription("Start, inclusive, such as 2026-11-01 or 2026-11-01T00:00:00Z"),
      Flag.withSchema(TimeFromText),
      Flag.withDefault(MIN_TIME)
    ),
    end: Flag.String("end").pipe(
      Flag.withDescription("End, exclusive (default: now)"),
      Flag.withSchema(TimeFromText),
      Flag.optional
    ),
    interval: Flag.Literals("interval", ["raw", "1h", "1d"]).pipe(
      Flag.withDescription("Every stored rate, or hourly or daily candles (UTC)"),
      Flag.withDefault("raw")
    ),
    format: Flag.Literals("format", ["table", "csv", "ndjson"]).pipe(
      Flag.withDescription("table for people; csv or ndjson for programs"),
      Flag.withDefault("table")
    )
  },
  Effect.fn(function* ({ end, format, interval, pair: words, start }) {
    const history = yield* RateHistory
    const { from, to } = yield* splitPair(words)
    const pair = yield* Effect.fromResult((yield* AssetCatalog).parsePair(from, to))
    const now = yield* DateTime.now
    const span = { pair, start, end: Option.getOrElse(end, () => now) }
    const text =
      interval === "raw"
        ? textOf(format, HistoryEncoding.ROW_LAYOUT, Stream.map(history.streamRows(span), rowFields))
        : textOf(
            format,
            HistoryEncoding.CANDLE_LAYOUT,
            Stream.map(history.streamCandles(span, interval), candleFields)
          )
    yield* StandardOutput.write(text)
  })
).pipe(
  Command.withDescription("Print the stored rates of a pair, oldest first"),
  Command.withExamples([
    {
      command: "effex history USD NGN --start 2026-11-01",
      description: "Every rate since the start of the month"
    },
    { command: "effex history USD NGN --interval 1d --format csv", description: "One line per day" }
  ])
)

const textOf = <Row extends Export.Fields<Row>>(
  format: "table" | Export.Format,
  listing: Export.Layout<Row>,
  rows: Stream.Stream<Row, StoreUnavailable | RatesArchived>
): Stream.Stream<string, StoreUnavailable | RatesArchived> => {
  if (format !== "table") return Export.encode(format, listing, rows)
  const line = (cells: ReadonlyArray<unknown>) =>
    `${cells
      .map((cell) => String(cell).padEnd(COLUMN_WIDTH))
      .join("  ")
      .trimEnd()}\n`
  return Stream.make(line(listing.columns.map((column) => column.replaceAll("_", " ")))).pipe(
    Stream.concat(Stream.map(rows, (row) => line(listing.columns.map((column) => row[column]))))
  )
}
