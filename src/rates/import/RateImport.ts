import { Context, DateTime, Effect, FileSystem, Layer, Option, Path, Result, Schema, Stream } from "effect"
import { createReadStream } from "node:fs"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ImportRow from "../../domain/rates/ImportRow.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { FrankfurterSeries, type SeriesUnavailable } from "../../providers/frankfurter/FrankfurterSeries.ts"
import { ImportRepo, type ImportUnderWay, type Staging } from "./ImportRepo.ts"
import type { StagedRate } from "./ImportStatements.ts"
import * as FileLines from "./FileLines.ts"
import * as DailyRates from "./DailyRates.ts"

/** A file cannot be imported at all. */
export class FileRefused extends Schema.TaggedError<FileRefused>()("FileRefused", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.file} cannot be imported: ${this.detail}`
  }
}

/** What came of an import. */
export interface ImportSummary {
  /** How many rates were given, good and bad. */
  readonly given: number
  /** How many of them were new. */
  readonly stored: number
  /** How many of these say something else of a moment than what was known of it. */
  readonly corrections: number
  /** How many were there before, stood there twice, or are corrected by another one. */
  readonly known: number
  readonly bad: number
}

/** How far an import is. */
export interface ImportProgress {
  readonly phase: "reading" | "storing"
  readonly done: number
  /** In the same unit; 0 where it is not known. */
  readonly total: number
}

export interface ImportOptions {
  /** Only compares; nothing is stored. */
  readonly dryRun: boolean
  readonly observe: (progress: ImportProgress) => Effect.Effect<void>
}

export interface FileOptions<E> extends ImportOptions {
  readonly file: string
  /** What holds for lines that do not say it. */
  readonly defaults: ImportRow.RowDefaults
  /** Stores the good lines where others are bad; without it nothing is stored then. */
  readonly skipBad: boolean
  /** Told of every bad line. */
  readonly onBad: (lines: ReadonlyArray<ImportRow.InvalidRow>) => Effect.Effect<void, E>
}

export interface SeriesOptions extends ImportOptions {
  readonly pairs: ReadonlyArray<CurrencyPair>
  /** The first moments of the first day and of the last one. */
  readonly start: DateTime.Utc
  readonly end: DateTime.Utc
}

type Unavailable = ImportUnderWay | StoreUnavailable

/** Rates of the past, stored in one transaction, and once however often they are imported. */
export class RateImport extends Context.Service<
  RateImport,
  {
    /** Rates of a CSV file, read line by line in one pass: none of them where a line is bad. */
    readonly file: <E>(options: FileOptions<E>) => Effect.Effect<ImportSummary, E | FileRefused | Unavailable>
    /** Frankfurter's daily rates, and those computed from them. */
    readonly series: (options: SeriesOptions) => Effect.Effect<ImportSummary, SeriesUnavailable | Unavailable>
  }
>()("effex/rates/import/RateImport") {
  static readonly layer = Layer.effect(
    RateImport,
    Effect.suspend(() => make)
  ).pipe(Layer.provide(ImportRepo.layer))
}

/** Some thousand lines: what one statement adds. */
const CHUNK_BYTES = 256 * 1024

const make = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const repo = yield* ImportRepo
  const frankfurter = yield* FrankfurterSeries

  /** Stores what was added, where that is to be done, and sums up. */
  const finish = Effect.fnUntraced(function* (
    staging: Staging,
    counts: { readonly given: number; readonly bad: number; readonly last: number },
    { dryRun, isWanted, observe }: ImportOptions & { readonly isWanted: boolean }
  ) {
    const observeLine = (done: number) => observe({ phase: "storing", done, total: counts.last })
    const { bad, given } = counts
    if (!isWanted) return { given, bad, stored: 0, corrections: 0, known: 0 }
    const { corrections, stored } = yield* dryRun ? staging.compare(observeLine) : staging.store(observeLine)
    yield* observeLine(counts.last)
    return { given, bad, stored, corrections, known: given - bad - stored }
  })

  const file = Effect.fn("RateImport.file")(function* <E>(options: FileOptions<E>) {
    const name = path.basename(options.file)
    const refuse = (detail: string) => new FileRefused({ file: name, detail })
    const info = yield* Effect.mapError(fs.stat(options.file), ({ reason }) =>
      refuse(reason._tag === "NotFound" ? "there is no such file" : reason.message)
    )
    if (info.type === "Directory") return yield* refuse("it is a folder")
    const total = Number(info.size)

    return yield* repo.transaction(
      Effect.fnUntraced(function* (staging) {
        const now = DateTime.toEpochMillis(yield* DateTime.now)
        const counts = { given: 0, bad: 0, last: 0 }
        let bytes = 0
        let parser = Option.none<ImportRow.RowParser>()

        const onBad = (lines: ReadonlyArray<ImportRow.InvalidRow>) => {
          counts.bad += lines.length
          return lines.length === 0 ? Effect.void : options.onBad(lines)
        }
        const take = Effect.fnUntraced(function* (lines: ReadonlyArray<FileLines.NumberedLine>) {
          const good: Array<StagedRate> = []
          const bad: Array<ImportRow.InvalidRow> = []
          for (const { line, text } of lines) {
            if (text === "") continue
            if (Option.isNone(parser)) {
              const header = ImportRow.parseHeader(line, text, options.defaults)
              if (Result.isFailure(header)) return yield* refuse(ImportRow.describe(header.failure))
              parser = Option.some(header.success)
              continue
            }
            counts.given += 1
            counts.last = line
            const read = parser.value(line, text, now)
            if (Result.isSuccess(read)) good.push(toStaged(name, read.success))
            else bad.push(read.failure)
          }
          yield* staging.add(good)
          yield* onBad(bad)
          yield* options.observe({ phase: "reading", done: bytes, total })
        })

        // Effect reads files at positions, which pipes do not have.
        const content = Stream.suspend(() =>
          Stream.fromAsyncIterable<Uint8Array, FileRefused>(
            createReadStream(options.file, { highWaterMark: CHUNK_BYTES }),
            (error) => refuse(error instanceof Error ? error.message : "it cannot be read")
          )
        )
        yield* content.pipe(
          Stream.tap((chunk) => Effect.sync(() => (bytes += chunk.length))),
          FileLines.read,
          Stream.runForEachArray(take)
        )
        if (Option.isNone(parser)) return yield* refuse("it is empty")
        yield* staging.settle(onBad)
        return yield* finish(staging, counts, { ...options, isWanted: counts.bad === 0 || options.skipBad })
      })
    )
  })

  const series = Effect.fn("RateImport.series")(function* (options: SeriesOptions) {
    const currencies = DailyRates.currenciesOf(options.pairs)
    const years = yearsOf(options.start, options.end)
    return yield* repo.transaction(
      Effect.fnUntraced(function* (staging) {
        const counts = { given: 0, bad: 0, last: 0 }
        for (const [index, { from, to }] of years.entries()) {
          const rates: Array<StagedRate> = []
          for (const day of yield* frankfurter.days(currencies, from, to)) {
            rates.push(...DailyRates.ofDay(day, options.pairs, counts.last + rates.length + 1))
          }
          yield* staging.add(rates)
          counts.given += rates.filter(({ isLeg }) => !isLeg).length
          counts.last += rates.length
          yield* options.observe({ phase: "reading", done: index + 1, total: years.length })
        }
        yield* staging.settle(() => Effect.void)
        return yield* finish(staging, counts, { ...options, isWanted: true })
      })
    )
  })

  return RateImport.of({ file, series })
})

const toStaged = (file: string, { cells, line, ...read }: ImportRow.ImportRow): StagedRate => ({
  line,
  pair: read.pair,
  rate: Decimal.format(read.rate),
  providerRate: read.rateText,
  provider: read.provider,
  raw: JSON.stringify({ file, line, ...cells }),
  observedAt: read.observedAt,
  toldAt: read.recordedAt,
  isLeg: false,
  legs: []
})

/** The calendar years of a period, each with its first and last day: one is what Frankfurter is asked for at once. */
const yearsOf = (start: DateTime.Utc, end: DateTime.Utc) => {
  const years: Array<{ readonly from: DateTime.Utc; readonly to: DateTime.Utc }> = []
  for (let from = start; DateTime.isLessThanOrEqualTo(from, end);) {
    const next = DateTime.add(DateTime.startOf(from, "year"), { years: 1 })
    years.push({ from, to: DateTime.min(end, DateTime.subtract(next, { days: 1 })) })
    from = next
  }
  return years
}
