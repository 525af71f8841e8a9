import { Array, Context, DateTime, Duration, Effect, Layer, Option, Schema } from "effect"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import type {
  Candle,
  CandleInterval,
  HistoryPosition,
  HistoryRow,
  AsOfRate
} from "../../domain/rates/History.ts"
import { RateId } from "../../domain/rates/Rate.ts"
import * as RateIds from "../../domain/rates/RateIds.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { rateColumns, toRate } from "../RateRepo.ts"

/** The rates of a pair that came into force from a moment on, and before another. */
export interface Span {
  readonly pair: CurrencyPair
  readonly start: DateTime.Utc
  readonly end: DateTime.Utc
}

type FindKnown = (
  span: Span,
  knownAt: DateTime.Utc
) => Effect.Effect<Option.Option<AsOfRate>, StoreUnavailable>

/** What was once in force, in Postgres. Legs never were. */
export class HistoryRepo extends Context.Service<
  HistoryRepo,
  {
    /** The last rate of a span that was recorded until a moment, and of several of the same time the last recorded. */
    readonly last: FindKnown
    /** As {@link last}, among the rates that were recorded before they came into force. */
    readonly lastForetold: FindKnown
    /** When the first rate of a span came into force. */
    readonly first: (span: Span) => Effect.Effect<Option.Option<DateTime.Utc>, StoreUnavailable>
    /** At most `limit` rows of a span, behind a position, oldest first. */
    readonly rows: (
      span: Span,
      after: HistoryPosition | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<HistoryRow>, StoreUnavailable>
    /** The candles of a span whose ends are ends of intervals, oldest first. Intervals without rates are left out. */
    readonly candles: (
      span: Span,
      interval: CandleInterval
    ) => Effect.Effect<ReadonlyArray<Candle>, StoreUnavailable>
  }
>()("effex/rates/history/HistoryRepo") {
  static readonly layer = Layer.effect(
    HistoryRepo,
    Effect.suspend(() => make)
  )
}

/** How far the time of an id is from the moment from which its rate is in force, by a constraint of the table. */
const ID_DISTANCE = Duration.hours(24)

const make = Effect.gen(function* () {
  const { sql, execute } = yield* Database

  /** The ids are bounded as well, and by constants, so that no other month is even planned for. */
  const inSpan = ({ end, pair, start }: Span) => sql`
    source_currency = ${pair.from} AND destination_currency = ${pair.to} AND NOT is_leg
    AND observed_at >= ${DateTime.toDateUtc(start)} AND observed_at < ${DateTime.toDateUtc(end)}
    AND id >= ${RateIds.lowerBound(DateTime.subtractDuration(start, ID_DISTANCE))}::uuid
    AND id < ${RateIds.lowerBound(DateTime.addDuration(end, ID_DISTANCE))}::uuid`

  const lastOf = Effect.fnUntraced(function* (
    span: Span,
    knownAt: DateTime.Utc,
    among: ReturnType<typeof sql.literal>
  ) {
    const rows = yield* execute(sql`
      SELECT id, source_currency, destination_currency, rate, provider, observed_at, recorded_at,
        coalesce(derived_from, '{}') AS derived_from
      FROM exchange_rate WHERE ${inSpan(span)} AND recorded_at <= ${DateTime.toDateUtc(knownAt)} ${among}
      ORDER BY observed_at DESC, recorded_at DESC, id DESC LIMIT 1`)
    const decoded = yield* Effect.orDie(decodeKnown(rows))
    return Option.map(Array.head(decoded), (row): AsOfRate => ({
      rate: toRate(row),
      recordedAt: row.recordedAt,
      derivedFrom: row.derivedFrom
    }))
  })

  const last = Effect.fn("HistoryRepo.last")((span: Span, knownAt: DateTime.Utc) =>
    lastOf(span, knownAt, sql.literal(""))
  )

  const lastForetold = Effect.fn("HistoryRepo.lastForetold")((span: Span, knownAt: DateTime.Utc) =>
    lastOf(span, knownAt, sql.literal("AND recorded_at < observed_at"))
  )

  const first = Effect.fn("HistoryRepo.first")(function* (span: Span) {
    const rows = yield* execute(sql<{ observedAt: Date }>`
      SELECT observed_at FROM exchange_rate WHERE ${inSpan(span)} ORDER BY observed_at LIMIT 1`)
    return Option.map(Array.head(rows), ({ observedAt }) => DateTime.fromDateUnsafe(observedAt))
  })

  const rows = Effect.fn("HistoryRepo.rows")(function* (
    span: Span,
    after: HistoryPosition | undefined,
    limit: number
  ) {
    const behind =
      after === undefined
        ? sql.literal("")
        : sql`AND (observed_at, recorded_at, id) > (
            ${DateTime.toDateUtc(after.observedAt)}, ${DateTime.toDateUtc(after.recordedAt)}, ${after.id}::uuid)`
    const found = yield* execute(sql<Row>`
      SELECT id, trim_scale(rate) AS rate, provider, observed_at, recorded_at, derived_from
      FROM exchange_rate WHERE ${inSpan(span)} ${behind}
      ORDER BY observed_at, recorded_at, id LIMIT ${limit}`)
    return found.map(toHistoryRow)
  })

  const candles = Effect.fn("HistoryRepo.candles")(function* (span: Span, interval: CandleInterval) {
    // Of a moment the last recorded rate counts.
    const found = yield* execute(sql<CandleRow>`
      SELECT start, trim_scale(rates[1]) AS open, trim_scale(high) AS high, trim_scale(low) AS low,
        trim_scale(rates[count]) AS close, count
      FROM (
        SELECT date_bin(${lengths[interval]}::interval, observed_at, 'epoch') AS start,
          array_agg(rate ORDER BY observed_at) AS rates, max(rate) AS high, min(rate) AS low, count(*)::int AS count
        FROM (
          SELECT DISTINCT ON (observed_at) observed_at, rate FROM exchange_rate WHERE ${inSpan(span)}
          ORDER BY observed_at DESC, recorded_at DESC, id DESC
        ) AS known
        GROUP BY start
      ) AS candle ORDER BY start`)
    return found.map(({ start, ...numbers }) => ({ start: DateTime.fromDateUnsafe(start), ...numbers }))
  })

  return HistoryRepo.of({ last, lastForetold, first, rows, candles })
})

const lengths = { "1h": "1 hour", "1d": "1 day" } as const

const decodeKnown = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      ...rateColumns,
      recordedAt: Schema.DateTimeUtcFromDate,
      derivedFrom: Schema.Array(RateId)
    })
  )
)

/** Taken from the driver as it is: a schema would take longer than the database for a million of them. */
interface Row {
  readonly id: RateId
  readonly rate: string
  readonly provider: string
  readonly observedAt: Date
  readonly recordedAt: Date
  readonly derivedFrom: ReadonlyArray<RateId> | null
}

const quoted: ReadonlyArray<RateId> = []

const toHistoryRow = ({ derivedFrom, observedAt, recordedAt, ...row }: Row): HistoryRow => ({
  ...row,
  observedAt: DateTime.fromDateUnsafe(observedAt),
  recordedAt: DateTime.fromDateUnsafe(recordedAt),
  derivedFrom: derivedFrom ?? quoted
})

interface CandleRow extends Omit<Candle, "start"> {
  readonly start: Date
}
