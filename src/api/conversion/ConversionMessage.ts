import { Schema } from "effect"
import { AuditId, QuoteId } from "../../domain/conversion/AuditRecord.ts"
import { AmountType, Reference } from "../../domain/conversion/Conversion.ts"
import * as PageMessage from "../PageMessage.ts"

const optional = Schema.optionalKey

/** A decimal as text, or as a JSON number of at most 15 significant digits. */
export const AmountInput = Schema.Union([Schema.String, Schema.Finite]).annotate({
  description: "A decimal string, or a JSON number of at most 15 significant digits"
})

const asked = {
  amount: AmountInput,
  from_currency: Schema.String,
  to_currency: Schema.String,
  amount_type: optional(AmountType),
  reference: optional(Reference)
}

/** What `POST /api/v1/convert` takes. */
export const ConvertBody = Schema.Struct({ ...asked, quote_id: optional(QuoteId) }).annotate({
  identifier: "ConvertRequest"
})

/** What `POST /api/v1/quotes` takes. */
export const QuoteBody = Schema.Struct({
  ...asked,
  ttl: optional(Schema.String.annotate({ description: "30 seconds without it, 1 hour at most" }))
}).annotate({ identifier: "QuoteRequest" })

const numbers = {
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
}

/** A conversion that is committed. `output_amount = input_amount × rate`, rounded down; `rate = mid_rate × (1 − margin)`. */
export const ConversionMessage = Schema.Struct({
  audit_id: AuditId,
  ...numbers,
  quote_id: optional(QuoteId),
  reference: optional(Schema.String),
  converted_at: Schema.String
}).annotate({ identifier: "Conversion" })

/** Numbers that are locked. */
export const QuoteMessage = Schema.Struct({
  quote_id: QuoteId,
  state: Schema.Literals(["open", "used", "expired"]),
  expires_at: Schema.String,
  ...numbers,
  amount_type: AmountType,
  reference: optional(Schema.String),
  created_at: Schema.String,
  audit_id: optional(AuditId)
}).annotate({ identifier: "Quote" })

/** A conversion as auditors read it: what was exact, and what rounding left over. */
export const AuditRecordMessage = Schema.Struct({
  audit_id: AuditId,
  ...numbers,
  amount_type: AmountType,
  exact_output: Schema.String,
  residual: Schema.String,
  quote_id: Schema.NullOr(QuoteId),
  reference: Schema.NullOr(Schema.String),
  principal: Schema.String,
  converted_at: Schema.String
}).annotate({ identifier: "AuditRecord" })

export const AuditPage = Schema.Struct(PageMessage.page(AuditRecordMessage)).annotate({
  identifier: "AuditPage"
})

const Hash = Schema.String.annotate({ description: "Bytes in hexadecimal" })

/** What was found when the whole audit was computed anew. */
export const VerificationMessage = Schema.Struct({
  ok: Schema.Boolean,
  records: Schema.Int,
  head: optional(Hash),
  unsealed: optional(Schema.Int),
  public_keys: optional(Schema.Array(Hash)),
  position: optional(Schema.Int),
  audit_id: optional(AuditId),
  reason: optional(Schema.String)
}).annotate({ identifier: "Verification" })

export const HeadMessage = Schema.Struct({
  tree_size: Schema.Int,
  root_hash: Hash,
  chain_hash: Hash,
  signed_at: Schema.String,
  public_key: Hash,
  signature: Hash
}).annotate({ identifier: "AuditHead" })

export const ReceiptMessage = Schema.Struct({
  record: AuditRecordMessage,
  position: Schema.Int,
  proof: Schema.Array(Hash),
  head: HeadMessage
}).annotate({ identifier: "Receipt" })
