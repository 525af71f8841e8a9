import type { AuditId } from "../domain/conversion/AuditId.ts"
import type { Seal } from "./Seal.ts"
import type { SignedTreeHead } from "./TreeHead.ts"

/** Row of `audit_seal`. */
export interface SealRow {
  readonly position: bigint
  readonly auditId: AuditId
  readonly prevHash: Uint8Array
  readonly hash: Uint8Array
}

/** Row of `audit_head`. */
export interface HeadRow {
  readonly treeSize: bigint
  readonly rootHash: Uint8Array
  readonly chainHash: Uint8Array
  readonly signedAt: Date
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
}

export const toSeal = (row: SealRow): Seal => ({
  position: Number(row.position),
  auditId: row.auditId,
  prevHash: Buffer.from(row.prevHash),
  hash: Buffer.from(row.hash)
})

export const toHead = (row: HeadRow): SignedTreeHead => ({
  treeSize: Number(row.treeSize),
  rootHash: Buffer.from(row.rootHash),
  chainHash: Buffer.from(row.chainHash),
  signedAt: row.signedAt.toISOString(),
  publicKey: Buffer.from(row.publicKey),
  signature: Buffer.from(row.signature)
})
