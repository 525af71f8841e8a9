import { DateTime, Duration, Schema } from "effect"
import { CurrencyPair } from "../money/CurrencyPair.ts"
import type { RateId, RateRecord } from "./Rate.ts"

/** What a candle may span, in UTC. */
export const CandleInterval = Schema.Literals(["1h", "1d"])
export type CandleInterval = typeof CandleInterval.Type

/**
 * A rate as it stands in a history, corrected later or not. Its digits stay the text that the database tells exactly:
 * nothing is computed with them, and a history has millions.
 */
export interface HistoryRow {
  readonly id: RateId
  readonly rate: string
  readonly provider: string
  readonly observedAt: DateTime.Utc
  /** When it became known here. */
  readonly recordedAt: DateTime.Utc
  /** The rates that it was computed from; none where the provider quoted it. */
  readonly derivedFrom: ReadonlyArray<RateId>
}

/** Where a row stands in a history: rows are in the order of these, and no two are the same. */
export type HistoryPosition = Pick<HistoryRow, "observedAt" | "recordedAt" | "id">

/** The rates of an interval, each as it is known now. There is at least one. */
export interface Candle {
  /** When the interval begins. */
  readonly start: DateTime.Utc
  readonly open: string
  readonly high: string
  readonly low: string
  readonly close: string
  /** Moments with a rate. */
  readonly count: number
}

/** The rate that was in force at a moment, as far as was known then or later. */
export type KnownRate = Pick<RateRecord, "rate" | "recordedAt" | "derivedFrom">

/** No rate was known that had been in force. */
export class NoneKnown extends Schema.TaggedError<NoneKnown>()("NoneKnown", {
  pair: CurrencyPair,
  at: Schema.DateTimeUtc,
  knownAt: Schema.DateTimeUtc
}) {
  override get message(): string {
    const [at, knownAt] = [this.at, this.knownAt].map(DateTime.formatIso)
    return `At ${knownAt} no rate of ${this.pair.key} was known that was in force at ${at}`
  }
}

const lengths = { "1h": Duration.hours(1), "1d": Duration.days(1) } as const

/** The moment at which the interval of a moment begins. */
export const floor = (moment: DateTime.Utc, interval: CandleInterval): DateTime.Utc => {
  const length = Duration.toMillis(lengths[interval])
  return DateTime.makeUnsafe(Math.floor(DateTime.toEpochMillis(moment) / length) * length)
}

/** The first moment from this one on at which an interval begins. */
export const ceiling = (moment: DateTime.Utc, interval: CandleInterval): DateTime.Utc => {
  const start = floor(moment, interval)
  return DateTime.Equivalence(start, moment) ? moment : after(start, 1, interval)
}

/** The moment that is so many intervals after another. */
export const after = (moment: DateTime.Utc, count: number, interval: CandleInterval): DateTime.Utc =>
  DateTime.addDuration(moment, Duration.times(lengths[interval], count))

/** A time in pieces of a length, of which the last may be shorter. */
export const piecesOf = (
  start: DateTime.Utc,
  end: DateTime.Utc,
  length: Duration.Duration
): ReadonlyArray<{ readonly start: DateTime.Utc; readonly end: DateTime.Utc }> => {
  const pieces: Array<{ readonly start: DateTime.Utc; readonly end: DateTime.Utc }> = []
  for (let from = start; DateTime.isLessThan(from, end);) {
    const next = DateTime.addDuration(from, length)
    pieces.push({ start: from, end: DateTime.min(next, end) })
    from = next
  }
  return pieces
}

/** A rate of a history as it is told to others. */
export const rowFields = (row: HistoryRow) => ({
  rate: row.rate,
  rate_id: row.id,
  provider: row.provider,
  fetched_at: DateTime.formatIso(row.observedAt),
  recorded_at: DateTime.formatIso(row.recordedAt),
  derived_from: row.derivedFrom
})

/** A candle as it is told to others. */
export const candleFields = ({ start, ...numbers }: Candle) => ({
  start: DateTime.formatIso(start),
  ...numbers
})
