import { Option, Schema } from "effect"
import { AuditRecord } from "../domain/conversion/AuditRecord.ts"
import { encodeRecord } from "./AuditHash.ts"
import * as MerkleTree from "./MerkleTree.ts"
import { isSignedBy, type SignedTreeHead } from "./TreeHead.ts"

const MAX_TEXT_LENGTH = 400
const MAX_PROOF_LENGTH = 64

const Hash = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/))

/** Audit record of a receipt, which may come from an untrusted source: the length of its texts is limited. */
export const ReceiptRecord = AuditRecord.check(
  Schema.makeFilter((record) =>
    Object.values(record).every((value) => typeof value !== "string" || value.length <= MAX_TEXT_LENGTH)
  )
)

/** Signed head of the audit's Merkle tree, as JSON. */
export const ReceiptHead = Schema.Struct({
  tree_size: Schema.Int,
  root_hash: Hash,
  chain_hash: Hash,
  signed_at: Schema.String.check(Schema.isMaxLength(MAX_TEXT_LENGTH)),
  public_key: Hash,
  signature: Schema.String.check(Schema.isPattern(/^[0-9a-f]{128}$/))
}).annotate({ identifier: "AuditHead" })

/** Proof that a record is in the audit, verifiable without effex. */
export const Receipt = Schema.Struct({
  record: ReceiptRecord,
  /** Position of the record in the audit, from 1. */
  position: Schema.Int,
  /** Inclusion proof of RFC 6962 (2.1.1): hashes from the leaf to the root. */
  proof: Schema.Array(Hash).check(Schema.isMaxLength(MAX_PROOF_LENGTH)),
  head: ReceiptHead
}).annotate({ identifier: "Receipt" })
export type Receipt = typeof Receipt.Type

/** Encodes a signed head for JSON. */
export const toReceiptHead = (head: SignedTreeHead): typeof ReceiptHead.Type => ({
  tree_size: head.treeSize,
  root_hash: head.rootHash.toString("hex"),
  chain_hash: head.chainHash.toString("hex"),
  signed_at: head.signedAt,
  public_key: head.publicKey.toString("hex"),
  signature: head.signature.toString("hex")
})

const fromReceiptHead = (head: typeof ReceiptHead.Type): SignedTreeHead => ({
  treeSize: head.tree_size,
  rootHash: Buffer.from(head.root_hash, "hex"),
  chainHash: Buffer.from(head.chain_hash, "hex"),
  signedAt: head.signed_at,
  publicKey: Buffer.from(head.public_key, "hex"),
  signature: Buffer.from(head.signature, "hex")
})

/** Verifies a receipt with a public key. Returns why it is invalid, or none for a valid one. */
export const findFault = (
  { head, position, proof, record }: Receipt,
  publicKey: Uint8Array
): Option.Option<string> => {
  const signedHead = fromReceiptHead(head)
  if (!isSignedBy(signedHead, publicKey)) return Option.some("the head was not signed with this key")
  const leaf = MerkleTree.leafHash(encodeRecord(record))
  const hashes = proof.map((hash) => Buffer.from(hash, "hex"))
  const root = MerkleTree.rootFromProof(leaf, position - 1, head.tree_size, hashes)
  return root?.equals(signedHead.rootHash) === true
    ? Option.none()
    : Option.some("the record and its proof do not produce the signed root")
}
