import { Schema } from "effect"
import { AuditId, QuoteId } from "../../domain/conversion/AuditRecord.ts"
import { AmountType } from "../../domain/conversion/Conversion.ts"
import { RateId } from "../../domain/rates/Rate.ts"

const numbers = {
  fromCurrency: Schema.String,
  toCurrency: Schema.String,
  inputAmount: Schema.String,
  outputAmount: Schema.String,
  midRate: Schema.String,
  margin: Schema.String,
  rate: Schema.String,
  rateId: RateId,
  provider: Schema.String,
  rateFetchedAt: Schema.DateTimeUtcFromString,
  stale: Schema.Boolean
}

const numberKeys = {
  fromCurrency: "from_currency",
  toCurrency: "to_currency",
  inputAmount: "input_amount",
  outputAmount: "output_amount",
  midRate: "mid_rate",
  rateId: "rate_id",
  rateFetchedAt: "rate_fetched_at"
} as const

/** A conversion that is committed, for typed programs. Amounts and rates are decimal text. */
export const ConversionResult = Schema.Struct({
  auditId: AuditId,
  ...numbers,
  quoteId: Schema.optionalKey(QuoteId),
  reference: Schema.optionalKey(Schema.String),
  convertedAt: Schema.DateTimeUtcFromString
}).pipe(
  Schema.encodeKeys({
    ...numberKeys,
    auditId: "audit_id",
    quoteId: "quote_id",
    convertedAt: "converted_at"
  })
)
export type ConversionResult = typeof ConversionResult.Type

/** Numbers that are locked, for typed programs. Amounts and rates are decimal text. */
export const QuoteResult = Schema.Struct({
  quoteId: QuoteId,
  state: Schema.Literals(["open", "used", "expired"]),
  expiresAt: Schema.DateTimeUtcFromString,
  ...numbers,
  amountType: AmountType,
  reference: Schema.optionalKey(Schema.String),
  createdAt: Schema.DateTimeUtcFromString,
  auditId: Schema.optionalKey(AuditId)
}).pipe(
  Schema.encodeKeys({
    ...numberKeys,
    quoteId: "quote_id",
    expiresAt: "expires_at",
    amountType: "amount_type",
    createdAt: "created_at",
    auditId: "audit_id"
  })
)
export type QuoteResult = typeof QuoteResult.Type
