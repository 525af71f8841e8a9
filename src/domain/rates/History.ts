import { DateTime, Duration, Schema } from "effect"
import { AssetPair } from "../money/AssetPair.ts"
import type { RateId, RateRecord } from "./Rate.ts"

/** Length of a candle. Candles are aligned to UTC hours or days. */
export const CandleInterval = Schema.Literals(["1h", "1d"])
export type CandleInterval = typeof CandleInterval.Type

/**
 * A stored rate in a history, including rates that were corrected later. The rate stays the exact text from the
 * database: it needs no arithmetic, and a history has millions of rows.
 */
export interface HistoryRow {
  readonly id: RateId
  readonly rate: string
  readonly provider: string
  readonly observedAt: DateTime.Utc
  /** When effex stored the rate. */
  readonly recordedAt: DateTime.Utc
  /** The rates that it was computed from. Empty if the provider quoted the pair directly. */
  readonly derivedFrom: ReadonlyArray<RateId>
}

/** Sort key of a history row. Unique. */
export type HistoryPosition = Pick<HistoryRow, "observedAt" | "recordedAt" | "id">

/** Open, high, low and close of the rates of one interval, with corrections applied. Covers at least one rate. */
export interface Candle {
  /** Start of the interval. */
  readonly start: DateTime.Utc
  readonly open: string
  readonly high: string
  readonly low: string
  readonly close: string
  /** Number of distinct observation times. */
  readonly count: number
}

/** The rate in force at one time, as known at another (bitemporal lookup). */
export type AsOfRate = Pick<RateRecord, "rate" | "recordedAt" | "derivedFrom">

/** No rate recorded by `knownAt` was in force at `at`. */
export class NoRateKnown extends Schema.TaggedError<NoRateKnown>()("NoRateKnown", {
  pair: AssetPair,
  at: Schema.DateTimeUtc,
  knownAt: Schema.DateTimeUtc
}) {
  override get message(): string {
    const [at, knownAt] = [this.at, this.knownAt].map(DateTime.formatIso)
    return `No ${this.pair.key} rate recorded by ${knownAt} was in force at ${at}`
  }
}

/** The rates of a time were archived, and are not in the database. */
export class RatesArchived extends Schema.TaggedError<RatesArchived>()("RatesArchived", {
  /** The first moment whose rates are in the database. */
  until: Schema.DateTimeUtc
}) {
  override get message(): string {
    return `Rates before ${DateTime.formatIso(this.until)} are archived; restore them with effex archive`
  }
}

const lengths = { "1h": Duration.hours(1), "1d": Duration.days(1) } as const

/** Returns the start of the interval that contains a time. */
export const intervalStart = (time: DateTime.Utc, interval: CandleInterval): DateTime.Utc => {
  const length = Duration.toMillis(lengths[interval])
  return DateTime.makeUnsafe(Math.floor(DateTime.toEpochMillis(time) / length) * length)
}

/** Returns the first interval start at or after a time. */
export const nextIntervalStart = (time: DateTime.Utc, interval: CandleInterval): DateTime.Utc => {
  const start = intervalStart(time, interval)
  return DateTime.Equivalence(start, time) ? time : addIntervals(start, 1, interval)
}

/** Returns the time `count` intervals after another. */
export const addIntervals = (time: DateTime.Utc, count: number, interval: CandleInterval): DateTime.Utc =>
  DateTime.addDuration(time, Duration.times(lengths[interval], count))

/** Splits a time range into consecutive ranges of a length. The last one may be shorter. */
export const splitRange = (
  start: DateTime.Utc,
  end: DateTime.Utc,
  length: Duration.Duration
): ReadonlyArray<{ readonly start: DateTime.Utc; readonly end: DateTime.Utc }> => {
  const ranges: Array<{ readonly start: DateTime.Utc; readonly end: DateTime.Utc }> = []
  for (let from = start; DateTime.isLessThan(from, end);) {
    const next = DateTime.addDuration(from, length)
    ranges.push({ start: from, end: DateTime.min(next, end) })
    from = next
  }
  return ranges
}

/** Public JSON fields of a history row. */
export const rowFields = (row: HistoryRow) => ({
  rate: row.rate,
  rate_id: row.id,
  provider: row.provider,
  fetched_at: DateTime.formatIso(row.observedAt),
  recorded_at: DateTime.formatIso(row.recordedAt),
  derived_from: row.derivedFrom
})

/** Public JSON fields of a candle. */
export const candleFields = ({ start, ...numbers }: Candle) => ({
  start: DateTime.formatIso(start),
  ...numbers
})
