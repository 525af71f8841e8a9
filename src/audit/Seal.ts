import type { Array, Option } from "effect"
import type { AuditRecord } from "../domain/conversion/AuditRecord.ts"
import type { AuditId } from "../domain/conversion/AuditId.ts"
import type { SignedTreeHead } from "./TreeHead.ts"
import type { TreeNode } from "./tree/MerkleTree.ts"

/** Link of the hash chain for one record. */
export interface Seal {
  /** Position of the record in the chain, from 1. */
  readonly position: number
  readonly auditId: AuditId
  readonly prevHash: Buffer
  readonly hash: Buffer
}

/** A seal with its record; none where the record was deleted. */
export interface SealedRecord extends Seal {
  readonly record: Option.Option<AuditRecord>
}

/** A record as the bytes that are hashed. */
export interface EncodedRecord {
  readonly id: AuditId
  readonly bytes: Buffer
}

/** Rows that are written when records are sealed. */
export interface SealedBatch {
  readonly seals: Array.NonEmptyReadonlyArray<Seal>
  readonly nodes: ReadonlyArray<TreeNode>
  readonly head: SignedTreeHead
}

/** End of the audit, to which new records are appended. */
export interface SealedEnd {
  readonly size: number
  /** Last hash of the chain. */
  readonly chainHash: Buffer
  /** Newest signed head. It covers all sealed records, unless one of them was deleted or inserted. */
  readonly head: Option.Option<SignedTreeHead>
}
