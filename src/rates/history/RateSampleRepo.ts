import { Context, DateTime, Duration, Effect, Layer, Schema } from "effect"
import type { BigDecimal } from "effect"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as RateIds from "../../domain/rates/RateIds.ts"
import { Database } from "../../platform/postgres/Database.ts"
import * as PgArray from "../../platform/postgres/PgArray.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"

/** A rate that was observed longer before a moment counts as unknown then. Covers weekends and holidays of exchanges. */
const MAX_AGE = Duration.days(7)

/** Maximum distance between the timestamp of an id and `observed_at`, by a constraint of the table. */
const MAX_ID_DISTANCE = Duration.hours(24)

/** Samples of rates in PostgreSQL. */
export class RateSampleRepo extends Context.Service<
  RateSampleRepo,
  {
    /**
     * Returns the rates that were in force at each of the moments, oldest moment first, in the order of the pairs. Null
     * where none was observed in the seven days before.
     */
    readonly samples: (
      pairs: ReadonlyArray<AssetPair>,
      moments: ReadonlyArray<DateTime.Utc>
    ) => Effect.Effect<ReadonlyArray<ReadonlyArray<BigDecimal.BigDecimal | null>>, StoreUnavailable>
  }
>()("effex/rates/history/RateSampleRepo") {
  static readonly layer = Layer.effect(
    RateSampleRepo,
    Effect.gen(function* () {
      const { read, sql } = yield* Database

      const samples: RateSampleRepo["Service"]["samples"] = Effect.fn("RateSampleRepo.samples")(
        function* (pairs, moments) {
          const [first] = moments
          const last = moments.at(-1)
          if (first === undefined || last === undefined || pairs.length === 0) return pairs.map(() => [])
          // Constant bounds, so that the planner prunes the partitions of other months.
          const lower = RateIds.lowerBound(
            DateTime.subtractDuration(first, Duration.sum(MAX_AGE, MAX_ID_DISTANCE))
          )
          const upper = RateIds.lowerBound(DateTime.addDuration(last, MAX_ID_DISTANCE))
          const rows = yield* read(sql`
            SELECT (
              SELECT rate FROM exchange_rate
              WHERE source_currency = pair.source AND destination_currency = pair.destination AND NOT is_leg
                AND observed_at <= moment.at AND observed_at > moment.at - interval '7 days'
                AND id >= ${lower}::uuid AND id < ${upper}::uuid
                AND NOT EXISTS (SELECT FROM withdrawn_rate WHERE rate_id = id)
              ORDER BY observed_at DESC, recorded_at DESC, id DESC LIMIT 1
            ) AS rate
            FROM unnest(
              ${PgArray.ofTexts(pairs.map(({ from }) => from))}::text[],
              ${PgArray.ofTexts(pairs.map(({ to }) => to))}::text[]
            ) WITH ORDINALITY AS pair (source, destination, number),
            unnest(
              ${PgArray.ofTexts(moments.map((moment) => DateTime.formatIso(moment)))}::timestamptz[]
            ) WITH ORDINALITY AS moment (at, number)
            ORDER BY pair.number, moment.number`)
          const decoded = yield* Effect.orDie(decodeRows(rows))
          return pairs.map((_, index) =>
            decoded.slice(index * moments.length, (index + 1) * moments.length).map(({ rate }) => rate)
          )
        }
      )

      return RateSampleRepo.of({ samples })
    })
  )
}

const decodeRows = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ rate: Schema.NullOr(Decimal.PositiveDecimal) }))
)
