import { DateTime, Schema, Struct } from "effect"
import * as Decimal from "../money/Decimal.ts"
import { AuditId } from "./AuditId.ts"
import { AmountType } from "./Conversion.ts"
import { formatPrice, type PricedConversion, PriceText } from "./PricedConversion.ts"
import { QuoteId } from "./Quote.ts"
import { TimestampText } from "../Timestamp.ts"

/**
 * Immutable record of a committed conversion, as it is published, hashed and stored. Its numbers and times are text, so
 * that every reader hashes the same bytes. Messages, SQL columns and exports derive their fields from this schema.
 */
export const AuditRecord = Schema.Struct({
  audit_id: AuditId,
  ...PriceText.fields,
  amount_type: AmountType,
  /** `input_amount × rate`, before rounding. */
  exact_output: Schema.String,
  /** `exact_output − output_amount`. */
  residual: Schema.String,
  quote_id: Schema.NullOr(QuoteId),
  reference: Schema.NullOr(Schema.String),
  principal: Schema.String,
  /** ISO 8601, UTC, with milliseconds. */
  converted_at: TimestampText
})
export interface AuditRecord extends Schema.Schema.Type<typeof AuditRecord> {}

/** A record with its position in the sealed order of the audit, from 1. Null while it is not sealed. */
export const AuditEntry = Schema.Struct({ ...AuditRecord.fields, position: Schema.NullOr(Schema.Int) })
export interface AuditEntry extends Schema.Schema.Type<typeof AuditEntry> {}

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
