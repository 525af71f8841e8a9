import { DateTime, Schema } from "effect"
import type { AmountType, Computed } from "./Conversion.ts"
import * as Decimal from "../money/Decimal.ts"
import * as Money from "../money/Money.ts"
import type { RateId } from "../rates/Rate.ts"
import { writtenOnce } from "../Memo.ts"

/** Identifies one conversion in the audit. A UUIDv7. */
export const AuditId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("AuditId"))
export type AuditId = typeof AuditId.Type

/** Identifies one quote. A UUIDv7. */
export const QuoteId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("QuoteId"))
export type QuoteId = typeof QuoteId.Type

/** Numbers that were computed for a customer, with the rate that they stand on. */
export interface PricedConversion extends Computed {
  readonly amountType: AmountType
  readonly rateId: RateId
  readonly provider: string
  readonly rateFetchedAt: DateTime.Utc
  /** The rate was older than `STALE_AFTER`, and could not be refreshed. */
  readonly stale: boolean
  /** The customer's own words, at most 100 characters. */
  readonly reference: string | null
  /** Who asked. */
  readonly principal: string
}

/** A conversion whose numbers are locked until it expires. */
export interface Quote {
  readonly id: QuoteId
  readonly priced: PricedConversion
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
  /** The conversion that used it. */
  readonly usedBy: AuditId | null
}

/** Of a rate, these are told with every conversion for as long as it is in force. */
const termText = writtenOnce(Decimal.format)
const timeText = writtenOnce<DateTime.Utc>(DateTime.formatIso)

/** The numbers as text, under the names that they bear on the wire. */
export const numberFields = (priced: PricedConversion) => ({
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

/**
 * A conversion that was answered, as it is told, hashed and stored: its numbers are text, in the order in which they are
 * hashed. It is never changed.
 */
export interface AuditRecord extends Readonly<ReturnType<typeof numberFields>> {
  readonly audit_id: AuditId
  readonly amount_type: AmountType
  readonly exact_output: string
  readonly residual: string
  readonly quote_id: QuoteId | null
  readonly reference: string | null
  readonly principal: string
  readonly converted_at: string
}

/** The record of a conversion, which may use a quote, at a moment. */
export const recordOf = (
  id: AuditId,
  priced: PricedConversion,
  quoteId: QuoteId | null,
  convertedAt: DateTime.Utc
): AuditRecord => ({
  audit_id: id,
  ...numberFields(priced),
  amount_type: priced.amountType,
  exact_output: Decimal.format(priced.exactOutput),
  residual: Decimal.format(priced.residual),
  quote_id: quoteId,
  reference: priced.reference,
  principal: priced.principal,
  converted_at: DateTime.formatIso(convertedAt)
})
