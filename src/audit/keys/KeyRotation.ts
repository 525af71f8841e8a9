import { Option } from "effect"
import type { KeyRotationMessage } from "../../api/conversion/ProofMessage.ts"
import * as CanonicalEncoding from "../CanonicalEncoding.ts"
import * as Ed25519 from "./Ed25519.ts"
import type { TreeHead } from "../TreeHead.ts"

/** Replacement of a signing key, and the audit at that time. */
export interface KeyRotation extends TreeHead {
  readonly previousKey: Buffer
  readonly publicKey: Buffer
}

export interface SignedKeyRotation extends KeyRotation {
  /** By the previous key; none if it was lost. */
  readonly previousSignature: Option.Option<Buffer>
  /** By the new key. */
  readonly signature: Buffer
}

const VERSION = "effex-audit-key-v1"

/** Returns the bytes of a rotation that both keys sign. */
export const encode = (rotation: KeyRotation): Buffer =>
  CanonicalEncoding.encode([
    VERSION,
    rotation.previousKey.toString("hex"),
    rotation.publicKey.toString("hex"),
    String(rotation.treeSize),
    rotation.rootHash.toString("hex"),
    rotation.chainHash.toString("hex"),
    rotation.signedAt
  ])

/** Tree sizes for which a key may sign heads. */
interface Validity {
  readonly from: number
  readonly until: number
}

export interface TrustedKeys {
  /** Returns true if a key may sign the head of a tree size. */
  readonly accepts: (publicKey: Buffer, treeSize: number) => boolean
  /** Rotations that connect the trusted keys. */
  readonly rotations: ReadonlyArray<SignedKeyRotation>
  /** Rotations of which a signature is invalid: they were changed or forged. */
  readonly invalidRotations: ReadonlyArray<SignedKeyRotation>
}

/**
 * Derives all trusted keys from some public keys.
 *
 * A trusted key vouches for the key that it signed as its successor: the successor may sign heads from the rotation on.
 * The previous key stays valid, because nodes are restarted with the new key one by one. A trusted key also vouches for
 * its predecessor, but if the predecessor did not sign the rotation, only until then. A key that is valid until some size
 * vouches for no key beyond that size: otherwise, who finds a lost key could introduce another one with it.
 */
export const trust = (
  publicKeys: ReadonlyArray<Buffer>,
  rotations: ReadonlyArray<SignedKeyRotation>
): TrustedKeys => {
  const validities = new Map<string, Validity>()
  const validityOf = (key: Buffer) => validities.get(key.toString("hex"))
  const add = (key: Buffer, from: number, until: number): boolean => {
    const known = validityOf(key)
    if (known !== undefined && known.from <= from && known.until >= until) return false
    validities.set(key.toString("hex"), {
      from: Math.min(from, known?.from ?? from),
      until: Math.max(until, known?.until ?? until)
    })
    return true
  }

  for (const key of publicKeys) add(key, 0, Number.POSITIVE_INFINITY)
  const signed = rotations.filter(isValid).map((rotation) => ({
    rotation,
    isBothSigned: Option.isSome(rotation.previousSignature)
  }))
  for (let hasChanged = true; hasChanged;) {
    hasChanged = false
    for (const { isBothSigned, rotation } of signed) {
      const { previousKey, publicKey, treeSize } = rotation
      const next = validityOf(publicKey)
      if (next !== undefined) {
        const until = isBothSigned ? next.until : Math.min(treeSize, next.until)
        if (add(previousKey, 0, until)) hasChanged = true
      }
      const previous = validityOf(previousKey)
      if (isBothSigned && previous !== undefined && treeSize <= previous.until) {
        if (add(publicKey, treeSize, previous.until)) hasChanged = true
      }
    }
  }
  return {
    accepts: (publicKey, treeSize) => {
      const validity = validityOf(publicKey)
      return validity !== undefined && treeSize >= validity.from && treeSize <= validity.until
    },
    rotations: signed.flatMap(({ rotation }) =>
      validityOf(rotation.publicKey) && validityOf(rotation.previousKey) ? [rotation] : []
    ),
    invalidRotations: rotations.filter((rotation) => !isValid(rotation))
  }
}

/** Returns a fault if a signed rotation covers more than `records` records. */
export const findBeyond = (trusted: TrustedKeys, records: number): Option.Option<string> => {
  const beyond = trusted.rotations.find(({ treeSize }) => treeSize > records)
  return beyond === undefined
    ? Option.none()
    : Option.some(
        `a signed key rotation covers ${beyond.treeSize} records, but there are only ${records}: the newest records were deleted`
      )
}

/** Returns true if the new key, and the previous key unless it was lost, signed the rotation. */
const isValid = (rotation: SignedKeyRotation): boolean => {
  const bytes = encode(rotation)
  const { previousKey, previousSignature, publicKey, signature } = rotation
  return (
    Ed25519.isSigned(bytes, signature, publicKey) &&
    Option.match(previousSignature, {
      onNone: () => true,
      onSome: (by) => Ed25519.isSigned(bytes, by, previousKey)
    })
  )
}

/** Encodes a rotation for JSON. */
export const toMessage = (rotation: SignedKeyRotation): typeof KeyRotationMessage.Type => ({
  previous_key: rotation.previousKey.toString("hex"),
  public_key: rotation.publicKey.toString("hex"),
  tree_size: rotation.treeSize,
  root_hash: rotation.rootHash.toString("hex"),
  chain_hash: rotation.chainHash.toString("hex"),
  signed_at: rotation.signedAt,
  previous_signature: Option.getOrNull(
    Option.map(rotation.previousSignature, (signature) => signature.toString("hex"))
  ),
  signature: rotation.signature.toString("hex")
})

/** Decodes a rotation from JSON. */
export const fromMessage = (message: typeof KeyRotationMessage.Type): SignedKeyRotation => ({
  previousKey: Buffer.from(message.previous_key, "hex"),
  publicKey: Buffer.from(message.public_key, "hex"),
  treeSize: message.tree_size,
  rootHash: Buffer.from(message.root_hash, "hex"),
  chainHash: Buffer.from(message.chain_hash, "hex"),
  signedAt: message.signed_at,
  previousSignature: Option.map(Option.fromNullishOr(message.previous_signature), (signature) =>
    Buffer.from(signature, "hex")
  ),
  signature: Buffer.from(message.signature, "hex")
})
