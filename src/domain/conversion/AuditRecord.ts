import { DateTime, Schema, Struct } from "effect"
import { AmountType, type ComputedConversion } from "./Conversion.ts"
import * as Decimal from "../money/Decimal.ts"
import * as Money from "../money/Money.ts"
import type { RateId } from "../rates/Rate.ts"
import { memoize } from "../Memo.ts"

/** Identifies one conversion in the audit. A UUIDv7. */
export const AuditId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("AuditId"))
export type AuditId = typeof AuditId.Type

/** Identifies one quote. A UUIDv7. */
export const QuoteId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("QuoteId"))
export type QuoteId = typeof QuoteId.Type

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
  /** Identity of the caller, such as the name of its API key. */
  readonly principal: string
}

/** A priced conversion that can be used once, until it expires. */
export interface Quote {
  readonly id: QuoteId
  readonly priced: PricedConversion
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
  /** The conversion that used it. */
  readonly usedBy: AuditId | null
}

/** Price of a conversion as text, as published with quotes, conversions and audit records. */
export const PriceText = Schema.Struct({
  from_currency: Schema.String,
  to_currency: Schema.String,
  input_amount: Schema.String,
  output_amount: Schema.String,
  mid_rate: Schema.String,
  margin: Schema.String,
  rate: Schema.String,
  rate_id: Schema.String,
  provider: Schema.String,
  rate_fetched_at: Schema.String,
  stale: Schema.Boolean
})
export interface PriceText extends Schema.Schema.Type<typeof PriceText> {}

/**
 * Immutable record of a committed conversion, as it is published, hashed and stored. Its numbers and times are text, so
 * that every reader hashes the same bytes. Messages, SQL columns and exports derive their fields from this schema.
 */
export const AuditRecord = Schema.Struct({
  audit_id: AuditId,
  ...PriceText.fields,
  amount_type: AmountType,
  /** Output before rounding. */
  exact_output: Schema.String,
  /** `exact_output - output_amount`. */
  residual: Schema.String,
  quote_id: Schema.NullOr(QuoteId),
  reference: Schema.NullOr(Schema.String),
  principal: Schema.String,
  converted_at: Schema.String
})
export interface AuditRecord extends Schema.Schema.Type<typeof AuditRecord> {}

export type AuditField = keyof AuditRecord

/** Fields of an audit record, in the order of the schema. */
export const AUDIT_FIELDS: ReadonlyArray<AuditField> = Struct.keys(AuditRecord.fields)

/** Lists all fields of an audit record in an explicit order. A missing field is a compile-time error. */
export const allFieldsInOrder = <const Order extends ReadonlyArray<AuditField>>(
  order: Order &
    ([AuditField] extends [Order[number]] ? unknown : MissingField<Exclude<AuditField, Order[number]>>)
): ReadonlyArray<AuditField> => order

interface MissingField<Field> {
  readonly missing: Field
}

// One rate prices many conversions: its terms and its time are the same objects in each of them.
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

/** Creates the audit record of a conversion. `quoteId` is null without a quote. */
export const makeAuditRecord = (
  id: AuditId,
  priced: PricedConversion,
  quoteId: QuoteId | null,
  convertedAt: DateTime.Utc
): AuditRecord => ({
  audit_id: id,
  ...formatPrice(priced),
  amount_type: priced.amountType,
  exact_output: Decimal.format(priced.exactOutput),
  residual: Decimal.format(priced.residual),
  quote_id: quoteId,
  reference: priced.reference,
  principal: priced.principal,
  converted_at: DateTime.formatIso(convertedAt)
})
