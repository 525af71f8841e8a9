import type { AuditRecord } from "../domain/conversion/AuditRecord.ts"
import * as CanonicalEncoding from "./CanonicalEncoding.ts"

const VERSION = "effex-audit-v1"

/** The fields of a record that are hashed, in this order for ever. */
const ORDER = [
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
] as const satisfies ReadonlyArray<keyof AuditRecord>

/** A record as the bytes that are hashed. */
export const encodeRecord = (record: {
  readonly [K in keyof AuditRecord]: string | boolean | null
}): Buffer =>
  CanonicalEncoding.encode([
    VERSION,
    ...ORDER.map((name) => {
      const value = record[name]
      return value === null ? null : String(value)
    })
  ])

/** The hash before the first. */
export const GENESIS = Buffer.alloc(32)

/** The next link of the chain: SHA-256(prev_hash ‖ record). */
export const chain = (previous: Uint8Array, record: Uint8Array): Buffer =>
  CanonicalEncoding.sha256(previous, record)
