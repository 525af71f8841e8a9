import { hash } from "node:crypto"

const LENGTH_BYTES = 4
const ABSENT = 0xffff_ffff

/**
 * Fields as bytes that can be read in one way only: each is its length in four bytes, big-endian, and then its UTF-8
 * bytes; an absent one is the length 2^32 − 1 and nothing else.
 */
export const encode = (fields: ReadonlyArray<string | null>): Buffer => {
  let size = 0
  for (const field of fields) size += LENGTH_BYTES + (field === null ? 0 : Buffer.byteLength(field))
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const field of fields) {
    const length = field === null ? 0 : bytes.write(field, at + LENGTH_BYTES)
    bytes.writeUInt32BE(field === null ? ABSENT : length, at)
    at += LENGTH_BYTES + length
  }
  return bytes
}

export const sha256 = (...parts: ReadonlyArray<Uint8Array>): Buffer =>
  hash("sha256", Buffer.concat(parts), "buffer")
