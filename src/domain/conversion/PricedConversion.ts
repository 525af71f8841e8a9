import { DateTime, Schema } from "effect"
import { memoize } from "../Memo.ts"
import * as Decimal from "../money/Decimal.ts"
import * as Money from "../money/Money.ts"
import type { RateId } from "../rates/Rate.ts"
import type { AmountType, ComputedConversion } from "./Conversion.ts"
import { TimestampText } from "../Timestamp.ts"

/** Numbers computed for a customer, with the rate that they are based on. */
export interface PricedConversion extends ComputedConversion {
  readonly amountType: AmountType
  readonly rateId: RateId
  readonly provider: string
  readonly rateFetchedAt: DateTime.Utc
  /** The rate was older than `STALE_AFTER`, and could not be refreshed. */
  readonly stale: boolean
  /** Chosen by the customer, at most 100 characters. */
  readonly reference: string | null
  /** The id of an API key, or `anonymous`. */
  readonly principal: string
}

/** Price of a conversion as text, as published with quotes, conversions and audit records. */
export const PriceText = Schema.Struct({
  from_currency: Schema.String,
  to_currency: Schema.String,
  /** Paid by the customer, with all decimals of its currency: `500.00`. */
  input_amount: Schema.String,
  /** Received by the customer, with all decimals of its currency. */
  output_amount: Schema.String,
  mid_rate: Schema.String,
  /** Fraction of the mid rate that is deducted: `0.005`. */
  margin: Schema.String,
  /** `mid_rate × (1 − margin)`. */
  rate: Schema.String,
  rate_id: Schema.String,
  provider: Schema.String,
  /** ISO 8601, UTC, with milliseconds. */
  rate_fetched_at: TimestampText,
  stale: Schema.Boolean
})
export interface PriceText extends Schema.Schema.Type<typeof PriceText> {}

// Conversions at the same rate share its terms and its time as objects, so their text is memoized.
const termText = memoize(Decimal.format)
const timeText = memoize<DateTime.Utc>(DateTime.formatIso)

/** Formats the price of a conversion. */
export const formatPrice = (priced: PricedConversion): PriceText => ({
  from_currency: priced.input.currency.code,
  to_currency: priced.output.currency.code,
  input_amount: Money.format(priced.input),
  output_amount: Money.format(priced.output),
  mid_rate: termText(priced.midRate),
  margin: termText(priced.margin),
  rate: termText(priced.rate),
  rate_id: priced.rateId,
  provider: priced.provider,
  rate_fetched_at: timeText(priced.rateFetchedAt),
  stale: priced.stale
})
