import type { VerificationMessage } from "../api/conversion/ConversionMessage.ts"
import type { AuditId } from "../domain/conversion/AuditId.ts"

/** Result of recomputing the whole audit. */
export type Verification =
  | {
      readonly ok: true
      /** Number of verified records. */
      readonly records: number
      /** Number of records that were not sealed yet. */
      readonly unsealed: number
      /** Last hash of the chain. */
      readonly head: Buffer
      /** Public keys that signed the heads. */
      readonly publicKeys: ReadonlyArray<Buffer>
      /** Number of kept heads that were given, all of which are prefixes of the audit. */
      readonly keptHeads: number
    }
  | {
      readonly ok: false
      /** Number of verified records before the first fault. */
      readonly records: number
      /** Position of the fault, or the size of the head; undefined for a record that is not in the chain. */
      readonly position: number | undefined
      readonly auditId: AuditId | undefined
      readonly reason: string
    }

/** Encodes a verification for JSON. */
export const toMessage = (verification: Verification): typeof VerificationMessage.Type =>
  verification.ok
    ? {
        ok: true,
        records: verification.records,
        unsealed: verification.unsealed,
        head: verification.head.toString("hex"),
        public_keys: verification.publicKeys.map((key) => key.toString("hex")),
        ...(verification.keptHeads === 0 ? {} : { kept_heads: verification.keptHeads })
      }
    : {
        ok: false,
        records: verification.records,
        ...(verification.position === undefined ? {} : { position: verification.position }),
        ...(verification.auditId === undefined ? {} : { audit_id: verification.auditId }),
        reason: verification.reason
      }
