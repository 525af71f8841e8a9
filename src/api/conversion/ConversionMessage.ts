import { Schema, Struct } from "effect"
import { AuditEntry, AuditRecord } from "../../domain/conversion/AuditRecord.ts"
import { AuditId } from "../../domain/conversion/AuditId.ts"
import { PriceText } from "../../domain/conversion/PricedConversion.ts"
import { QuoteId } from "../../domain/conversion/Quote.ts"
import { AmountType, Reference } from "../../domain/conversion/Conversion.ts"
import * as PageMessage from "../PageMessage.ts"
import { TimestampText } from "../../domain/Timestamp.ts"

const optional = Schema.optionalKey

/** A decimal as text, or as a JSON number of at most 15 significant digits. */
export const AmountInput = Schema.Union([Schema.String, Schema.Finite]).annotate({
  description: "A decimal string, or a JSON number of at most 15 significant digits"
})

const requestFields = {
  amount: AmountInput,
  from_currency: Schema.String,
  to_currency: Schema.String,
  amount_type: optional(AmountType),
  reference: optional(Reference)
}

/** Body of `POST /api/v1/convert`. */
export const ConvertBody = Schema.Struct({ ...requestFields, quote_id: optional(QuoteId) }).annotate({
  identifier: "ConvertRequest"
})

/** Body of `POST /api/v1/quotes`. */
export const QuoteBody = Schema.Struct({
  ...requestFields,
  ttl: optional(Schema.String.annotate({ description: "Default: 30 seconds. Maximum: 1 hour" }))
}).annotate({ identifier: "QuoteRequest" })

/**
 * A committed conversion: the public fields of its audit record, without those that are null. `amount_type` is absent
 * only where an idempotency key returns a response of version 0.1.0.
 */
export const ConversionMessage = Schema.Struct({
  ...Struct.omit(AuditRecord.fields, ["exact_output", "residual", "principal"]),
  amount_type: optional(AmountType),
  quote_id: optional(QuoteId),
  reference: optional(Schema.String)
}).annotate({ identifier: "Conversion" })

/** A locked price. */
export const QuoteMessage = Schema.Struct({
  quote_id: QuoteId,
  state: Schema.Literals(["open", "used", "expired"]),
  expires_at: TimestampText,
  ...PriceText.fields,
  amount_type: AmountType,
  reference: optional(Schema.String),
  created_at: TimestampText,
  audit_id: optional(AuditId)
}).annotate({ identifier: "Quote" })

/** The complete record of a conversion with its sealed position, for auditors. */
export const AuditRecordMessage = AuditEntry.annotate({ identifier: "AuditRecord" })

export const AuditPage = Schema.Struct({
  ...PageMessage.page(AuditRecordMessage),
  position: optional(
    Schema.Int.annotate({
      description: "Only with `after`: the sealed position up to which the page covers the audit"
    })
  )
}).annotate({ identifier: "AuditPage" })

const Hash = Schema.String.annotate({ description: "Bytes in hexadecimal" })

/** Result of recomputing the whole audit. */
export const VerificationMessage = Schema.Struct({
  ok: Schema.Boolean,
  records: Schema.Int,
  head: optional(Hash),
  unsealed: optional(Schema.Int),
  public_keys: optional(Schema.Array(Hash)),
  /** Number of kept heads that the request had, all of which are prefixes of the audit. */
  kept_heads: optional(Schema.Int),
  position: optional(Schema.Int),
  audit_id: optional(AuditId),
  reason: optional(Schema.String)
}).annotate({ identifier: "Verification" })

/** Signed head of the audit's Merkle tree. */
export const HeadMessage = Schema.Struct({
  tree_size: Schema.Int,
  root_hash: Hash,
  chain_hash: Hash,
  signed_at: TimestampText,
  public_key: Hash,
  signature: Hash
}).annotate({ identifier: "AuditHead" })

/** Proof that a conversion is in the audit. */
export const ReceiptMessage = Schema.Struct({
  record: AuditRecord.annotate({ identifier: "ReceiptRecord" }),
  position: Schema.Int,
  proof: Schema.Array(Hash),
  chain: optional(Schema.Struct({ previous_hash: Hash, hash: Hash })),
  head: HeadMessage
}).annotate({ identifier: "Receipt" })
