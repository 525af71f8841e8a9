import { hash } from "node:crypto"

const LENGTH_BYTES = 4
const NULL_LENGTH = 0xffff_ffff

/**
 * Encodes fields so that different fields never give the same bytes. Each field is its length in four bytes, big-endian,
 * followed by its UTF-8 bytes. Null is the length 2^32 − 1 without bytes.
 */
export const encode = (fields: ReadonlyArray<string | null>): Buffer => {
  let size = 0
  for (const field of fields) size += LENGTH_BYTES + (field === null ? 0 : Buffer.byteLength(field))
  const bytes = Buffer.allocUnsafe(size)
  let offset = 0
  for (const field of fields) {
    const length = field === null ? 0 : bytes.write(field, offset + LENGTH_BYTES)
    bytes.writeUInt32BE(field === null ? NULL_LENGTH : length, offset)
    offset += LENGTH_BYTES + length
  }
  return bytes
}

export const sha256 = (...parts: ReadonlyArray<Uint8Array>): Buffer =>
  hash("sha256", Buffer.concat(parts), "buffer")
