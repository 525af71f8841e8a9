import {
  Array,
  type BigDecimal,
  Context,
  DateTime,
  type Duration,
  Effect,
  Layer,
  Option,
  Schema
} from "effect"
import * as Decimal from "../../domain/money/Decimal.ts"
import type { RateTick } from "../../domain/rates/Rate.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"

/** Levels of a pair at which a tick is no jump, beside that of its last good rate. */
export interface Levels {
  /** The last good rate of the tick's own provider, of the last 30 days. */
  readonly own: Option.Option<BigDecimal.BigDecimal>
  /** What another provider said in its place after that, at the latest a day later. */
  readonly standIn: Option.Option<BigDecimal.BigDecimal>
  /** What an operator accepted last, of the last day. */
  readonly accepted: Option.Option<BigDecimal.BigDecimal>
}

/** What the database knows of where a pair has been. */
export class RateLevelRepo extends Context.Service<
  RateLevelRepo,
  {
    readonly of: (tick: RateTick) => Effect.Effect<Levels, StoreUnavailable>
    /**
     * Since when, or before, the tick's provider has said the same digits, believed or not, where that is longer than
     * `atLeast` and it was heard meanwhile. Looks 30 days further back.
     */
    readonly unchangedSince: (
      tick: RateTick,
      atLeast: Duration.Duration
    ) => Effect.Effect<Option.Option<DateTime.Utc>, StoreUnavailable>
  }
>()("effex/rates/guard/RateLevelRepo") {
  static readonly layer = Layer.effect(
    RateLevelRepo,
    Effect.gen(function* () {
      const { sql, execute } = yield* Database

      // The bounds of the id are those of the months to look in.
      const saidBy = ({ pair, provider }: RateTick, after: DateTime.Utc) => sql`
        source_currency = ${pair.from} AND destination_currency = ${pair.to} AND provider = ${provider}
        AND NOT is_leg AND observed_at > ${DateTime.toDateUtc(after)}
        AND id >= uuidv7_floor(${DateTime.toDateUtc(DateTime.subtract(after, { days: 1 }))}::timestamptz)`

      const putAsideOf = ({ pair, provider }: RateTick, after: DateTime.Utc) => sql`
        source_currency = ${pair.from} AND destination_currency = ${pair.to} AND provider = ${provider}
        AND observed_at > ${DateTime.toDateUtc(after)}`

      const of = Effect.fn("LevelRepo.of")(function* (tick: RateTick) {
        const { from, to } = tick.pair
        const lastDay = DateTime.toDateUtc(DateTime.subtract(yield* DateTime.now, { days: 1 }))
        const rows = yield* execute(sql`
          WITH own AS (
            SELECT rate, observed_at FROM exchange_rate
            WHERE ${saidBy(tick, DateTime.subtract(tick.observedAt, { days: 30 }))}
            ORDER BY observed_at DESC, recorded_at DESC, id DESC LIMIT 1
          ) SELECT (SELECT rate FROM own) AS own, (
            SELECT other.rate FROM own, LATERAL (
              SELECT rate FROM exchange_rate
              WHERE source_currency = ${from} AND destination_currency = ${to} AND provider <> ${tick.provider}
                AND NOT is_leg AND observed_at > own.observed_at
                AND observed_at <= own.observed_at + interval '1 day'
                AND id >= uuidv7_floor(own.observed_at - interval '1 day')
                AND id < uuidv7_floor(own.observed_at + interval '2 days')
              ORDER BY observed_at, recorded_at, id LIMIT 1
            ) AS other
          ) AS stand_in, (
            SELECT exchange_rate.rate FROM quarantined_rate AS put_aside
            JOIN exchange_rate ON exchange_rate.id = put_aside.rate_id
            WHERE put_aside.source_currency = ${from} AND put_aside.destination_currency = ${to}
              AND put_aside.status = 'accepted' AND put_aside.decided_by = 'operator'
              AND put_aside.decided_at > ${lastDay}
            ORDER BY put_aside.decided_at DESC LIMIT 1
          ) AS accepted`)
        return yield* decodeLevels(rows[0]).pipe(Effect.orDie)
      })

      const unchangedSince = Effect.fn("LevelRepo.unchangedSince")(function* (
        tick: RateTick,
        atLeast: Duration.Duration
      ) {
        const before = DateTime.subtractDuration(tick.observedAt, atLeast)
        const earliest = DateTime.subtract(before, { days: 30 })
        const rate = sql`${Decimal.format(tick.rate)}::numeric`
        const until = sql`observed_at <= ${DateTime.toDateUtc(before)}`
        const rows = yield* execute(sql<{ since: Date }>`
          SELECT observed_at AS since FROM (
            (
              SELECT rate, observed_at FROM exchange_rate WHERE ${saidBy(tick, earliest)} AND ${until}
              ORDER BY observed_at DESC, recorded_at DESC, id DESC LIMIT 1
            ) UNION ALL (
              SELECT rate, observed_at FROM quarantined_rate WHERE ${putAsideOf(tick, earliest)} AND ${until}
              ORDER BY observed_at DESC, id DESC LIMIT 1
            ) ORDER BY observed_at DESC LIMIT 1
          ) AS old
          WHERE rate = ${rate} AND (
            EXISTS (SELECT FROM exchange_rate WHERE ${saidBy(tick, before)})
            OR EXISTS (SELECT FROM quarantined_rate WHERE ${putAsideOf(tick, before)})
          )
          AND NOT EXISTS (SELECT FROM exchange_rate WHERE ${saidBy(tick, before)} AND rate <> ${rate})
          AND NOT EXISTS (SELECT FROM quarantined_rate WHERE ${putAsideOf(tick, before)} AND rate <> ${rate})`)
        return Option.map(Array.head(rows), ({ since }) => DateTime.fromDateUnsafe(since))
      })

      return RateLevelRepo.of({ of, unchangedSince })
    })
  )
}

const decodeLevels = Schema.decodeUnknownEffect(
  Schema.Struct({
    own: Schema.OptionFromNullOr(Decimal.PositiveDecimal),
    standIn: Schema.OptionFromNullOr(Decimal.PositiveDecimal),
    accepted: Schema.OptionFromNullOr(Decimal.PositiveDecimal)
  })
)
