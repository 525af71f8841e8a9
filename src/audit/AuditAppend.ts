import type { Owner } from "../domain/access/Principal.ts"
import type { AuditRecord } from "../domain/conversion/AuditRecord.ts"

/** Identifies a stored response: keys of different owners and routes are independent. */
export interface IdempotencyKey {
  readonly owner: Owner
  readonly route: string
  readonly key: string
}

/** Response stored under an idempotency key. */
export interface StoredResponse {
  /** Hash of the request that the response belongs to. */
  readonly requestHash: string
  /** JSON, byte for byte as it was first sent. */
  readonly response: string
}

/** A conversion to commit to the audit. */
export interface AuditAppend {
  readonly record: AuditRecord
  /** Key of the request, with the response to store under it. */
  readonly idempotency: (IdempotencyKey & StoredResponse) | undefined
}

export type AppendOutcome =
  | { readonly _tag: "Committed" }
  /** The key already has a response; nothing was appended. */
  | ({ readonly _tag: "DuplicateKey" } & StoredResponse)
  /** The quote was used or has expired; nothing was appended. */
  | { readonly _tag: "QuoteUnavailable" }
  /** The database does not contain the rate; nothing was appended. */
  | { readonly _tag: "UnknownRate" }
