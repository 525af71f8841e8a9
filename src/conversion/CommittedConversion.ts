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
  ...(record.quote_id === null ? undefined : { quote_id: record.quote_id }),
  ...(record.reference === null ? undefined : { reference: record.reference }),
  converted_at: record.converted_at
})

/** Encoded once: the same text is stored under the idempotency key and sent to the caller. */
const jsonByConversion = new WeakMap<CommittedConversion, string>()

/** Encodes a conversion as JSON. A replayed conversion returns the stored text byte for byte. */
export const toJson = (conversion: CommittedConversion): string => {
  const cached = jsonByConversion.get(conversion)
  if (cached !== undefined) return cached
  const json = JSON.stringify(conversion)
  jsonByConversion.set(conversion, json)
  return json
}

const decodeJson = Schema.decodeSync(Schema.fromJsonString(ConversionMessage))

/** Decodes a conversion stored under an idempotency key. */
export const fromJson = (json: string): CommittedConversion => {
  const conversion = decodeJson(json)
  jsonByConversion.set(conversion, json)
  return conversion
}
