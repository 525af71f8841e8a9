import { Array, Context, DateTime, Duration, Effect, Layer, Option, Schema } from "effect"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
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
import { rateFields, toRate } from "../RateRows.ts"

/** Rates of a pair in force from `start` (inclusive) to `end` (exclusive). */
export interface HistoryRange {
  readonly pair: AssetPair
  readonly start: DateTime.Utc
  readonly end: DateTime.Utc
}

type FindRate = (
  range: HistoryRange,
  knownAt: DateTime.Utc
) => Effect.Effect<Option.Option<AsOfRate>, StoreUnavailable>

/** Maximum distance between the timestamp of an id and `observed_at`, by a constraint of the table. */
const MAX_ID_DISTANCE = Duration.hours(24)

const NO_LEGS: ReadonlyArray<RateId> = []

const make = Effect.gen(function* () {
  const { read, sql } = yield* Database

  /** Bounds the ids by constants as well, so that the planner prunes the partitions of other months. */
  const inRange = ({ end, pair, start }: HistoryRange) => sql`
    source_currency = ${pair.from} AND destination_currency = ${pair.to} AND NOT is_leg
    AND observed_at >= ${DateTime.toDateUtc(start)} AND observed_at < ${DateTime.toDateUtc(end)}
    AND id >= ${RateIds.lowerBound(DateTime.subtractDuration(start, MAX_ID_DISTANCE))}::uuid
    AND id < ${RateIds.lowerBound(DateTime.addDuration(end, MAX_ID_DISTANCE))}::uuid`

  /** Excludes rates of a wrong clock. */
  const isCredible = sql.literal("AND NOT EXISTS (SELECT FROM withdrawn_rate WHERE rate_id = id)")

  const findLast = Effect.fnUntraced(function* (
    range: HistoryRange,
    knownAt: DateTime.Utc,
    condition: ReturnType<typeof sql.literal>
  ) {
    const rows = yield* read(sql`
      SELECT id, source_currency, destination_currency, rate, provider, observed_at, recorded_at,
        coalesce(derived_from, '{}') AS derived_from
      FROM exchange_rate WHERE ${inRange(range)} AND recorded_at <= ${DateTime.toDateUtc(knownAt)} ${condition}
        AND NOT EXISTS (
          SELECT FROM withdrawn_rate WHERE rate_id = id AND withdrawn_at <= ${DateTime.toDateUtc(knownAt)})
      ORDER BY observed_at DESC, recorded_at DESC, id DESC LIMIT 1`)
    const decoded = yield* Effect.orDie(decodeAsOfRates(rows))
    return Option.map(Array.head(decoded), (row): AsOfRate => ({
      rate: toRate(row),
      recordedAt: row.recordedAt,
      derivedFrom: row.derivedFrom
    }))
  })

  const last = Effect.fn("HistoryRepo.last")((range: HistoryRange, knownAt: DateTime.Utc) =>
    findLast(range, knownAt, sql.literal(""))
  )

  const lastForwardDated = Effect.fn("HistoryRepo.lastForwardDated")(
    (range: HistoryRange, knownAt: DateTime.Utc) =>
      findLast(range, knownAt, sql.literal("AND recorded_at < observed_at"))
  )

  const first = Effect.fn("HistoryRepo.first")(function* (range: HistoryRange) {
    const rows = yield* read(sql<{ observedAt: Date }>`
      SELECT observed_at FROM exchange_rate WHERE ${inRange(range)} ${isCredible} ORDER BY observed_at LIMIT 1`)
    return Option.map(Array.head(rows), ({ observedAt }) => DateTime.fromDateUnsafe(observedAt))
  })

  const rows = Effect.fn("HistoryRepo.rows")(function* (
    range: HistoryRange,
    after: HistoryPosition | undefined,
    limit: number
  ) {
    const afterPosition =
      after === undefined
        ? sql.literal("")
        : sql`AND (observed_at, recorded_at, id) > (
            ${DateTime.toDateUtc(after.observedAt)}, ${DateTime.toDateUtc(after.recordedAt)}, ${after.id}::uuid)`
    const found = yield* read(sql<Row>`
      SELECT id, trim_scale(rate) AS rate, provider, observed_at, recorded_at, derived_from
      FROM exchange_rate WHERE ${inRange(range)} ${isCredible} ${afterPosition}
      ORDER BY observed_at, recorded_at, id LIMIT ${limit}`)
    return found.map(toHistoryRow)
  })

  const candles = Effect.fn("HistoryRepo.candles")(function* (range: HistoryRange, interval: CandleInterval) {
    // Of several rates at the same time, the last recorded one counts.
    const found = yield* read(sql<CandleRow>`
      SELECT start, trim_scale(rates[1]) AS open, trim_scale(high) AS high, trim_scale(low) AS low,
        trim_scale(rates[count]) AS close, count
      FROM (
        SELECT date_bin(${INTERVALS[interval]}::interval, observed_at, 'epoch') AS start,
          array_agg(rate ORDER BY observed_at) AS rates, max(rate) AS high, min(rate) AS low, count(*)::int AS count
        FROM (
          SELECT DISTINCT ON (observed_at) observed_at, rate FROM exchange_rate WHERE ${inRange(range)} ${isCredible}
          ORDER BY observed_at DESC, recorded_at DESC, id DESC
        ) AS known
        GROUP BY start
      ) AS candle ORDER BY start`)
    return found.map(({ start, ...values }) => ({ start: DateTime.fromDateUnsafe(start), ...values }))
  })

  const archivedUntil = read(
    sql<{ until: Date | null }>`
      SELECT max(until) AS until FROM archived_partition WHERE parent = 'exchange_rate'`
  ).pipe(
    Effect.map(([row]) => Option.map(Option.fromNullishOr(row?.until), DateTime.fromDateUnsafe)),
    Effect.withSpan("HistoryRepo.archivedUntil")
  )

  return HistoryRepo.of({ archivedUntil, last, lastForwardDated, first, rows, candles })
})

/** Reads rates in force at any time from PostgreSQL. Excludes legs, which were never in force. */
export class HistoryRepo extends Context.Service<
  HistoryRepo,
  {
    /** The first moment whose rates are in the database. None if no rates are archived. */
    readonly archivedUntil: Effect.Effect<Option.Option<DateTime.Utc>, StoreUnavailable>
    /** Returns the last rate of a range that was recorded by `knownAt`; of several at the same time, the last recorded. */
    readonly last: FindRate
    /** Like {@link last}, among forward-dated rates: those recorded before they came into force. */
    readonly lastForwardDated: FindRate
    /** Returns the time at which the first rate of a range came into force. */
    readonly first: (range: HistoryRange) => Effect.Effect<Option.Option<DateTime.Utc>, StoreUnavailable>
    /** Returns at most `limit` rows of a range after a position, oldest first. */
    readonly rows: (
      range: HistoryRange,
      after: HistoryPosition | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<HistoryRow>, StoreUnavailable>
    /** Returns the candles of a range that consists of whole intervals, oldest first. Skips intervals without rates. */
    readonly candles: (
      range: HistoryRange,
      interval: CandleInterval
    ) => Effect.Effect<ReadonlyArray<Candle>, StoreUnavailable>
  }
>()("effex/rates/history/HistoryRepo") {
  static readonly layer = Layer.effect(HistoryRepo, make)
}

const INTERVALS = { "1h": "1 hour", "1d": "1 day" } as const

const decodeAsOfRates = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      ...rateFields,
      recordedAt: Schema.DateTimeUtcFromDate,
      derivedFrom: Schema.Array(RateId)
    })
  )
)

/** Row as the driver returns it. Decoding a million rows with a schema would take longer than the query. */
interface Row {
  readonly id: RateId
  readonly rate: string
  readonly provider: string
  readonly observedAt: Date
  readonly recordedAt: Date
  readonly derivedFrom: ReadonlyArray<RateId> | null
}

const toHistoryRow = ({ derivedFrom, observedAt, recordedAt, ...row }: Row): HistoryRow => ({
  ...row,
  observedAt: DateTime.fromDateUnsafe(observedAt),
  recordedAt: DateTime.fromDateUnsafe(recordedAt),
  derivedFrom: derivedFrom ?? NO_LEGS
})

interface CandleRow extends Omit<Candle, "start"> {
  readonly start: Date
}
