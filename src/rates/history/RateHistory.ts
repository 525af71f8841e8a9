import { Array, Context, DateTime, Duration, Effect, Layer, Option, Stream } from "effect"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import * as History from "../../domain/rates/History.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { HistoryRepo, type Span } from "./HistoryRepo.ts"

/** Candles, and from which interval on there are more. */
export interface CandlePage {
  readonly candles: ReadonlyArray<History.Candle>
  readonly next: Option.Option<DateTime.Utc>
}

/** What the rates were, and what was known of them. */
export class RateHistory extends Context.Service<
  RateHistory,
  {
    /**
     * The rate of a pair that was in force at a moment, as it was known at another one: what was recorded later, such
     * as a correction, is left out.
     */
    readonly asOf: (
      pair: CurrencyPair,
      at: DateTime.Utc,
      knownAt: DateTime.Utc
    ) => Effect.Effect<Option.Option<History.AsOfRate>, StoreUnavailable>
    /** At most `limit` rates of a span behind a position, oldest first, as they were stored: corrections are among them. */
    readonly rows: (
      span: Span,
      after: History.HistoryPosition | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<History.HistoryRow>, StoreUnavailable>
    /** Every rate of a span, read as it is taken; nothing of the database is held in between. */
    readonly streamRows: (span: Span) => Stream.Stream<History.HistoryRow, StoreUnavailable>
    /**
     * The candles of the intervals that begin in a span, oldest first: those of `limit` intervals from the first that
     * has rates. Those without rates are left out. Of several rates of one moment the last recorded counts.
     */
    readonly candles: (
      span: Span,
      interval: History.CandleInterval,
      limit: number
    ) => Effect.Effect<CandlePage, StoreUnavailable>
    /** Every candle of a span, read as it is taken. */
    readonly streamCandles: (
      span: Span,
      interval: History.CandleInterval
    ) => Stream.Stream<History.Candle, StoreUnavailable>
  }
>()("effex/rates/history/RateHistory") {
  static readonly layerNoDeps = Layer.effect(
    RateHistory,
    Effect.suspend(() => make)
  )
  static readonly layer = RateHistory.layerNoDeps.pipe(Layer.provide(HistoryRepo.layer))
}

/** Ids, and with them histories, begin here. */
export const BEGINNING = DateTime.makeUnsafe(0)

/** What is looked at before everything else is: two or three partitions, where mostly all is found. */
const NEAR = Duration.days(34)

/**
 * What is looked at after that, at a time. Each statement plans for and locks all partitions that it names: a few that
 * name those of decades take all the locks that a server has by default, from everybody.
 */
const FAR = Duration.days(1461)

/** What one statement makes candles of, in whole intervals: also of a rate every few seconds it is done in time. */
const CANDLE_READ = Duration.days(14)

/** How many rows, or intervals, a stream reads at a time. */
const STREAM_PAGE = 2000

const make = Effect.gen(function* () {
  const repo = yield* HistoryRepo

  const asOf = Effect.fn("RateHistory.asOf")(function* (
    pair: CurrencyPair,
    at: DateTime.Utc,
    knownAt: DateTime.Utc
  ) {
    const end = justAfter(at)
    const known = justAfter(knownAt)
    for (const span of fromEnd({ pair, start: known, end })) {
      const foretold = yield* repo.lastForetold(span, knownAt)
      if (Option.isSome(foretold)) return foretold
    }
    for (const span of fromEnd({ pair, start: BEGINNING, end: DateTime.min(end, known) })) {
      const found = yield* repo.last(span, knownAt)
      if (Option.isSome(found)) return found
    }
    return Option.none<History.AsOfRate>()
  })

  const rows = Effect.fn("RateHistory.rows")(function* (
    span: Span,
    after: History.HistoryPosition | undefined,
    limit: number
  ) {
    const start = after === undefined ? span.start : DateTime.max(span.start, after.observedAt)
    const found: Array<History.HistoryRow> = []
    for (const piece of fromStart({ ...span, start }, yield* DateTime.now)) {
      found.push(...(yield* repo.rows(piece, after, limit - found.length)))
      if (found.length === limit) break
    }
    return found
  })

  const first = Effect.fnUntraced(function* (span: Span) {
    for (const piece of fromStart(span, yield* DateTime.now)) {
      const found = yield* repo.first(piece)
      if (Option.isSome(found)) return found
    }
    return Option.none<DateTime.Utc>()
  })

  const candles = Effect.fn("RateHistory.candles")(function* (
    span: Span,
    interval: History.CandleInterval,
    limit: number
  ): Effect.fn.Return<CandlePage, StoreUnavailable> {
    const pair = span.pair
    const last = History.nextIntervalStart(span.end, interval)
    const found = yield* first({ pair, start: History.nextIntervalStart(span.start, interval), end: last })
    if (Option.isNone(found)) return { candles: [], next: Option.none() }
    const start = History.intervalStart(found.value, interval)
    const end = DateTime.min(History.addIntervals(start, limit, interval), last)
    const pieces = History.splitRange(start, end, CANDLE_READ)
    const page = yield* Effect.forEach(pieces, (piece) => repo.candles({ pair, ...piece }, interval))
    const next = yield* first({ pair, start: end, end: last })
    return { candles: page.flat(), next: Option.map(next, (moment) => History.intervalStart(moment, interval)) }
  })

  const streamRows = (span: Span) =>
    Stream.paginate<History.HistoryPosition | undefined, History.HistoryRow, StoreUnavailable>(
      undefined,
      (after) =>
        Effect.map(rows(span, after, STREAM_PAGE), (page) => [
          page,
          page.length < STREAM_PAGE ? Option.none() : Array.last(page)
        ])
    )

  const streamCandles = (span: Span, interval: History.CandleInterval) =>
    Stream.paginate<DateTime.Utc, History.Candle, StoreUnavailable>(span.start, (start) =>
      Effect.map(candles({ ...span, start }, interval, STREAM_PAGE), (page) => [page.candles, page.next])
    )

  return RateHistory.of({ asOf, rows, streamRows, candles, streamCandles })
})

const justAfter = (moment: DateTime.Utc) => DateTime.addDuration(moment, Duration.millis(1))

/** A span in the order in which it is looked through from its start. Ahead of `now` there is little. */
const fromStart = ({ end, pair, start }: Span, now: DateTime.Utc): ReadonlyArray<Span> => {
  const first = DateTime.max(BEGINNING, start)
  const border = DateTime.min(end, DateTime.addDuration(first, NEAR))
  const ahead = DateTime.min(end, DateTime.max(border, now))
  return [
    { start: first, end: border },
    ...History.splitRange(border, ahead, FAR),
    { start: ahead, end }
  ].flatMap((piece) => (DateTime.isLessThan(piece.start, piece.end) ? [{ pair, ...piece }] : []))
}

/** A span in the order in which it is looked through from its end. */
const fromEnd = ({ end, pair, start }: Span): ReadonlyArray<Span> => {
  const first = DateTime.max(BEGINNING, start)
  const border = DateTime.max(first, DateTime.subtractDuration(end, NEAR))
  return [{ start: border, end }, ...History.splitRange(first, border, FAR).toReversed()].flatMap((piece) =>
    DateTime.isLessThan(piece.start, piece.end) ? [{ pair, ...piece }] : []
  )
}
