import type { AmountType, Price } from "./ConversionValues.ts"

/** The complete audit record of a conversion. */
export interface AuditRecord extends Price {
  readonly auditId: string
  readonly amountType: AmountType
  /** The output before rounding. */
  readonly exactOutput: string
  /** `exactOutput − outputAmount`. */
  readonly residual: string
  readonly quoteId: string | null
  readonly reference: string | null
  /** Id of the API key that converted, or `anonymous`. */
  readonly principal: string
  readonly convertedAt: Date
  /** Position in the sealed order of the audit, from 1. Null until the record is sealed, which takes about a second. */
  readonly position: number | null
}

/** Result of recomputing the whole audit. */
export interface Verification {
  readonly ok: boolean
  readonly records: number
  readonly head?: string
  /** Records that are not sealed yet. */
  readonly unsealed?: number
  readonly publicKeys?: ReadonlyArray<string>
  /** First record that is wrong. */
  readonly position?: number
  readonly auditId?: string
  readonly reason?: string
}

/** Signed head of the audit, verbatim: its fields are what is signed. */
export interface AuditHead {
  readonly tree_size: number
  readonly root_hash: string
  readonly chain_hash: string
  readonly signed_at: string
  readonly public_key: string
  readonly signature: string
}

/** Consistency proof between two sizes of the audit, verbatim. */
export interface Consistency {
  readonly from: number
  readonly to: number
  /** Hashes in hexadecimal. */
  readonly proof: ReadonlyArray<string>
}

/** The key that signs the audit, and the rotations that connect it to earlier keys, verbatim: their fields are signed. */
export interface AuditKeys {
  readonly public_key: string
  readonly rotations: ReadonlyArray<{
    readonly previous_key: string
    readonly public_key: string
    readonly tree_size: number
    readonly root_hash: string
    readonly chain_hash: string
    readonly signed_at: string
    /** Null if the previous key was lost. */
    readonly previous_signature: string | null
    readonly signature: string
  }>
}

/** Proof that a conversion is in the audit, verbatim: its fields are what is hashed. Keep it as JSON. */
export interface Receipt {
  readonly record: Readonly<Record<string, string | number | boolean | null>>
  /** Position of the record in the audit, from 1. */
  readonly position: number
  readonly proof: ReadonlyArray<string>
  /** Link of the hash chain. Receipts of version 0.1.0 have none. */
  readonly chain?: { readonly previous_hash: string; readonly hash: string } | undefined
  readonly head: AuditHead
}
