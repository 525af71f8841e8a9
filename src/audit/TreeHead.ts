import { createPrivateKey, createPublicKey, sign as signBytes, verify as verifyBytes } from "node:crypto"
import * as CanonicalEncoding from "./CanonicalEncoding.ts"

/** What is signed of the audit: how many records it has, the root of their Merkle tree, and the end of their chain. */
export interface TreeHead {
  readonly treeSize: number
  readonly rootHash: Buffer
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

/** What stands before the seed, and before the public key, in the DER of RFC 8410. */
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex")
const PUBLIC_PREFIX = Buffer.from("302a300506032b6570032100", "hex")

/** Signs with the key of a seed of 32 bytes. */
export const makeSigner = (seed: Uint8Array) => {
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: "der", type: "pkcs8" })
  const der = createPublicKey(key).export({ format: "der", type: "spki" })
  const publicKey = der.subarray(PUBLIC_PREFIX.length)
  const sign = (head: TreeHead): SignedTreeHead => ({
    ...head,
    publicKey,
    signature: signBytes(null, encode(head), key)
  })
  return { publicKey, sign }
}

/** Whether a head was signed with the private key of a public key. */
export const isSignedBy = (head: SignedTreeHead, publicKey: Uint8Array): boolean => {
  if (publicKey.length !== 32) return false
  const key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: "der", type: "spki" })
  return verifyBytes(null, encode(head), key, head.signature)
}
