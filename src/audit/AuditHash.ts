import { allFieldsInOrder, type AuditField } from "../domain/conversion/AuditRecord.ts"
import * as CanonicalEncoding from "./CanonicalEncoding.ts"

const VERSION = "effex-audit-v1"

/** Hashed fields. This order is permanent: changing it invalidates every existing audit chain and receipt. */
const HASH_ORDER = allFieldsInOrder([
  "audit_id",
  "from_currency",
  "to_currency",
  "input_amount",
  "output_amount",
  "mid_rate",
  "margin",
  "rate",
  "rate_id",
  "provider",
  "rate_fetched_at",
  "stale",
  "amount_type",
  "exact_output",
  "residual",
  "quote_id",
  "reference",
  "principal",
  "converted_at"
])

/** Returns the bytes of a record that are hashed. */
export const encodeRecord = (record: {
  readonly [Field in AuditField]: string | boolean | null
}): Buffer =>
  CanonicalEncoding.encode([
    VERSION,
    ...HASH_ORDER.map((field) => {
      const value = record[field]
      return value === null ? null : String(value)
    })
  ])

/** Previous hash of the first record. */
export const GENESIS = Buffer.alloc(32)

/** Returns the next hash of the chain: SHA-256(previous ‖ record). */
export const chain = (previous: Uint8Array, record: Uint8Array): Buffer =>
  CanonicalEncoding.sha256(previous, record)
