import { Array, type BigDecimal, Context, DateTime, Effect, Layer, Option, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { AssetCode } from "../../domain/money/Asset.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { type QuarantinedRate, QuarantineId, QuarantineStatus } from "../../domain/rates/QuarantinedRate.ts"
import type { RateId, RateTick } from "../../domain/rates/Rate.ts"
import type { RateAnomaly } from "../../domain/rates/RateAnomaly.ts"
import * as RateIds from "../../domain/rates/RateIds.ts"
import * as LeaderTerms from "../../platform/LeaderTerms.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import type { FencedPoll } from "../polling/PollRepo.ts"
import * as QuarantineRows from "./QuarantineRows.ts"

/** Latest quarantined tick of a provider and a pair. */
export interface LatestQuarantined {
  readonly streakId: QuarantineId
  readonly rate: BigDecimal.BigDecimal
  readonly observedAt: DateTime.Utc
  readonly agreeing: number
  readonly status: QuarantineStatus
  /** An operator rejected a tick of its streak. */
  readonly isStreakRejected: boolean
  /** The same provider had a credible rate after it. */
  readonly isInterrupted: boolean
}

/** A tick to quarantine. */
export interface NewQuarantined {
  readonly tick: RateTick
  readonly anomalies: ReadonlyArray<RateAnomaly>
  readonly lastGoodId: RateId | null
  /** The streak that the tick continues; none if it starts one. */
  readonly streakId: Option.Option<QuarantineId>
  readonly agreeing: number
  /** The tick repeats a level that an operator rejected. */
  readonly isRepetition: boolean
}

/** New quotes of a provider that confirm a level. */
export interface StreakEvidence {
  /** Number of different quote times. */
  readonly quotes: number
  /** Observation of the first tick. */
  readonly since: DateTime.Utc
}

export interface QuarantineFilter {
  readonly status?: QuarantineStatus | undefined
  readonly from?: AssetCode | undefined
  readonly to?: AssetCode | undefined
}

const make = Effect.gen(function* () {
  const { execute, read, sql } = yield* Database
  const random = yield* SecureRandom.SecureRandom
  const columns = sql.literal(QuarantineRows.COLUMNS)

  const latestOfProvider = Effect.fn("QuarantineRepo.latestOfProvider")(function* ({
    pair,
    provider
  }: RateTick) {
    const rows = yield* execute(sql`
      SELECT streak_id, rate, observed_at, agreeing, status,
        EXISTS (
          SELECT FROM quarantined_rate AS same
          WHERE same.streak_id = quarantined.streak_id AND same.status = 'rejected' AND same.decided_by = 'operator'
        ) AS is_streak_rejected,
        EXISTS (
          SELECT FROM exchange_rate AS good
          WHERE good.source_currency = quarantined.source_currency
            AND good.destination_currency = quarantined.destination_currency
            AND good.provider = quarantined.provider AND NOT good.is_leg AND NOT good.is_imported
            AND good.observed_at > quarantined.observed_at
            AND good.id >= uuidv7_floor(quarantined.observed_at - interval '1 day')
        ) AS is_interrupted
      FROM quarantined_rate AS quarantined
      WHERE source_currency = ${pair.from} AND destination_currency = ${pair.to} AND provider = ${provider}
      ORDER BY observed_at DESC, id DESC LIMIT 1`)
    return Array.head(yield* Effect.orDie(decodeLatest(rows)))
  })

  const evidenceOf: QuarantineRepo["Service"]["evidenceOf"] = Effect.fn("QuarantineRepo.evidenceOf")(
    function* (id, tolerance) {
      const rows = yield* execute(sql`
        WITH newest AS (SELECT streak_id, rate, observed_at FROM quarantined_rate WHERE id = ${id}),
        same AS (
          SELECT tick.*, greatest(tick.rate, newest.rate)
            <= least(tick.rate, newest.rate) * (1 + ${Decimal.format(tolerance)}::numeric) AS is_near
          FROM newest, quarantined_rate AS tick
          WHERE tick.streak_id = newest.streak_id AND tick.observed_at <= newest.observed_at
        )
        SELECT count(DISTINCT quoted_at)::int AS quotes, min(observed_at) AS since FROM same
        WHERE observed_at > coalesce((SELECT max(observed_at) FROM same WHERE NOT is_near), '-infinity')`)
      return yield* Effect.orDie(decodeEvidence(rows[0]))
    }
  )

  const insert: QuarantineRepo["Service"]["insert"] = Effect.fn("QuarantineRepo.insert")(function* (
    { agreeing, anomalies, isRepetition, lastGoodId, streakId, tick },
    poll
  ) {
    const now = yield* DateTime.now
    const recordedAt = DateTime.toDateUtc(now)
    const entropy = yield* RateIds.randomEntropy(random)
    const id = QuarantineId.make(RateIds.make(tick.observedAt, now, entropy))
    const quotedAt = tick.quotedAt === undefined ? null : DateTime.toDateUtc(tick.quotedAt)
    const leadership = Option.map(poll, ({ leadership }) => leadership)
    const written = yield* execute(sql`
      WITH fence AS (${LeaderTerms.fence(sql, leadership)})
      INSERT INTO quarantined_rate (
        id, source_currency, destination_currency, rate, source_amount, destination_amount, provider, provider_rate,
        raw, legs, observed_at, quoted_at, recorded_at, reasons, last_good_id, streak_id, agreeing,
        status, decided_at, decided_by
      ) SELECT
        ${id}::uuid, ${tick.pair.from}::text, ${tick.pair.to}::text, ${Decimal.format(tick.rate)}::numeric,
        ${Decimal.format(tick.sourceAmount)}::numeric, ${Decimal.format(tick.destinationAmount)}::numeric,
        ${tick.provider}::text, ${tick.providerRate}::text, to_jsonb(${tick.raw}::text),
        ${QuarantineRows.encodeLegs(tick.legs ?? [])}::text::jsonb,
        ${DateTime.toDateUtc(tick.observedAt)}::timestamptz, ${quotedAt}::timestamptz, ${recordedAt}::timestamptz,
        ${QuarantineRows.encodeAnomalies(anomalies)}::text::jsonb, ${lastGoodId}::uuid,
        ${Option.getOrElse(streakId, () => id)}::uuid, ${agreeing}::int,
        ${isRepetition ? "rejected" : "pending"}::text,
        ${isRepetition ? recordedAt : null}::timestamptz, ${isRepetition ? "repetition" : null}::text
      FROM fence
      RETURNING id`)
    yield* LeaderTerms.failIfSuperseded(written, leadership)
    return id
  })

  const byId = Effect.fn("QuarantineRepo.byId")(function* (id: QuarantineId) {
    const rows = yield* execute(sql`SELECT ${columns} FROM quarantined_rate WHERE id = ${id}`)
    return Array.head(yield* Effect.forEach(rows, QuarantineRows.toQuarantined))
  })

  const page: QuarantineRepo["Service"]["page"] = Effect.fn("QuarantineRepo.page")(function* (
    { from, status, to },
    before,
    limit
  ) {
    const where = sql.and([
      ...(status === undefined ? [] : [sql`status = ${status}`]),
      ...(from === undefined ? [] : [sql`source_currency = ${from}`]),
      ...(to === undefined ? [] : [sql`destination_currency = ${to}`]),
      ...(before === undefined ? [] : [sql`id < ${before}`])
    ])
    const rows = yield* read(sql`
      SELECT ${columns} FROM quarantined_rate WHERE ${where} ORDER BY id DESC LIMIT ${limit}`)
    return yield* Effect.forEach(rows, QuarantineRows.toQuarantined)
  })

  const pendingCount = execute(
    sql<{ count: bigint }>`SELECT count(*) AS count FROM quarantined_rate WHERE status = 'pending'`
  ).pipe(Effect.map(([row]) => Number(row?.count ?? 0n)))

  return QuarantineRepo.of({ evidenceOf, latestOfProvider, insert, byId, page, pendingCount })
})

/** Quarantined ticks in PostgreSQL. Their facts are immutable. */
export class QuarantineRepo extends Context.Service<
  QuarantineRepo,
  {
    /** Returns the latest quarantined tick of the tick's provider and pair. */
    readonly latestOfProvider: (
      tick: RateTick
    ) => Effect.Effect<Option.Option<LatestQuarantined>, StoreUnavailable>
    /** Evidence for a quarantined tick: the last ticks of its streak that are all within the tolerance of it. */
    readonly evidenceOf: (
      id: QuarantineId,
      tolerance: BigDecimal.BigDecimal
    ) => Effect.Effect<StreakEvidence, StoreUnavailable>
    /** Quarantines a tick; for a fenced poll, only while its term lasts. */
    readonly insert: (
      quarantined: NewQuarantined,
      poll: Option.Option<FencedPoll>
    ) => Effect.Effect<QuarantineId, StoreUnavailable | LeaderTerms.Superseded>
    readonly byId: (id: QuarantineId) => Effect.Effect<Option.Option<QuarantinedRate>, StoreUnavailable>
    /** Returns at most `limit` ticks before an id, newest first. */
    readonly page: (
      filter: QuarantineFilter,
      before: QuarantineId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<QuarantinedRate>, StoreUnavailable>
    /** Number of ticks that wait for a decision. */
    readonly pendingCount: Effect.Effect<number, StoreUnavailable>
  }
>()("effex/rates/guard/QuarantineRepo") {
  static readonly layer = Layer.effect(QuarantineRepo, make)
}

const decodeLatest = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      streakId: QuarantineId,
      rate: Decimal.PositiveDecimal,
      observedAt: Schema.DateTimeUtcFromDate,
      agreeing: Schema.Int,
      status: QuarantineStatus,
      isStreakRejected: Schema.Boolean,
      isInterrupted: Schema.Boolean
    })
  )
)

const decodeEvidence = Schema.decodeUnknownEffect(
  Schema.Struct({ quotes: Schema.Int, since: Schema.DateTimeUtcFromDate })
)
