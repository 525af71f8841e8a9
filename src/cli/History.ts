import { DateTime, Effect, Option, Predicate, Stdio, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { TimeFromText } from "../api/TimeFromText.ts"
import * as CurrencyPair from "../domain/money/CurrencyPair.ts"
import { candleFields, rowFields } from "../domain/rates/History.ts"
import type { StoreUnavailable } from "../platform/postgres/Database.ts"
import { BEGINNING, RateHistory } from "../rates/history/RateHistory.ts"
import * as HistoryEncoding from "../server/http/HistoryEncoding.ts"
import * as Export from "../server/http/Export.ts"
import * as CommandArguments from "./CommandArguments.ts"

/** Wide enough for a time, which is the first column of every table, and for what else there mostly is. */
const WIDTH = 24

/** `effex history USD NGN`: what the rates of a pair were, read from the database. */
export const command = Command.make(
  "history",
  {
    ...CommandArguments.currencies,
    start: Flag.String("start").pipe(
      Flag.withDescription("From this moment on, such as 2026-11-01 or 2026-11-01T00:00:00Z"),
      Flag.withSchema(TimeFromText),
      Flag.withDefault(BEGINNING)
    ),
    end: Flag.String("end").pipe(
      Flag.withDescription("Before this moment; until now without it"),
      Flag.withSchema(TimeFromText),
      Flag.optional
    ),
    interval: Flag.Literals("interval", ["raw", "1h", "1d"]).pipe(
      Flag.withDescription("Every rate as it was stored, or candles of hours or days (UTC)"),
      Flag.withDefault("raw")
    ),
    format: Flag.Literals("format", ["table", "csv", "ndjson"]).pipe(
      Flag.withDescription("For people, or for programs"),
      Flag.withDefault("table")
    )
  },
  Effect.fn(function* ({ end, format, from, interval, start, to }) {
    const history = yield* RateHistory
    const stdio = yield* Stdio.Stdio
    const pair = yield* Effect.fromResult(CurrencyPair.parse(from, to))
    const now = yield* DateTime.now
    const span = { pair, start, end: Option.getOrElse(end, () => now) }
    const text =
      interval === "raw"
        ? textOf(format, HistoryEncoding.ROWS, Stream.map(history.streamRows(span), rowFields))
        : textOf(
            format,
            HistoryEncoding.CANDLES,
            Stream.map(history.streamCandles(span, interval), candleFields)
          )
    yield* Stream.run(text, stdio.stdout()).pipe(Effect.catchIf(isReaderGone, () => Effect.void))
  })
).pipe(
  Command.withDescription("Print what the rates of a pair were, oldest first"),
  Command.withExamples([
    { command: "effex history USD NGN --start 2026-11-01", description: "Every rate of a month" },
    { command: "effex history USD NGN --interval 1d --format csv", description: "A line for each day" }
  ])
)

/** As with `effex history … | head`: nothing is wrong. */
const isReaderGone = (error: { readonly _tag: string; readonly reason?: unknown }) =>
  Predicate.hasProperty(error.reason, "cause") &&
  Predicate.hasProperty(error.reason.cause, "code") &&
  error.reason.cause.code === "EPIPE"

const textOf = <Row extends Export.Fields<Row>>(
  format: "table" | Export.Format,
  listing: Export.Listing<Row>,
  rows: Stream.Stream<Row, StoreUnavailable>
): Stream.Stream<string, StoreUnavailable> => {
  if (format !== "table") return Export.lines(format, listing, rows)
  const line = (cells: ReadonlyArray<unknown>) =>
    `${cells
      .map((cell) => String(cell).padEnd(WIDTH))
      .join("  ")
      .trimEnd()}\n`
  return Stream.make(line(listing.columns.map((column) => column.replaceAll("_", " ")))).pipe(
    Stream.concat(Stream.map(rows, (row) => line(listing.columns.map((column) => row[column]))))
  )
}
