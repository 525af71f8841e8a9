import { Option, Schema } from "effect"
import { AuditId, QuoteId } from "../domain/conversion/AuditRecord.ts"
import { AmountType } from "../domain/conversion/Conversion.ts"
import { encodeRecord } from "./AuditHash.ts"
import * as MerkleTree from "./MerkleTree.ts"
import { isSignedBy, type SignedTreeHead } from "./TreeHead.ts"

const Hash = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/))
const Text = Schema.String.check(Schema.isMaxLength(400))

/** A record as it is told to auditors, field by field as it is hashed. */
export const ReceiptRecord = Schema.Struct({
  audit_id: AuditId,
  from_currency: Text,
  to_currency: Text,
  input_amount: Text,
  output_amount: Text,
  mid_rate: Text,
  margin: Text,
  rate: Text,
  rate_id: Text,
  provider: Text,
  rate_fetched_at: Text,
  stale: Schema.Boolean,
  amount_type: AmountType,
  exact_output: Text,
  residual: Text,
  quote_id: Schema.NullOr(QuoteId),
  reference: Schema.NullOr(Text),
  principal: Text,
  converted_at: Text
})

/** A signed head of the audit's Merkle tree, as JSON. */
export const ReceiptHead = Schema.Struct({
  tree_size: Schema.Int,
  root_hash: Hash,
  chain_hash: Hash,
  signed_at: Text,
  public_key: Hash,
  signature: Schema.String.check(Schema.isPattern(/^[0-9a-f]{128}$/))
}).annotate({ identifier: "AuditHead" })

/** All that is needed to prove, without effex, that a record is in the audit. */
export const Receipt = Schema.Struct({
  record: ReceiptRecord,
  /** The place of the record, from 1. */
  position: Schema.Int,
  /** The inclusion proof of RFC 6962, 2.1.1: hashes from the leaf to the root. */
  proof: Schema.Array(Hash).check(Schema.isMaxLength(64)),
  head: ReceiptHead
}).annotate({ identifier: "Receipt" })
export type Receipt = typeof Receipt.Type

export const toReceiptHead = (head: SignedTreeHead): typeof ReceiptHead.Type => ({
  tree_size: head.treeSize,
  root_hash: head.rootHash.toString("hex"),
  chain_hash: head.chainHash.toString("hex"),
  signed_at: head.signedAt,
  public_key: head.publicKey.toString("hex"),
  signature: head.signature.toString("hex")
})

/** Why a receipt proves nothing under a public key; none where it proves that the record is in the audit. */
export const faultOf = (
  { head, position, proof, record }: Receipt,
  publicKey: Uint8Array
): Option.Option<string> => {
  const signed: SignedTreeHead = {
    treeSize: head.tree_size,
    rootHash: Buffer.from(head.root_hash, "hex"),
    chainHash: Buffer.from(head.chain_hash, "hex"),
    signedAt: head.signed_at,
    publicKey: Buffer.from(head.public_key, "hex"),
    signature: Buffer.from(head.signature, "hex")
  }
  if (!isSignedBy(signed, publicKey)) return Option.some("the head was not signed with that key")
  const leaf = MerkleTree.leafHash(encodeRecord(record))
  const hashes = proof.map((hash) => Buffer.from(hash, "hex"))
  const root = MerkleTree.rootFromProof(leaf, position - 1, head.tree_size, hashes)
  return root?.equals(signed.rootHash) === true
    ? Option.none()
    : Option.some("the record and its proof do not lead to the signed root")
}
