import { Context, DateTime, Effect, FileSystem, Layer, Option, Path, Result, Schema, Stream } from "effect"
import { createReadStream } from "node:fs"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ImportRow from "../../domain/rates/ImportRow.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { FrankfurterSeries, type SeriesUnavailable } from "../../providers/frankfurter/FrankfurterSeries.ts"
import { ImportRepo, type ImportInProgress, type Staging } from "./ImportRepo.ts"
import type { StagedRate } from "./ImportStatements.ts"
import type { OutlierRow } from "./OutlierStatements.ts"
import * as FileFormat from "./FileFormat.ts"
import * as FileLines from "./FileLines.ts"
import * as DailyRates from "./DailyRates.ts"

/** The file cannot be imported. */
export class FileRefused extends Schema.TaggedError<FileRefused>()("FileRefused", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.file} cannot be imported: ${this.detail}`
  }
}

/** Result of an import, as numbers of rates. */
export interface ImportSummary {
  /** Valid and invalid rates. */
  readonly total: number
  readonly stored: number
  /** Stored rates that correct an earlier rate of the same time. */
  readonly corrections: number
  /** Rates that were stored before, are duplicates, or are corrected by another line. */
  readonly skipped: number
  readonly invalid: number
  /** Rates that do not fit the rates around them, refused or accepted. */
  readonly outliers: number
}

/** Progress of an import. */
export interface ImportProgress {
  readonly phase: "reading" | "storing"
  readonly done: number
  /** In the unit of `done`; 0 if unknown. */
  readonly total: number
}

export interface ImportOptions<E> {
  /** Compares without storing. */
  readonly dryRun: boolean
  /** Stores the valid rates even if some are invalid or outliers. Otherwise one of them prevents the import. */
  readonly skipInvalid: boolean
  /** Stores outliers too, and records that they were accepted. */
  readonly acceptOutliers: boolean
  /** Lets the newest imported rate of a pair become the rate in force, unless a newer one is in force. */
  readonly isInForce: boolean
  /** Called with every invalid rate and every outlier. */
  readonly onInvalid: (lines: ReadonlyArray<ImportRow.InvalidRow>) => Effect.Effect<void, E>
  readonly onProgress: (progress: ImportProgress) => Effect.Effect<void>
}

export interface FileOptions<E> extends ImportOptions<E> {
  readonly file: string
  /** Values for columns that the file does not have. */
  readonly defaults: ImportRow.RowDefaults
}

export interface SeriesOptions<E> extends ImportOptions<E> {
  readonly pairs: ReadonlyArray<AssetPair>
  /** Start of the first day and start of the last day, in UTC. */
  readonly start: DateTime.Utc
  readonly end: DateTime.Utc
}

type Unavailable = ImportInProgress | StoreUnavailable

/** Read size: some thousand lines, which one statement stages. */
const CHUNK_BYTES = 256 * 1024

const make = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const catalog = yield* AssetCatalog
  const repo = yield* ImportRepo
  const frankfurter = yield* FrankfurterSeries

  const findCode: ImportRow.FindCode = (text) => Result.getSuccess(catalog.parse(text))

  /** Judges the staged rates, stores or compares them, and returns the summary. */
  const finish = Effect.fnUntraced(function* <E>(
    staging: Staging,
    counts: { readonly total: number; readonly invalid: number; readonly lastLine: number },
    toInvalidRow: (outlier: OutlierRow) => ImportRow.InvalidRow,
    { acceptOutliers, dryRun, isInForce, onInvalid, onProgress, skipInvalid }: ImportOptions<E>
  ) {
    const onLine = (done: number) => onProgress({ phase: "storing", done, total: counts.lastLine })
    const { invalid, total } = counts
    if (!dryRun && (invalid === 0 || skipInvalid)) yield* staging.createPartitions
    const outliers = yield* staging.judge({
      isAccepted: acceptOutliers,
      onOutliers: (rows) => onInvalid(rows.map(toInvalidRow))
    })
    const refused = invalid + (acceptOutliers ? 0 : outliers)
    if (refused > 0 && !skipInvalid)
      return { total, invalid, outliers, stored: 0, corrections: 0, skipped: 0 }
    const { corrections, stored } = yield* dryRun ? staging.compare(onLine) : staging.store(onLine, isInForce)
    yield* onLine(counts.lastLine)
    return { total, invalid, outliers, stored, corrections, skipped: total - refused - stored }
  })

  const file = Effect.fn("RateImport.file")(function* <E>(options: FileOptions<E>) {
    const name = path.basename(options.file)
    const refuse = (detail: string) => new FileRefused({ file: name, detail })
    const info = yield* Effect.mapError(fs.stat(options.file), ({ reason }) =>
      refuse(reason._tag === "NotFound" ? "the file does not exist" : `it is not readable (${reason._tag})`)
    )
    if (info.type === "Directory") return yield* refuse("it is a directory")
    const total = Number(info.size)

    return yield* repo.transaction(
      Effect.fnUntraced(function* (staging) {
        const now = DateTime.toEpochMillis(yield* DateTime.now)
        const counts = { total: 0, invalid: 0, lastLine: 0 }
        let bytes = 0
        let parser = Option.none<ImportRow.RowParser>()

        const onInvalid = (lines: ReadonlyArray<ImportRow.InvalidRow>) => {
          counts.invalid += lines.length
          return lines.length === 0 ? Effect.void : options.onInvalid(lines)
        }
        const stageLines = Effect.fnUntraced(function* (lines: ReadonlyArray<FileLines.NumberedLine>) {
          const valid: Array<StagedRate> = []
          const invalid: Array<ImportRow.InvalidRow> = []
          for (const { line, text } of lines) {
            if (text === "") continue
            if (Option.isNone(parser)) {
              const header = ImportRow.parseHeader(line, text, options.defaults, findCode)
              if (Result.isFailure(header)) return yield* refuse(ImportRow.describe(header.failure))
              parser = Option.some(header.success)
              continue
            }
            counts.total += 1
            counts.lastLine = line
            const row = parser.value(line, text, now)
            if (Result.isSuccess(row)) valid.push(toStaged(name, row.success))
            else invalid.push(row.failure)
          }
          yield* staging.add(valid)
          yield* onInvalid(invalid)
          yield* options.onProgress({ phase: "reading", done: bytes, total })
        })

        // FileSystem.stream reads at positions, which a pipe does not support.
        const content = Stream.suspend(() =>
          Stream.fromAsyncIterable(
            FileFormat.read(
              counted(createReadStream(options.file, { highWaterMark: CHUNK_BYTES }), (size) => {
                bytes += size
              })
            ),
            (error) => refuse(messageOf(error))
          )
        )
        yield* content.pipe(FileLines.read, Stream.runForEachArray(stageLines))
        if (Option.isNone(parser)) return yield* refuse("it is empty")
        yield* staging.removeDuplicates(onInvalid)
        return yield* finish(staging, counts, ImportRow.outlierInFile, options)
      })
    )
  })

  const series = Effect.fn("RateImport.series")(function* <E>(options: SeriesOptions<E>) {
    const currencies = DailyRates.requiredCurrencies(options.pairs)
    const years = yearsOf(options.start, options.end)
    return yield* repo.transaction(
      Effect.fnUntraced(function* (staging) {
        const counts = { total: 0, invalid: 0, lastLine: 0 }
        for (const [index, { from, to }] of years.entries()) {
          const rates: Array<StagedRate> = []
          const invalid: Array<ImportRow.InvalidRow> = []
          for (const day of yield* frankfurter.days(currencies, from, to)) {
            const nextLine = counts.lastLine + rates.length + 1
            rates.push(...DailyRates.stageDay(day, options.pairs, nextLine))
            invalid.push(...DailyRates.invalidCells(day, nextLine))
          }
          yield* staging.add(rates)
          if (invalid.length > 0) yield* options.onInvalid(invalid)
          counts.invalid += invalid.length
          counts.total += invalid.length
          counts.total += rates.filter(({ isLeg }) => !isLeg).length
          counts.lastLine += rates.length
          yield* options.onProgress({ phase: "reading", done: index + 1, total: years.length })
        }
        yield* staging.removeDuplicates(() => Effect.void)
        return yield* finish(staging, counts, DailyRates.outlierOfDay, options)
      })
    )
  })

  return RateImport.of({ file, series })
})

/**
 * Imports historical rates in one transaction. Stores nothing if a rate is invalid or does not fit the rates around it,
 * unless the options say otherwise. Idempotent: a repeated import stores nothing.
 */
export class RateImport extends Context.Service<
  RateImport,
  {
    /** Imports a CSV file, read in one pass. */
    readonly file: <E>(options: FileOptions<E>) => Effect.Effect<ImportSummary, E | FileRefused | Unavailable>
    /** Imports Frankfurter's daily rates, and the rates derived from them. */
    readonly series: <E>(
      options: SeriesOptions<E>
    ) => Effect.Effect<ImportSummary, E | SeriesUnavailable | Unavailable>
  }
>()("effex/rates/import/RateImport") {
  static readonly layerNoDeps = Layer.effect(RateImport, make)

  static readonly layer = RateImport.layerNoDeps.pipe(Layer.provide(ImportRepo.layer))
}

async function* counted(chunks: AsyncIterable<Uint8Array>, onChunk: (size: number) => void) {
  for await (const chunk of chunks) {
    onChunk(chunk.length)
    yield chunk
  }
}

/** Describes why a file is not readable. */
const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return "it is not readable"
  if (!("code" in error)) return error.message
  switch (error.code) {
    case "EACCES":
    case "EPERM":
      return "it is not readable; allow this user to read it"
    case "EISDIR":
      return "it is a directory"
    default:
      return `reading failed (${String(error.code)})`
  }
}

const toStaged = (file: string, { cells, line, ...row }: ImportRow.ImportRow): StagedRate => ({
  line,
  pair: row.pair,
  rate: Decimal.format(row.rate),
  providerRate: row.rateText,
  provider: row.provider,
  raw: JSON.stringify({ file, line, ...cells }),
  observedAt: row.observedAt,
  sourceRecordedAt: row.recordedAt,
  isLeg: false,
  legs: []
})

/** Splits a period into calendar years, each with its first and last day. Frankfurter is called once per year. */
const yearsOf = (start: DateTime.Utc, end: DateTime.Utc) => {
  const years: Array<{ readonly from: DateTime.Utc; readonly to: DateTime.Utc }> = []
  for (let from = start; DateTime.isLessThanOrEqualTo(from, end);) {
    const next = DateTime.add(DateTime.startOf(from, "year"), { years: 1 })
    years.push({ from, to: DateTime.min(end, DateTime.subtract(next, { days: 1 })) })
    from = next
  }
  return years
}
