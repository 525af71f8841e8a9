import { Schema } from "effect"
import { AssetCode } from "../../domain/money/Asset.ts"
import { Timestamp } from "../../domain/Timestamp.ts"

/** A number in plain decimal digits, not negative. */
export const DecimalText = Schema.String.check(Schema.isPattern(/^\d+(\.\d+)?$/))

/** A change of a rate, as a fraction: "-0.0123" is a fall by 1.23 %. */
export const Change = Schema.String.check(Schema.isPattern(/^-?\d+(\.\d+)?$/))

/** The price of an asset. */
export const ExchangePrice = Schema.Struct({
  /** Code of the asset. */
  name: AssetCode,
  /** With two decimals at least. */
  price: DecimalText,
  currency: AssetCode,
  as_of: Timestamp,
  stale: Schema.Boolean,
  change_24h: Schema.NullOr(Change),
  full_name: Schema.String,
  tradable: Schema.Boolean
}).annotate({ identifier: "ExchangePrice" })

export const ExchangePrices = Schema.Array(ExchangePrice).annotate({ identifier: "ExchangePrices" })
