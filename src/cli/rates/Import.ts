import { Console, DateTime, Effect, Equal, FileSystem, Option, Result, Schema, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Csv } from "effect/encoding"
import { Settings } from "../../config/Settings.ts"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import * as AssetPair from "../../domain/money/AssetPair.ts"
import * as ImportRow from "../../domain/rates/ImportRow.ts"
import { type ImportOptions, type ImportSummary, RateImport } from "../../rates/import/RateImport.ts"
import { type CommandError, commandError } from "../CommandError.ts"
import * as ImportProgressView from "../view/ImportProgressView.ts"

/** Maximum number of invalid lines to print; `--report` writes all of them. */
const MAX_PRINTED_LINES = 100

/** Some rates are invalid or outliers, and nothing was stored. */
export class ImportRefused extends Schema.TaggedError<ImportRefused>()("ImportRefused", {
  unit: Schema.Literals(["line", "rate"]),
  invalid: Schema.Int,
  outliers: Schema.Int
}) {
  override get message(): string {
    const { invalid, outliers, unit } = this
    const of = (count: number, predicate: readonly [one: string, many: string]) =>
      count === 0 ? [] : [`${ImportProgressView.counted(count, unit)} ${predicate[count === 1 ? 0 : 1]}`]
    const found = [
      ...of(invalid, ["is invalid", "are invalid"]),
      ...of(outliers, ["does not fit the rates around it", "do not fit the rates around them"])
    ].join(", ")
    const advice = [
      ...(unit === "line" ? ["fix the file"] : []),
      `store the other ${unit}s with --skip-bad`,
      ...(outliers === 0 ? [] : ["store those that do not fit too with --accept-outliers"])
    ].join(", or ")
    return `${found} and nothing was stored; ${advice}`
  }
}

const input = {
  file: Argument.String("file").pipe(
    Argument.withDescription(
      "A CSV file with the header from,to,rate,observed_at and, if the file has it, provider"
    ),
    Argument.optional
  ),
  pair: Flag.String("pair").pipe(
    Flag.withDescription("The pair of a file without pair columns, such as a history export"),
    Flag.optional
  ),
  provider: Flag.String("provider").pipe(
    Flag.withDescription("The provider of lines without one"),
    Flag.filter(ImportRow.isProvider, () => `it must be ${ImportRow.PROVIDER_ALLOWED}`),
    Flag.withDefault("import")
  ),
  skipBad: Flag.Boolean("skip-bad").pipe(
    Flag.withDescription("Store the valid rates; skip the invalid ones and those that do not fit"),
    Flag.withDefault(false)
  ),
  acceptOutliers: Flag.Boolean("accept-outliers").pipe(
    Flag.withDescription("Store rates that do not fit the rates around them too, and record that"),
    Flag.withDefault(false)
  ),
  inForce: Flag.Boolean("in-force").pipe(
    Flag.withDescription("Use the newest imported rate of a pair from now on, if it is the latest"),
    Flag.withDefault(false)
  ),
  report: Flag.String("report").pipe(
    Flag.withDescription(
      "Write every line that is invalid or does not fit, and the reason, to this CSV file"
    ),
    Flag.optional
  ),
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withDescription("Print what would be stored, and store nothing"),
    Flag.withDefault(false)
  ),
  frankfurter: Flag.Boolean("frankfurter").pipe(
    Flag.withDescription("Import daily rates from Frankfurter instead of a file"),
    Flag.withDefault(false)
  ),
  start: Flag.String("start").pipe(
    Flag.withDescription("The first day of the Frankfurter rates, such as 2024-01-01"),
    Flag.optional
  ),
  end: Flag.String("end").pipe(Flag.withDescription("The last day (default: today)"), Flag.optional),
  pairs: Flag.String("pairs").pipe(
    Flag.withDescription("The pairs, such as USD:NGN,EUR:NGN (default: all configured pairs)"),
    Flag.optional
  )
}

type Input = Command.Command.Config.Infer<typeof input>

/** `effex import rates.csv`: stores historical rates in one transaction. */
export const command = Command.make(
  "import",
  input,
  Effect.fn(function* (input) {
    if (!input.frankfurter) return yield* importFile(input)
    if (Option.isSome(input.file))
      return yield* commandError("A file and --frankfurter cannot be combined; pass one of them")
    return yield* importSeries(input)
  })
).pipe(
  Command.withDescription("Import historical rates from a CSV file or from Frankfurter: all or none"),
  Command.withExamples([
    { command: "effex import rates.csv", description: "Import a file, unless a line is invalid" },
    {
      command: "effex import rates.csv --skip-bad --report bad.csv",
      description: "Import the valid lines and report the others"
    },
    { command: "effex import history.csv --pair USD:NGN", description: "Import a history export" },
    {
      command: "effex import --frankfurter --start 2024-01-01 --end 2024-12-31",
      description: "Import a year of daily rates of every configured pair"
    }
  ])
)

const importFile = Effect.fnUntraced(function* (input: Input) {
  if (Option.isNone(input.file)) return yield* commandError("No input; pass a CSV file or --frankfurter")
  const rateImport = yield* RateImport
  const pair = yield* Effect.transposeOption(Option.map(input.pair, parsePair))
  const { file, provider } = input
  yield* runImport("line", input, (options) =>
    rateImport.file({ ...options, file: file.value, defaults: { pair, provider } })
  )
})

const importSeries = Effect.fnUntraced(function* (input: Input) {
  const { pairs } = yield* Settings
  const rateImport = yield* RateImport
  if (Option.isNone(input.start))
    return yield* commandError("--frankfurter requires the first day; pass it as in --start 2024-01-01")
  const today = DateTime.startOf(yield* DateTime.now, "day")
  const start = yield* parseDay("--start", input.start.value)
  const end = Option.isSome(input.end) ? yield* parseDay("--end", input.end.value) : today
  if (DateTime.isGreaterThan(end, today)) return yield* commandError("--end must not be after today")
  if (DateTime.isGreaterThan(start, end)) return yield* commandError("--start must not be after --end")
  const requested = Option.isSome(input.pairs)
    ? yield* Effect.forEach(input.pairs.value.split(","), parsePair)
    : pairs.all
  yield* runImport("rate", input, (options) =>
    rateImport.series({ ...options, pairs: requested, start, end })
  )
})

/** Runs an import, and prints its progress, the rates that it does not accept, and its summary. */
const runImport = Effect.fnUntraced(function* <E, R>(
  unit: "line" | "rate",
  { acceptOutliers, dryRun, file, inForce, report, skipBad }: Input,
  run: (options: ImportOptions<CommandError>) => Effect.Effect<ImportSummary, E, R>
) {
  const view = yield* ImportProgressView.make
  const writeReport = yield* makeReport(report, file)
  const printed: Array<ImportRow.InvalidRow> = []
  const summary = yield* run({
    dryRun,
    skipInvalid: skipBad,
    acceptOutliers,
    isInForce: inForce,
    onProgress: view.observe,
    onInvalid: (rows) => {
      printed.push(...rows.slice(0, MAX_PRINTED_LINES - printed.length))
      return writeReport(rows)
    }
  }).pipe(Effect.ensuring(view.clear))

  for (const row of printed.toSorted((a, b) => a.line - b.line))
    yield* Console.log(ImportRow.describe(row, unit))
  const { invalid, outliers } = summary
  if (invalid + outliers > printed.length)
    yield* Console.log(`and ${ImportProgressView.grouped(invalid + outliers - printed.length)} more`)
  const refused = invalid + (acceptOutliers ? 0 : outliers)
  const isRejected = refused > 0 && !skipBad
  yield* Console.log(ImportProgressView.summaryText(unit, summary, { isRejected, dryRun, acceptOutliers }))
  if (isRejected) return yield* new ImportRefused({ unit, invalid, outliers: acceptOutliers ? 0 : outliers })
}, Effect.scoped)

const parseDay = (flag: string, text: string) => {
  const millis = text.length === "2024-01-01".length ? ImportRow.parseInstant(text) : Option.none()
  return Option.match(
    Option.filter(millis, (day) => day >= ImportRow.MIN_OBSERVED_AT),
    {
      onNone: () =>
        commandError(
          `${flag}: found ${ImportRow.printable(text)}, allowed: a day such as 2024-01-01, not before 1990`
        ),
      onSome: (day) => Effect.succeed(DateTime.makeUnsafe(day))
    }
  )
}

const parsePair = Effect.fnUntraced(function* (text: string) {
  const catalog = yield* AssetCatalog
  const pair = AssetPair.split(text.trim().replace(/\s+/, ":")).pipe(
    Option.flatMap(({ from, to }) => Result.getSuccess(catalog.parsePair(from, to))),
    Option.filter(({ from, to }) => from !== to)
  )
  return Option.isSome(pair)
    ? pair.value
    : yield* commandError(
        `pair: found ${ImportRow.printable(text)}, allowed: two different codes of currencies or assets, such as USD:NGN`
      )
})

/** Creates the report of invalid lines, even if there are none. Refuses to overwrite the imported file. */
const makeReport = Effect.fnUntraced(function* (
  report: Option.Option<string>,
  imported: Option.Option<string>
) {
  if (Option.isNone(report)) return () => Effect.void
  const fs = yield* FileSystem.FileSystem
  const realPath = (file: Option.Option<string>) =>
    Effect.option(Effect.flatMap(Effect.fromOption(file), fs.realPath))
  const reportPath = yield* realPath(report)
  if (Option.isSome(reportPath) && Equal.equals(reportPath, yield* realPath(imported)))
    return yield* commandError("--report must not be the imported file; pass another path")
  const reportError = (error: { readonly message: string }) =>
    commandError(`The report cannot be written: ${error.message}`)
  const file = yield* Effect.mapError(fs.open(report.value, { flag: "w" }), reportError)
  const write = (rows: ReadonlyArray<ReadonlyArray<string>>) =>
    Stream.fromIterable(rows).pipe(
      Stream.pipeThroughChannel(Csv.encodeString()),
      Stream.mkString,
      Effect.flatMap((text) => file.writeAll(new TextEncoder().encode(text))),
      Effect.mapError(reportError)
    )
  yield* write([["line", "column", "found", "allowed"]])
  return (lines: ReadonlyArray<ImportRow.InvalidRow>) =>
    write(lines.map(({ allowed, column, found, line }) => [String(line), column, found, allowed]))
})
