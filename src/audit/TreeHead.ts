import { createPrivateKey, createPublicKey, sign as signBytes, verify as verifyBytes } from "node:crypto"
import * as CanonicalEncoding from "./CanonicalEncoding.ts"

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

/** DER of RFC 8410 before the seed of a private key, and before the bytes of a public key. */
const PRIVATE_KEY_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex")
const PUBLIC_KEY_PREFIX = Buffer.from("302a300506032b6570032100", "hex")

/** Creates an Ed25519 signer from a seed of 32 bytes. */
export const makeSigner = (seed: Uint8Array) => {
  const der = Buffer.concat([PRIVATE_KEY_PREFIX, seed])
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  const publicDer = createPublicKey(key).export({ format: "der", type: "spki" })
  const publicKey = publicDer.subarray(PUBLIC_KEY_PREFIX.length)
  const sign = (head: TreeHead): SignedTreeHead => ({
    ...head,
    publicKey,
    signature: signBytes(null, encode(head), key)
  })
  return { publicKey, sign }
}

/** Verifies the signature of a head with a public key. */
export const isSignedBy = (head: SignedTreeHead, publicKey: Uint8Array): boolean => {
  if (publicKey.length !== 32) return false
  const der = Buffer.concat([PUBLIC_KEY_PREFIX, publicKey])
  const key = createPublicKey({ key: der, format: "der", type: "spki" })
  return verifyBytes(null, encode(head), key, head.signature)
}
