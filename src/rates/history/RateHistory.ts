import { Array, Context, DateTime, Duration, Effect, Layer, Option, Stream } from "effect"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import * as History from "../../domain/rates/History.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { HistoryRepo, type HistoryRange } from "./HistoryRepo.ts"

/** Page of candles, and the start of the next one. */
export interface CandlePage {
  readonly candles: ReadonlyArray<History.Candle>
  readonly next: Option.Option<DateTime.Utc>
}

/** Earliest time of a rate: UUIDv7 ids start at the Unix epoch. */
export const MIN_TIME = DateTime.makeUnsafe(0)

/** First range to search: two or three partitions, which answer most queries. */
const FIRST_RANGE = Duration.days(34)

/**
 * Length of each further range. A statement locks every partition that it covers: a few statements over decades would
 * exhaust the default lock table of the server.
 */
const NEXT_RANGE = Duration.days(1461)

/** Range of one candle query. With a rate every few seconds, it still completes within the database timeout. */
const CANDLE_RANGE = Duration.days(14)

/** Rows or intervals per page of a stream. Encoding a page takes a few milliseconds, in which no request is answered. */
const STREAM_PAGE_SIZE = 1000

const make = Effect.gen(function* () {
  const repo = yield* HistoryRepo

  /** The first moment whose rates are stored. */
  const firstTime = Effect.map(
    repo.archivedUntil,
    Option.getOrElse(() => MIN_TIME)
  )

  /** Moves a range without a start to the first stored rates. Refuses one that starts before them. */
  const storedRange = Effect.fnUntraced(function* (range: HistoryRange) {
    const until = yield* firstTime
    if (!DateTime.isLessThan(range.start, until)) return range
    if (DateTime.isGreaterThan(range.start, MIN_TIME)) return yield* new History.RatesArchived({ until })
    return { ...range, start: until }
  })

  const asOf = Effect.fn("RateHistory.asOf")(function* (
    pair: AssetPair,
    at: DateTime.Utc,
    knownAt: DateTime.Utc
  ) {
    const end = justAfter(at)
    const known = justAfter(knownAt)
    const firstStored = yield* firstTime
    for (const range of fromEnd({ pair, start: known, end })) {
      const forwardDated = yield* repo.lastForwardDated(range, knownAt)
      if (Option.isSome(forwardDated)) return forwardDated
    }
    for (const range of fromEnd({ pair, start: firstStored, end: DateTime.min(end, known) })) {
      const found = yield* repo.last(range, knownAt)
      if (Option.isSome(found)) return found
    }
    // The rate in force may be one of the archived ones.
    if (DateTime.isGreaterThan(firstStored, MIN_TIME))
      return yield* new History.RatesArchived({ until: firstStored })
    return Option.none<History.AsOfRate>()
  })

  const rows = Effect.fn("RateHistory.rows")(function* (
    wanted: HistoryRange,
    after: History.HistoryPosition | undefined,
    limit: number
  ) {
    const range = yield* storedRange(wanted)
    const start = after === undefined ? range.start : DateTime.max(range.start, after.observedAt)
    const found: Array<History.HistoryRow> = []
    for (const part of fromStart({ ...range, start }, yield* DateTime.now)) {
      found.push(...(yield* repo.rows(part, after, limit - found.length)))
      if (found.length === limit) break
    }
    return found
  })

  const first = Effect.fnUntraced(function* (range: HistoryRange) {
    for (const part of fromStart(range, yield* DateTime.now)) {
      const found = yield* repo.first(part)
      if (Option.isSome(found)) return found
    }
    return Option.none<DateTime.Utc>()
  })

  const candles = Effect.fn("RateHistory.candles")(function* (
    wanted: HistoryRange,
    interval: History.CandleInterval,
    limit: number
  ): Effect.fn.Return<CandlePage, StoreUnavailable | History.RatesArchived> {
    const range = yield* storedRange(wanted)
    const pair = range.pair
    const last = History.nextIntervalStart(range.end, interval)
    const found = yield* first({ pair, start: History.nextIntervalStart(range.start, interval), end: last })
    if (Option.isNone(found)) return { candles: [], next: Option.none() }
    const start = History.intervalStart(found.value, interval)
    const end = DateTime.min(History.addIntervals(start, limit, interval), last)
    const parts = History.splitRange(start, end, CANDLE_RANGE)
    const page = yield* Effect.forEach(parts, (part) => repo.candles({ pair, ...part }, interval))
    const next = yield* first({ pair, start: end, end: last })
    return { candles: page.flat(), next: Option.map(next, (time) => History.intervalStart(time, interval)) }
  })

  const streamRows = (range: HistoryRange) =>
    Stream.paginate<
      History.HistoryPosition | undefined,
      History.HistoryRow,
      StoreUnavailable | History.RatesArchived
    >(undefined, (after) =>
      Effect.map(rows(range, after, STREAM_PAGE_SIZE), (page) => [
        page,
        page.length < STREAM_PAGE_SIZE ? Option.none() : Array.last(page)
      ])
    )

  const streamCandles = (range: HistoryRange, interval: History.CandleInterval) =>
    Stream.paginate<DateTime.Utc, History.Candle, StoreUnavailable | History.RatesArchived>(
      range.start,
      (start) =>
        Effect.map(candles({ ...range, start }, interval, STREAM_PAGE_SIZE), (page) => [
          page.candles,
          page.next
        ])
    )

  return RateHistory.of({ asOf, rows, streamRows, candles, streamCandles })
})

/** Reads historical rates, bitemporally: by the time they were in force and the time they were recorded. */
export class RateHistory extends Context.Service<
  RateHistory,
  {
    /** Returns the rate of a pair in force at `at`, as recorded by `knownAt`. Ignores later records, such as corrections. */
    readonly asOf: (
      pair: AssetPair,
      at: DateTime.Utc,
      knownAt: DateTime.Utc
    ) => Effect.Effect<Option.Option<History.AsOfRate>, StoreUnavailable | History.RatesArchived>
    /** Returns at most `limit` stored rates of a range after a position, oldest first, including corrections. */
    readonly rows: (
      range: HistoryRange,
      after: History.HistoryPosition | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<History.HistoryRow>, StoreUnavailable | History.RatesArchived>
    /** Streams every rate of a range in pages. Holds no connection between two pages. */
    readonly streamRows: (
      range: HistoryRange
    ) => Stream.Stream<History.HistoryRow, StoreUnavailable | History.RatesArchived>
    /**
     * Returns the candles of the intervals that start in a range, oldest first: `limit` intervals from the first one with
     * rates. Skips intervals without rates. Of several rates at the same time, the last recorded one counts.
     */
    readonly candles: (
      range: HistoryRange,
      interval: History.CandleInterval,
      limit: number
    ) => Effect.Effect<CandlePage, StoreUnavailable | History.RatesArchived>
    /** Streams every candle of a range in pages. */
    readonly streamCandles: (
      range: HistoryRange,
      interval: History.CandleInterval
    ) => Stream.Stream<History.Candle, StoreUnavailable | History.RatesArchived>
  }
>()("effex/rates/history/RateHistory") {
  static readonly layerNoDeps = Layer.effect(RateHistory, make)
  static readonly layer = RateHistory.layerNoDeps.pipe(Layer.provide(HistoryRepo.layer))
}

const justAfter = (time: DateTime.Utc) => DateTime.addDuration(time, Duration.millis(1))

/** Splits a range into parts to search from its start. The future is one part, because it has few rates. */
const fromStart = ({ end, pair, start }: HistoryRange, now: DateTime.Utc): ReadonlyArray<HistoryRange> => {
  const earliest = DateTime.max(MIN_TIME, start)
  const firstEnd = DateTime.min(end, DateTime.addDuration(earliest, FIRST_RANGE))
  const futureStart = DateTime.min(end, DateTime.max(firstEnd, now))
  return [
    { start: earliest, end: firstEnd },
    ...History.splitRange(firstEnd, futureStart, NEXT_RANGE),
    { start: futureStart, end }
  ].flatMap((part) => (DateTime.isLessThan(part.start, part.end) ? [{ pair, ...part }] : []))
}

/** Splits a range into parts to search from its end. */
const fromEnd = ({ end, pair, start }: HistoryRange): ReadonlyArray<HistoryRange> => {
  const earliest = DateTime.max(MIN_TIME, start)
  const firstStart = DateTime.max(earliest, DateTime.subtractDuration(end, FIRST_RANGE))
  return [
    { start: firstStart, end },
    ...History.splitRange(earliest, firstStart, NEXT_RANGE).toReversed()
  ].flatMap((part) => (DateTime.isLessThan(part.start, part.end) ? [{ pair, ...part }] : []))
}
