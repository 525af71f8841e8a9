import { Schema } from "effect"
import { ConversionMessage } from "../api/conversion/ConversionMessage.ts"
import type { AuditRecord } from "../domain/conversion/AuditRecord.ts"

/** A committed conversion as its caller receives it: the audit record without internal fields. */
export type CommittedConversion = typeof ConversionMessage.Type

export const fromRecord = (record: AuditRecord): CommittedConversion => ({
  audit_id: record.audit_id,
  from_currency: record.from_currency,
  to_currency: record.to_currency,
  input_amount: record.input_amount,
  output_amount: record.output_amount,
  mid_rate: record.mid_rate,
  margin: record.margin,
  rate: record.rate,
  rate_id: record.rate_id,
  provider: record.provider,
  rate_fetched_at: record.rate_fetched_at,
  stale: record.stale,
  amount_type: record.amount_type,
  ...(record.quote_id === null ? undefined : { quote_id: record.quote_id }),
  ...(record.reference === null ? undefined : { reference: record.reference }),
  converted_at: record.converted_at
})

export interface ConversionOutcome {
  readonly conversion: CommittedConversion
  /** True when the conversion was committed by an earlier request with the same idempotency key. */
  readonly replayed: boolean
  /** JSON of the conversion as stored under its idempotency key. Undefined without a key. */
  readonly storedJson: string | undefined
}

/** Encodes a conversion as JSON. With an idempotency key, every response has the stored text, byte for byte. */
export const toJson = ({
  conversion,
  storedJson
}: Pick<ConversionOutcome, "conversion" | "storedJson">): string => storedJson ?? JSON.stringify(conversion)

const decodeJson = Schema.decodeSync(Schema.fromJsonString(ConversionMessage))

/** Restores the outcome of a conversion from the JSON stored under its idempotency key. */
export const fromStoredJson = (storedJson: string): ConversionOutcome => ({
  conversion: decodeJson(storedJson),
  replayed: true,
  storedJson
})
