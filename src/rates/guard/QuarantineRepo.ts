import { Array, type BigDecimal, Context, DateTime, Effect, Layer, Option, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { Statement } from "effect/sql"
import type { CurrencyCode } from "../../domain/money/Currency.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import {
  type DecidedBy,
  type DecisionDetails,
  type QuarantinedRate,
  QuarantineId,
  type QuarantineStatus
} from "../../domain/rates/QuarantinedRate.ts"
import type { Rate, RateId, RateTick } from "../../domain/rates/Rate.ts"
import * as RateIds from "../../domain/rates/RateIds.ts"
import type { RateAnomaly } from "../../domain/rates/RateAnomaly.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as Leader from "../../platform/Leader.ts"
import type { LedPoll } from "../polling/PollRepo.ts"
import * as QuarantineRows from "./QuarantineRows.ts"
import { RateRepo } from "../RateRepo.ts"

/** The last tick of a provider about a pair that was put aside. */
export interface LastPutAside {
  readonly streakId: QuarantineId
  readonly rate: BigDecimal.BigDecimal
  readonly observedAt: DateTime.Utc
  readonly agreeing: number
  readonly status: QuarantineStatus
  /** An operator rejected a tick of its streak. */
  readonly streakRejected: boolean
  /** A good rate of the same provider came after it. */
  readonly interrupted: boolean
}

/** A tick on its way into the quarantine. */
export interface PutAside {
  readonly tick: RateTick
  readonly anomalies: ReadonlyArray<RateAnomaly>
  readonly lastGoodId: RateId | null
  /** The streak that it goes on with; none where it begins one. */
  readonly streakId: Option.Option<QuarantineId>
  readonly agreeing: number
  /** It repeats what was rejected. */
  readonly repeats: boolean
}

/** Which ticks to list. */
export interface QuarantineFilter {
  readonly status?: QuarantineStatus | undefined
  readonly from?: CurrencyCode | undefined
  readonly to?: CurrencyCode | undefined
}

/** What was put aside, in Postgres: a fact that never changes, and a decision that is made once. */
export class QuarantineRepo extends Context.Service<
  QuarantineRepo,
  {
    readonly lastPutAside: (tick: RateTick) => Effect.Effect<Option.Option<LastPutAside>, StoreUnavailable>
    /** Puts a tick aside; for a led poll, not when its term is over. */
    readonly put: (
      item: PutAside,
      poll: Option.Option<LedPoll>
    ) => Effect.Effect<QuarantineId, StoreUnavailable | Leader.Superseded>
    /**
     * Stores a tick as a rate, and decides so about it and about what waits of its streak, all in one statement. None
     * where there is no such tick, or it was decided already.
     */
    readonly accept: (
      id: QuarantineId,
      decider: DecisionDetails,
      poll: Option.Option<LedPoll>
    ) => Effect.Effect<Option.Option<Rate>, StoreUnavailable>
    /** Decides so about a tick and what waits of its streak. False where {@link accept} would be none. */
    readonly reject: (id: QuarantineId, decider: DecisionDetails) => Effect.Effect<boolean, StoreUnavailable>
    readonly byId: (id: QuarantineId) => Effect.Effect<Option.Option<QuarantinedRate>, StoreUnavailable>
    /** At most `limit` of them before an id, newest first. */
    readonly page: (
      filter: QuarantineFilter,
      before: QuarantineId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<QuarantinedRate>, StoreUnavailable>
    /** How many wait for a decision. */
    readonly pending: Effect.Effect<number, StoreUnavailable>
  }
>()("effex/rates/guard/QuarantineRepo") {
  static readonly layer = Layer.effect(
    QuarantineRepo,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const { sql, execute } = yield* Database
  const random = yield* SecureRandom.SecureRandom
  const rates = yield* RateRepo
  const columns = sql.literal(QuarantineRows.COLUMNS)

  const lastPutAside = Effect.fn("QuarantineRepo.lastPutAside")(function* ({ pair, provider }: RateTick) {
    const rows = yield* execute(sql`
      SELECT streak_id, rate, observed_at, agreeing, status,
        EXISTS (
          SELECT FROM quarantined_rate AS same
          WHERE same.streak_id = put_aside.streak_id AND same.status = 'rejected' AND same.decided_by = 'operator'
        ) AS streak_rejected,
        EXISTS (
          SELECT FROM exchange_rate AS good
          WHERE good.source_currency = put_aside.source_currency
            AND good.destination_currency = put_aside.destination_currency
            AND good.provider = put_aside.provider AND NOT good.is_leg
            AND good.observed_at > put_aside.observed_at
            AND good.id >= uuidv7_floor(put_aside.observed_at - interval '1 day')
        ) AS interrupted
      FROM quarantined_rate AS put_aside
      WHERE source_currency = ${pair.from} AND destination_currency = ${pair.to} AND provider = ${provider}
      ORDER BY observed_at DESC, id DESC LIMIT 1`)
    return Array.head(yield* Effect.orDie(decodeLast(rows)))
  })

  const put: QuarantineRepo["Service"]["put"] = Effect.fn("QuarantineRepo.put")(function* (item, poll) {
    const { agreeing, lastGoodId, repeats, streakId, anomalies, tick } = item
    const now = yield* DateTime.now
    const recordedAt = DateTime.toDateUtc(now)
    const entropy = yield* RateIds.randomEntropy(random)
    const id = QuarantineId.make(RateIds.make(tick.observedAt, now, entropy))
    const quotedAt = tick.quotedAt === undefined ? null : DateTime.toDateUtc(tick.quotedAt)
    const leadership = Option.map(poll, ({ leadership }) => leadership)
    const written = yield* execute(sql`
      WITH fence AS (${Leader.fence(sql, leadership)})
      INSERT INTO quarantined_rate (
        id, source_currency, destination_currency, rate, source_amount, destination_amount, provider, provider_rate,
        raw, legs, observed_at, quoted_at, recorded_at, reasons, last_good_id, streak_id, agreeing,
        status, decided_at, decided_by
      ) SELECT
        ${id}::uuid, ${tick.pair.from}::text, ${tick.pair.to}::text, ${Decimal.format(tick.rate)}::numeric,
        ${Decimal.format(tick.sourceAmount)}::numeric, ${Decimal.format(tick.destinationAmount)}::numeric,
        ${tick.provider}::text, ${tick.providerRate}::text, ${tick.raw}::text::jsonb,
        ${QuarantineRows.legsToText(tick.legs ?? [])}::text::jsonb,
        ${DateTime.toDateUtc(tick.observedAt)}::timestamptz, ${quotedAt}::timestamptz, ${recordedAt}::timestamptz,
        ${QuarantineRows.anomaliesToText(anomalies)}::text::jsonb, ${lastGoodId}::uuid,
        ${Option.getOrElse(streakId, () => id)}::uuid, ${agreeing}::int, ${repeats ? "rejected" : "pending"}::text,
        ${repeats ? recordedAt : null}::timestamptz, ${repeats ? "repetition" : null}::text
      FROM fence
      RETURNING id`)
    yield* Leader.failIfSuperseded(written, leadership)
    return id
  })

  /** What may still be decided of a tick: that it repeats what was rejected is nobody's decision. */
  const undecided = (by: DecidedBy) =>
    by === "operator" ? sql`(status = 'pending' OR decided_by = 'repetition')` : sql`status = 'pending'`

  /** Decides about one tick, and is its row where it could be. */
  const decideOne = (
    id: QuarantineId,
    by: DecidedBy,
    decision: Statement.Fragment,
    fence: Statement.Fragment
  ) => sql`
    UPDATE quarantined_rate SET ${decision} FROM (${fence}) AS fence
    WHERE id = ${id} AND ${undecided(by)} RETURNING id, streak_id`

  /** Decides the same about what waits of the streak of the tick in `chosen`. */
  const decideOthers = (chosen: string, decision: Statement.Fragment) => sql`
    UPDATE quarantined_rate AS same SET ${decision} FROM ${sql.literal(chosen)} AS chosen
    WHERE same.streak_id = chosen.streak_id AND same.id <> chosen.id AND same.status = 'pending'`

  const decision = (
    status: QuarantineStatus,
    { by, principal }: DecisionDetails,
    at: Date,
    rateId: RateId | null
  ) => sql`
    status = ${status}, decided_at = ${at}::timestamptz, decided_by = ${by}, principal = ${principal}::text, rate_id = ${rateId}::uuid`

  const accept: QuarantineRepo["Service"]["accept"] = Effect.fn("QuarantineRepo.accept")(
    function* (id, decider, poll) {
      const now = DateTime.toDateUtc(yield* DateTime.now)
      const rows = yield* execute(sql<{ legs: string }>`
        SELECT ${columns}, legs::text AS legs FROM quarantined_rate WHERE id = ${id}`)
      const [row] = rows
      if (row === undefined) return Option.none()
      const tick = yield* QuarantineRows.toTick(yield* QuarantineRows.toQuarantined(row), row.legs)
      const fence = Leader.fence(
        sql,
        Option.map(poll, ({ leadership }) => leadership)
      )
      const accepted = (rateId: RateId) => decision("accepted", decider, now, rateId)
      return yield* rates.insertIf(
        tick,
        {
          admitted: (rateId) =>
            decideOne(
              id,
              decider.by,
              sql`${accepted(rateId)}, decision_reason = ${decider.reason}::text`,
              fence
            ),
          beside: (rateId) => sql`, others AS (${decideOthers("admitted", accepted(rateId))})`
        },
        poll
      )
    }
  )

  const reject: QuarantineRepo["Service"]["reject"] = Effect.fn("QuarantineRepo.reject")(
    function* (id, decider) {
      const now = DateTime.toDateUtc(yield* DateTime.now)
      const rejected = decision("rejected", decider, now, null)
      const chosen = decideOne(
        id,
        decider.by,
        sql`${rejected}, decision_reason = ${decider.reason}::text`,
        sql`SELECT 1`
      )
      const decided = yield* execute(sql`
        WITH decided AS (${chosen}), others AS (${decideOthers("decided", rejected)}) SELECT id FROM decided`)
      return decided.length > 0
    }
  )

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
    const rows = yield* execute(sql`
        SELECT ${columns} FROM quarantined_rate WHERE ${where} ORDER BY id DESC LIMIT ${limit}`)
    return yield* Effect.forEach(rows, QuarantineRows.toQuarantined)
  })

  const pending = execute(
    sql<{ count: bigint }>`SELECT count(*) AS count FROM quarantined_rate WHERE status = 'pending'`
  ).pipe(Effect.map(([row]) => Number(row?.count ?? 0n)))

  return QuarantineRepo.of({ lastPutAside, put, accept, reject, byId, page, pending })
})

const decodeLast = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      streakId: QuarantineId,
      rate: Decimal.PositiveDecimal,
      observedAt: Schema.DateTimeUtcFromDate,
      agreeing: Schema.Int,
      status: Schema.Literals(["pending", "accepted", "rejected"]),
      streakRejected: Schema.Boolean,
      interrupted: Schema.Boolean
    })
  )
)
