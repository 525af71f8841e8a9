import { Effect, Schema } from "effect"
import { AssetCode } from "../domain/money/Asset.ts"
import { AssetPair } from "../domain/money/AssetPair.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import { type Rate, RateId, type RateRecord } from "../domain/rates/Rate.ts"

/** Columns that every rate query selects. */
export const rateFields = {
  id: RateId,
  sourceCurrency: AssetCode,
  destinationCurrency: AssetCode,
  rate: Decimal.PositiveDecimal,
  provider: Schema.String,
  observedAt: Schema.DateTimeUtcFromDate
}

/** The provider's own time of a rate. */
const quotedAt = Schema.NullOr(Schema.DateTimeUtcFromDate)

const RateRow = Schema.Struct({ ...rateFields, quotedAt })

const RecordRow = Schema.Struct({
  ...rateFields,
  quotedAt,
  sourceAmount: Decimal.PositiveDecimal,
  destinationAmount: Decimal.PositiveDecimal,
  providerRate: Schema.String,
  raw: Schema.String,
  derivedFrom: Schema.Array(RateId),
  recordedAt: Schema.DateTimeUtcFromDate
})

export const toRate = ({
  quotedAt = null,
  ...row
}: Omit<typeof RateRow.Type, "quotedAt"> & Partial<Pick<typeof RateRow.Type, "quotedAt">>): Rate => ({
  id: row.id,
  pair: new AssetPair({ from: row.sourceCurrency, to: row.destinationCurrency }),
  rate: row.rate,
  provider: row.provider,
  observedAt: row.observedAt,
  ...(quotedAt === null ? {} : { quotedAt })
})

export const decodeRates = (rows: unknown) =>
  Schema.decodeUnknownEffect(Schema.Array(RateRow))(rows).pipe(
    Effect.orDie,
    Effect.map((decoded) => decoded.map(toRate))
  )

export const decodeRecords = (rows: unknown) =>
  Schema.decodeUnknownEffect(Schema.Array(RecordRow))(rows).pipe(
    Effect.orDie,
    Effect.map((decoded) =>
      decoded.map((row): RateRecord => ({
        rate: toRate(row),
        sourceAmount: row.sourceAmount,
        destinationAmount: row.destinationAmount,
        providerRate: row.providerRate,
        raw: row.raw,
        derivedFrom: row.derivedFrom,
        recordedAt: row.recordedAt
      }))
    )
  )
