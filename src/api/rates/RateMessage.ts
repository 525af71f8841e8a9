import { Schema } from "effect"
import { AssetCode } from "../../domain/money/Asset.ts"
import { CurrencyCode } from "../../domain/money/Currency.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { RateId } from "../../domain/rates/Rate.ts"
import { Timestamp } from "../../domain/Timestamp.ts"

const rate = {
  from: AssetCode,
  to: AssetCode,
  rate: Decimal.PositiveDecimal,
  rateId: RateId,
  /** Provider name, such as `flutterwave`, or `sandbox` for generated rates. */
  provider: Schema.String,
  /** When the provider was queried. */
  fetchedAt: Timestamp,
  /** The provider's own time of the rate. Absent if the provider sends none. */
  quotedAt: Schema.optionalKey(Timestamp)
}
/** Names on the wire. */
export const names = { rateId: "rate_id", fetchedAt: "fetched_at", quotedAt: "quoted_at" } as const

/** Fields of {@link RateMessage}. */
export const latestRateFields = {
  ...rate,
  /** True if the rate was fetched or quoted longer ago than `STALE_AFTER` and could not be refreshed. */
  stale: Schema.Boolean
}

/** The latest rate of a pair: units of `to` per unit of `from`. */
export const RateMessage = Schema.Struct(latestRateFields)
  .pipe(Schema.encodeKeys(names))
  .annotate({ identifier: "Rate" })
export type RateMessage = typeof RateMessage.Type

/** The latest rate of a pair in a list. */
const ListedRate = Schema.Struct({
  ...latestRateFields,
  /** The poller refreshes the pair. Other pairs are fetched when they are asked for. Absent from older servers. */
  polled: Schema.optionalKey(Schema.Boolean)
})
  .pipe(Schema.encodeKeys(names))
  .annotate({ identifier: "ListedRate" })

/** The latest rates of one source currency, or of all if `base` is null. */
export const RateList = Schema.Struct({
  base: Schema.NullOr(AssetCode),
  rates: Schema.Array(ListedRate)
}).annotate({ identifier: "RateList" })

/** A stored, immutable rate with its full provenance. */
export const RateRecordMessage = Schema.Struct({
  ...rate,
  /** The rate is `destinationAmount / sourceAmount`. */
  sourceAmount: Decimal.PositiveDecimal,
  destinationAmount: Decimal.PositiveDecimal,
  /** The rate field of the provider's response, verbatim. Some providers quote the inverse. */
  providerRate: Schema.String,
  /** Ids of the rates that it was computed from. Empty if the provider quoted the pair directly. */
  derivedFrom: Schema.Array(RateId),
  /** When effex stored the rate. */
  recordedAt: Timestamp,
  /** The provider's complete response. */
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

/** A supported currency, and whether it is supported as source, as destination, or both. */
export const CurrencyMessage = Schema.Struct({
  code: CurrencyCode,
  name: Schema.String,
  /** Number of decimals of the smallest unit (ISO 4217). */
  minorUnit: Schema.Int,
  source: Schema.Boolean,
  destination: Schema.Boolean,
  /**
   * Currencies into which the rates of this one are polled. Rates into other currencies are fetched when they are asked
   * for. Absent from older servers.
   */
  polledDestinations: Schema.optionalKey(Schema.Array(CurrencyCode))
})
  .pipe(Schema.encodeKeys({ minorUnit: "minor_unit", polledDestinations: "polled_destinations" }))
  .annotate({ identifier: "Currency" })

export const CurrencyList = Schema.Struct({ currencies: Schema.Array(CurrencyMessage) }).annotate({
  identifier: "CurrencyList"
})
