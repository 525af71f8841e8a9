import { Schema } from "effect"
import { CurrencyCode } from "../../domain/money/Currency.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { RateId } from "../../domain/rates/Rate.ts"

const rate = {
  from: CurrencyCode,
  to: CurrencyCode,
  rate: Decimal.PositiveDecimal,
  rateId: RateId,
  /** `flutterwave`, or `sandbox` for made-up rates. */
  provider: Schema.String,
  /** When it was observed at the provider. */
  fetchedAt: Schema.DateTimeUtcFromString
}
const names = { rateId: "rate_id", fetchedAt: "fetched_at" } as const

/** A rate as it is told to others: units of `to` for one unit of `from`. */
export const RateMessage = Schema.Struct({
  ...rate,
  /** Older than `STALE_AFTER`, and could not be refreshed. */
  stale: Schema.Boolean
})
  .pipe(Schema.encodeKeys(names))
  .annotate({ identifier: "Rate" })
export type RateMessage = typeof RateMessage.Type

/** Rates of one source currency, or of all where `base` is null. */
export const RateList = Schema.Struct({
  base: Schema.NullOr(CurrencyCode),
  rates: Schema.Array(RateMessage)
}).annotate({ identifier: "RateList" })

/** One immutable rate, with all that is kept of it. */
export const RateRecordMessage = Schema.Struct({
  ...rate,
  /** What the rate was computed from: `destinationAmount / sourceAmount`. */
  sourceAmount: Decimal.PositiveDecimal,
  destinationAmount: Decimal.PositiveDecimal,
  /** The provider's own rate field, as it was written, whichever way round. */
  providerRate: Schema.String,
  /** The ids of the rates that it was computed from, where the provider does not quote the pair itself. */
  derivedFrom: Schema.Array(RateId),
  /** When it became known here. */
  recordedAt: Schema.DateTimeUtcFromString,
  /** The provider's whole answer. */
  raw: Schema.Json
})
  .pipe(
    Schema.encodeKeys({
      ...names,
      sourceAmount: "source_amount",
      destinationAmount: "destination_amount",
      providerRate: "provider_rate",
      derivedFrom: "derived_from",
      recordedAt: "recorded_at"
    })
  )
  .annotate({ identifier: "RateRecord" })

/** A currency, and in which places of a pair it may stand. */
export const CurrencyMessage = Schema.Struct({
  code: CurrencyCode,
  name: Schema.String,
  /** Digits after the decimal point of the smallest unit, by ISO 4217. */
  minorUnit: Schema.Int,
  source: Schema.Boolean,
  destination: Schema.Boolean
})
  .pipe(Schema.encodeKeys({ minorUnit: "minor_unit" }))
  .annotate({ identifier: "Currency" })

export const CurrencyList = Schema.Struct({ currencies: Schema.Array(CurrencyMessage) }).annotate({
  identifier: "CurrencyList"
})
