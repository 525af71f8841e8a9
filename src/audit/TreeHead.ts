import * as CanonicalEncoding from "./CanonicalEncoding.ts"
import * as Ed25519 from "./keys/Ed25519.ts"

/** State of the audit after a number of records. */
export interface TreeHead {
  /** Number of sealed records. */
  readonly treeSize: number
  /** Root of their Merkle tree. */
  readonly rootHash: Buffer
  /** Last hash of their chain. */
  readonly chainHash: Buffer
  /** ISO 8601, UTC. */
  readonly signedAt: string
}

export interface SignedTreeHead extends TreeHead {
  /** The 32 bytes of an Ed25519 public key (RFC 8032). */
  readonly publicKey: Buffer
  readonly signature: Buffer
}

const VERSION = "effex-audit-head-v1"

const encode = ({ chainHash, rootHash, signedAt, treeSize }: TreeHead): Buffer =>
  CanonicalEncoding.encode([
    VERSION,
    String(treeSize),
    rootHash.toString("hex"),
    chainHash.toString("hex"),
    signedAt
  ])

/** Creates a signer of heads from the seed of an Ed25519 key, 32 bytes. */
export const makeSigner = (seed: Uint8Array) => {
  const { publicKey, signBytes } = Ed25519.fromSeed(seed)
  const sign = (head: TreeHead): SignedTreeHead => ({
    ...head,
    publicKey,
    signature: signBytes(encode(head))
  })
  return { publicKey, sign, signBytes }
}

/** Verifies that a head names a public key and is signed with it. */
export const isSignedBy = (head: SignedTreeHead, publicKey: Uint8Array): boolean =>
  head.publicKey.equals(publicKey) && Ed25519.isSigned(encode(head), head.signature, publicKey)
