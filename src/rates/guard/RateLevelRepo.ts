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

/** Earlier rates of a pair. A tick near one of them is not a jump, even if it is far from the last good rate. */
export interface ReferenceLevels {
  /** Last good rate of the tick's own provider within 30 days. */
  readonly own: Option.Option<BigDecimal.BigDecimal>
  /** First rate of a fallback provider after that, within a day. */
  readonly fallback: Option.Option<BigDecimal.BigDecimal>
  /** Rate that an operator accepted last, within a day. */
  readonly accepted: Option.Option<BigDecimal.BigDecimal>
}

/** Reads the reference levels of a pair from PostgreSQL. */
export class RateLevelRepo extends Context.Service<
  RateLevelRepo,
  {
    readonly referenceLevels: (tick: RateTick) => Effect.Effect<ReferenceLevels, StoreUnavailable>
    /**
     * Returns a time since which the tick's provider has sent the same digits, quarantined or not, if that is at least
     * `atLeast` ago and the provider has sent ticks in between. Looks back 30 days further than that.
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

      // The bounds of the id select the monthly partitions.
      const storedTicks = ({ pair, provider }: RateTick, after: DateTime.Utc) => sql`
        source_currency = ${pair.from} AND destination_currency = ${pair.to} AND provider = ${provider}
        AND NOT is_leg AND observed_at > ${DateTime.toDateUtc(after)}
        AND id >= uuidv7_floor(${DateTime.toDateUtc(DateTime.subtract(after, { days: 1 }))}::timestamptz)`

      const quarantinedTicks = ({ pair, provider }: RateTick, after: DateTime.Utc) => sql`
        source_currency = ${pair.from} AND destination_currency = ${pair.to} AND provider = ${provider}
        AND observed_at > ${DateTime.toDateUtc(after)}`

      const referenceLevels = Effect.fn("RateLevelRepo.referenceLevels")(function* (tick: RateTick) {
        const { from, to } = tick.pair
        const lastDay = DateTime.toDateUtc(DateTime.subtract(yield* DateTime.now, { days: 1 }))
        const rows = yield* execute(sql`
          WITH own AS (
            SELECT rate, observed_at FROM exchange_rate
            WHERE ${storedTicks(tick, DateTime.subtract(tick.observedAt, { days: 30 }))}
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
          ) AS fallback, (
            SELECT exchange_rate.rate FROM quarantined_rate AS quarantined
            JOIN exchange_rate ON exchange_rate.id = quarantined.rate_id
            WHERE quarantined.source_currency = ${from} AND quarantined.destination_currency = ${to}
              AND quarantined.status = 'accepted' AND quarantined.decided_by = 'operator'
              AND quarantined.decided_at > ${lastDay}
            ORDER BY quarantined.decided_at DESC LIMIT 1
          ) AS accepted`)
        return yield* decodeLevels(rows[0]).pipe(Effect.orDie)
      })

      const unchangedSince = Effect.fn("RateLevelRepo.unchangedSince")(function* (
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
              SELECT rate, observed_at FROM exchange_rate WHERE ${storedTicks(tick, earliest)} AND ${until}
              ORDER BY observed_at DESC, recorded_at DESC, id DESC LIMIT 1
            ) UNION ALL (
              SELECT rate, observed_at FROM quarantined_rate WHERE ${quarantinedTicks(tick, earliest)} AND ${until}
              ORDER BY observed_at DESC, id DESC LIMIT 1
            ) ORDER BY observed_at DESC LIMIT 1
          ) AS earlier
          WHERE rate = ${rate} AND (
            EXISTS (SELECT FROM exchange_rate WHERE ${storedTicks(tick, before)})
            OR EXISTS (SELECT FROM quarantined_rate WHERE ${quarantinedTicks(tick, before)})
          )
          AND NOT EXISTS (SELECT FROM exchange_rate WHERE ${storedTicks(tick, before)} AND rate <> ${rate})
          AND NOT EXISTS (SELECT FROM quarantined_rate WHERE ${quarantinedTicks(tick, before)} AND rate <> ${rate})`)
        return Option.map(Array.head(rows), ({ since }) => DateTime.fromDateUnsafe(since))
      })

      return RateLevelRepo.of({ referenceLevels, unchangedSince })
    })
  )
}

const decodeLevels = Schema.decodeUnknownEffect(
  Schema.Struct({
    own: Schema.OptionFromNullOr(Decimal.PositiveDecimal),
    fallback: Schema.OptionFromNullOr(Decimal.PositiveDecimal),
    accepted: Schema.OptionFromNullOr(Decimal.PositiveDecimal)
  })
)
