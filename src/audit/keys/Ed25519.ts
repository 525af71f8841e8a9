import { createPrivateKey, createPublicKey, sign as signBytes, verify as verifyBytes } from "node:crypto"
import { Option } from "effect"

/** Length of a public key and of the seed of a private key (RFC 8032). */
export const KEY_BYTES = 32

/** DER of RFC 8410 before the seed of a private key, and before the bytes of a public key. */
const PRIVATE_KEY_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex")
const PUBLIC_KEY_PREFIX = Buffer.from("302a300506032b6570032100", "hex")

export interface KeyPair {
  readonly publicKey: Buffer
  /** Returns the 64 bytes of the signature. */
  readonly signBytes: (bytes: Uint8Array) => Buffer
}

/** Creates a key pair from a seed of 32 bytes. */
export const fromSeed = (seed: Uint8Array): KeyPair => {
  const der = Buffer.concat([PRIVATE_KEY_PREFIX, seed])
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  const publicDer = createPublicKey(key).export({ format: "der", type: "spki" })
  return {
    publicKey: publicDer.subarray(PUBLIC_KEY_PREFIX.length),
    signBytes: (bytes) => signBytes(null, bytes, key)
  }
}

/** Verifies a signature with the 32 bytes of a public key. */
export const isSigned = (bytes: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean => {
  if (publicKey.length !== KEY_BYTES) return false
  const der = Buffer.concat([PUBLIC_KEY_PREFIX, publicKey])
  return verifyBytes(null, bytes, createPublicKey({ key: der, format: "der", type: "spki" }), signature)
}

/** Parses a public key: PEM, DER in base64, or its 32 bytes in hexadecimal or base64. */
export const parsePublicKey = (text: string): Option.Option<Buffer> => {
  const trimmed = text.trim()
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Option.some(Buffer.from(trimmed, "hex"))
  const base64 = trimmed
    .replace(/^-----BEGIN PUBLIC KEY-----|-----END PUBLIC KEY-----$/g, "")
    .replaceAll(/\s/g, "")
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(base64)) return Option.none()
  const bytes = Buffer.from(base64, "base64")
  if (bytes.length === KEY_BYTES) return Option.some(bytes)
  const hasPrefix = bytes.subarray(0, PUBLIC_KEY_PREFIX.length).equals(PUBLIC_KEY_PREFIX)
  return hasPrefix && bytes.length === PUBLIC_KEY_PREFIX.length + KEY_BYTES
    ? Option.some(bytes.subarray(PUBLIC_KEY_PREFIX.length))
    : Option.none()
}
