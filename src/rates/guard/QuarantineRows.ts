import { Effect, Schema } from "effect"
import { AssetCode } from "../../domain/money/Asset.ts"
import { AssetPair } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import {
  DecidedBy,
  type QuarantinedRate,
  QuarantineId,
  QuarantineStatus
} from "../../domain/rates/QuarantinedRate.ts"
import { RateId, type RateLeg, type RateTick } from "../../domain/rates/Rate.ts"
import { RateAnomaly } from "../../domain/rates/RateAnomaly.ts"

export const COLUMNS =
  "id, source_currency, destination_currency, rate, source_amount, destination_amount, provider, provider_rate, raw #>> '{}' AS raw, observed_at, quoted_at, recorded_at, reasons, last_good_id, agreeing, status, decided_at, decided_by, principal, decision_reason, rate_id"

const Row = Schema.Struct({
  id: QuarantineId,
  sourceCurrency: AssetCode,
  destinationCurrency: AssetCode,
  rate: Decimal.PositiveDecimal,
  sourceAmount: Decimal.PositiveDecimal,
  destinationAmount: Decimal.PositiveDecimal,
  provider: Schema.String,
  providerRate: Schema.String,
  raw: Schema.String,
  observedAt: Schema.DateTimeUtcFromDate,
  quotedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  recordedAt: Schema.DateTimeUtcFromDate,
  reasons: Schema.Array(RateAnomaly),
  lastGoodId: Schema.NullOr(RateId),
  agreeing: Schema.Int,
  status: QuarantineStatus,
  decidedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
  decidedBy: Schema.NullOr(DecidedBy),
  principal: Schema.NullOr(Schema.String),
  decisionReason: Schema.NullOr(Schema.String),
  rateId: Schema.NullOr(RateId)
})
const decode = Schema.decodeUnknownEffect(Row)

/** Decodes a row of `quarantined_rate`, selected by {@link COLUMNS}. */
export const toQuarantined = (row: unknown): Effect.Effect<QuarantinedRate> =>
  decode(row).pipe(
    Effect.orDie,
    Effect.map(
      ({
        decidedAt,
        decidedBy,
        decisionReason,
        destinationCurrency,
        principal,
        rateId,
        reasons,
        sourceCurrency,
        ...fields
      }) => ({
        ...fields,
        pair: new AssetPair({ from: sourceCurrency, to: destinationCurrency }),
        anomalies: reasons,
        decision:
          decidedAt === null || decidedBy === null
            ? null
            : { at: decidedAt, by: decidedBy, principal, reason: decisionReason, rateId }
      })
    )
  )

const Leg = Schema.Struct({
  id: RateId,
  pair: AssetPair,
  rate: Decimal.PositiveDecimal,
  providerRate: Schema.String
})
const Legs = Schema.fromJsonString(Schema.toCodecJson(Schema.Array(Leg)))
const Anomalies = Schema.fromJsonString(Schema.Array(RateAnomaly))

/** Encodes the legs of a tick as a JSON array. */
export const encodeLegs = (legs: ReadonlyArray<RateLeg>) => Schema.encodeSync(Legs)(legs)
/** Encodes anomalies as a JSON array. */
export const encodeAnomalies = Schema.encodeSync(Anomalies)

const decodeLegs = Schema.decodeUnknownEffect(Legs)

/** Restores the original tick, with its stored legs. */
export const toTick = (quarantined: QuarantinedRate, legs: string): Effect.Effect<RateTick> =>
  Effect.map(Effect.orDie(decodeLegs(legs)), (decoded) => ({
    pair: quarantined.pair,
    rate: quarantined.rate,
    sourceAmount: quarantined.sourceAmount,
    destinationAmount: quarantined.destinationAmount,
    provider: quarantined.provider,
    providerRate: quarantined.providerRate,
    raw: quarantined.raw,
    observedAt: quarantined.observedAt,
    quotedAt: quarantined.quotedAt ?? undefined,
    legs: decoded
  }))
