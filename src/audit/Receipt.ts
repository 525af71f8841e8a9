import { Option, Result, Schema } from "effect"
import { KeysMessage } from "../api/conversion/ProofMessage.ts"
import { AuditRecord } from "../domain/conversion/AuditRecord.ts"
import * as StrictJson from "../domain/StrictJson.ts"
import { chain, encodeRecord, GENESIS } from "./AuditHash.ts"
import * as HeadMessage from "./heads/HeadMessage.ts"
import { fromMessage, type SignedKeyRotation, trust } from "./keys/KeyRotation.ts"
import * as MerkleTree from "./tree/MerkleTree.ts"
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
  /**
   * Link of the hash chain: `hash` is SHA-256(`previous_hash` ‖ record). It connects the receipt with those of its
   * neighbors, and with a head that ends at its position. Receipts of version 0.1.0 have none.
   */
  chain: Schema.optionalKey(Schema.Struct({ previous_hash: Hash, hash: Hash })),
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

/** Fails on invalid bytes, which are otherwise replaced by U+FFFD: another text with the same hash. */
const decodeUtf8 = Option.liftThrowable((bytes: Uint8Array) =>
  new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
)

const decodeReceipt = Schema.decodeUnknownResult(Receipt, { onExcessProperty: "error" })

const decodeKeys = Schema.decodeUnknownResult(KeysMessage, { onExcessProperty: "error" })

/** Fails with the reason for a field that is unknown, repeated, missing or of another type. */
const parseStrictly = <A>(
  bytes: Uint8Array,
  decode: (json: unknown) => Result.Result<A, { readonly message: string }>
): Result.Result<A, string> =>
  Option.match(Option.flatMap(decodeUtf8(bytes), StrictJson.parse), {
    onNone: () => Result.fail("it must be JSON in UTF-8 with integers, and must not repeat a key"),
    onSome: (json) => Result.mapError(decode(json), ({ message }) => message)
  })

/** Parses a receipt strictly. */
export const parse = (bytes: Uint8Array): Result.Result<Receipt, string> =>
  parseStrictly(bytes, decodeReceipt)

/** Parses the rotations of a response of `GET /api/v1/audit/keys` strictly. */
export const parseRotations = (bytes: Uint8Array): Result.Result<ReadonlyArray<SignedKeyRotation>, string> =>
  Result.map(parseStrictly(bytes, decodeKeys), ({ rotations }) => rotations.map(fromMessage))

/**
 * Verifies a receipt with a public key, or with a key that signed rotations connect to it. Returns why it is invalid, or
 * none for a valid one.
 */
export const findFault = (
  receipt: Receipt,
  publicKey: Uint8Array,
  rotations: ReadonlyArray<SignedKeyRotation> = []
): Option.Option<string> => {
  const { position, proof, record } = receipt
  const head = HeadMessage.fromMessage(receipt.head)
  if (!trust([Buffer.from(publicKey)], rotations).accepts(head.publicKey, head.treeSize)) {
    const connection = rotations.length > 0 ? ", and no signed rotation connects them" : ""
    return Option.some(`head.public_key is not the given key${connection}`)
  }
  if (!isSignedBy(head, head.publicKey)) return Option.some("the head was not signed with this key")
  const bytes = encodeRecord(record)
  const hashes = proof.map((hash) => Buffer.from(hash, "hex"))
  const root = MerkleTree.rootFromProof(MerkleTree.leafHash(bytes), position - 1, head.treeSize, hashes)
  if (root?.equals(head.rootHash) !== true)
    return Option.some("the record and its proof do not produce the signed root")
  return receipt.chain === undefined || isChained(receipt.chain, bytes, position, head)
    ? Option.none()
    : Option.some("the record does not continue the hash chain")
}

/** The signature covers the last hash of the chain, so it proves the link of the last record only. */
const isChained = (
  link: NonNullable<Receipt["chain"]>,
  bytes: Buffer,
  position: number,
  head: SignedTreeHead
): boolean => {
  const [previous, hash] = [Buffer.from(link.previous_hash, "hex"), Buffer.from(link.hash, "hex")]
  if (position === 1 && !previous.equals(GENESIS)) return false
  if (position === head.treeSize && !hash.equals(head.chainHash)) return false
  return chain(previous, bytes).equals(hash)
}
