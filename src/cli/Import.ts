import { Console, DateTime, Effect, Equal, FileSystem, Option, Schema, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Csv } from "effect/encoding"
import { Settings } from "../config/Settings.ts"
import * as CurrencyPair from "../domain/money/CurrencyPair.ts"
import * as ImportRow from "../domain/rates/ImportRow.ts"
import { RateImport } from "../rates/import/RateImport.ts"
import { refuse } from "./CommandArguments.ts"
import * as ImportProgressView from "./view/ImportProgressView.ts"

/** How many bad lines are shown; `--report` has all of them. */
const MAX_SHOWN = 100

/** Lines of a file are bad, and nothing was stored. */
export class BadLines extends Schema.TaggedError<BadLines>()("BadLines", { count: Schema.Int }) {
  override get message(): string {
    const lines = this.count === 1 ? "A line is" : `${ImportProgressView.grouped(this.count)} lines are`
    return `${lines} bad, and nothing was stored: mend the file, or store the rest with --skip-bad`
  }
}

const input = {
  file: Argument.String("file").pipe(
    Argument.withDescription("A CSV file with a header: from, to, rate, observed_at, provider (optional)"),
    Argument.optional
  ),
  pair: Flag.String("pair").pipe(
    Flag.withDescription("The pair of a file that does not say it, such as an export of the history"),
    Flag.optional
  ),
  provider: Flag.String("provider").pipe(
    Flag.withDescription("Who said so, for the lines that do not say it"),
    Flag.filter(ImportRow.isProvider, () => `it must be ${ImportRow.PROVIDER_ALLOWED}`),
    Flag.withDefault("import")
  ),
  skipBad: Flag.Boolean("skip-bad").pipe(
    Flag.withDescription("Store the good lines where others are bad"),
    Flag.withDefault(false)
  ),
  report: Flag.String("report").pipe(
    Flag.withDescription("Write every bad line, and why, to this CSV file"),
    Flag.optional
  ),
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withDescription("Only say what would be stored"),
    Flag.withDefault(false)
  ),
  frankfurter: Flag.Boolean("frankfurter").pipe(
    Flag.withDescription("Import Frankfurter's daily rates, instead of a file"),
    Flag.withDefault(false)
  ),
  start: Flag.String("start").pipe(
    Flag.withDescription("The first day of Frankfurter's rates, such as 2024-01-01"),
    Flag.optional
  ),
  end: Flag.String("end").pipe(Flag.withDescription("The last day; today without it"), Flag.optional),
  pairs: Flag.String("pairs").pipe(
    Flag.withDescription("The pairs, such as USD:NGN,EUR:NGN; all that are offered without it"),
    Flag.optional
  )
}

type Input = Command.Command.Config.Infer<typeof input>

/** `effex import rates.csv`: stores rates of the past, all of them or none. */
export const command = Command.make(
  "import",
  input,
  Effect.fn(function* (input) {
    if (!input.frankfurter) return yield* importFile(input)
    if (Option.isSome(input.file)) return yield* refuse("Give a file or --frankfurter, not both")
    return yield* importSeries(input)
  })
).pipe(
  Command.withDescription("Store rates of the past, of a CSV file or of Frankfurter: all of them or none"),
  Command.withExamples([
    { command: "effex import rates.csv", description: "Store the rates of a file, unless a line is bad" },
    {
      command: "effex import rates.csv --skip-bad --report bad.csv",
      description: "Store the good lines, and write down the others"
    },
    { command: "effex import history.csv --pair USD:NGN", description: "Store an export of the history" },
    {
      command: "effex import --frankfurter --start 2024-01-01 --end 2024-12-31",
      description: "Store a year of daily rates of every pair that is offered"
    }
  ])
)

const importFile = Effect.fnUntraced(function* (input: Input) {
  if (Option.isNone(input.file)) return yield* refuse("Give a CSV file, or --frankfurter")
  const rateImport = yield* RateImport
  const view = yield* ImportProgressView.make
  const pair = yield* Effect.transposeOption(Option.map(input.pair, parsePair))
  const writeReport = yield* makeReport(input.report, input.file.value)
  const shown: Array<ImportRow.InvalidRow> = []
  const { dryRun, provider, skipBad } = input

  const summary = yield* rateImport
    .file({
      file: input.file.value,
      defaults: { pair, provider },
      skipBad,
      dryRun,
      observe: view.observe,
      onBad: (lines) => {
        shown.push(...lines.slice(0, MAX_SHOWN - shown.length))
        return writeReport(lines)
      }
    })
    .pipe(Effect.ensuring(view.clear))

  for (const bad of shown.toSorted((a, b) => a.line - b.line)) yield* Console.log(ImportRow.describe(bad))
  if (summary.bad > shown.length) {
    yield* Console.log(`and ${ImportProgressView.grouped(summary.bad - shown.length)} more`)
  }
  const isRefused = summary.bad > 0 && !skipBad
  yield* Console.log(ImportProgressView.summaryText("line", summary, { isRefused, dryRun }))
  if (isRefused) return yield* new BadLines({ count: summary.bad })
}, Effect.scoped)

const importSeries = Effect.fnUntraced(function* (input: Input) {
  const { pairs } = yield* Settings
  const rateImport = yield* RateImport
  const view = yield* ImportProgressView.make
  if (Option.isNone(input.start)) return yield* refuse("Give the first day: --start 2024-01-01")
  const today = DateTime.startOf(yield* DateTime.now, "day")
  const start = yield* parseDay("--start", input.start.value)
  const end = Option.isSome(input.end) ? yield* parseDay("--end", input.end.value) : today
  if (DateTime.isGreaterThan(end, today)) return yield* refuse("--end must not be after today")
  if (DateTime.isGreaterThan(start, end)) return yield* refuse("--start must not be after --end")
  const wanted = Option.isSome(input.pairs)
    ? yield* Effect.forEach(input.pairs.value.split(","), parsePair)
    : pairs.all
  const { dryRun } = input
  const summary = yield* rateImport
    .series({ pairs: wanted, start, end, dryRun, observe: view.observe })
    .pipe(Effect.ensuring(view.clear))
  yield* Console.log(ImportProgressView.summaryText("rate", summary, { isRefused: false, dryRun }))
})

const parseDay = (flag: string, text: string) => {
  const millis = text.length === "2024-01-01".length ? ImportRow.parseInstant(text) : Option.none()
  return Option.match(
    Option.filter(millis, (day) => day >= ImportRow.MIN_OBSERVED_AT),
    {
      onNone: () =>
        refuse(
          `${flag}: found ${ImportRow.printable(text)}, allowed: a day such as 2024-01-01, from 1990 on`
        ),
      onSome: (day) => Effect.succeed(DateTime.makeUnsafe(day))
    }
  )
}

const parsePair = (text: string) => {
  const pair = Option.filter(CurrencyPair.parse(text.trim()), ({ from, to }) => from !== to)
  return Option.isSome(pair)
    ? Effect.succeed(pair.value)
    : refuse(
        `A pair: found ${ImportRow.printable(text)}, allowed: two different ISO 4217 codes such as USD:NGN`
      )
}

/** Writes bad lines to a file, which is there even where none is bad, and is not the one that is imported. */
const makeReport = Effect.fnUntraced(function* (report: Option.Option<string>, imported: string) {
  if (Option.isNone(report)) return () => Effect.void
  const fs = yield* FileSystem.FileSystem
  const [there, read] = yield* Effect.forEach([report.value, imported], (file) =>
    Effect.option(fs.realPath(file))
  )
  if (there !== undefined && Option.isSome(there) && Equal.equals(there, read))
    return yield* refuse("The report would overwrite the file that is imported")
  const refuseReport = (error: { readonly message: string }) =>
    refuse(`The report cannot be written: ${error.message}`)
  const file = yield* Effect.mapError(fs.open(report.value, { flag: "w" }), refuseReport)
  const write = (rows: ReadonlyArray<ReadonlyArray<string>>) =>
    Stream.fromIterable(rows).pipe(
      Stream.pipeThroughChannel(Csv.encodeString()),
      Stream.mkString,
      Effect.flatMap((text) => file.writeAll(new TextEncoder().encode(text))),
      Effect.mapError(refuseReport)
    )
  yield* write([["line", "column", "found", "allowed"]])
  return (lines: ReadonlyArray<ImportRow.InvalidRow>) =>
    write(lines.map(({ allowed, column, found, line }) => [String(line), column, found, allowed]))
})
