import { createHash } from "node:crypto"

/**
 * Fields as bytes that can be read in one way only: each is its length in four bytes, big-endian, and then its UTF-8
 * bytes; an absent one is the length 2^32 − 1 and nothing else.
 */
export const encode = (fields: ReadonlyArray<string | null>): Buffer =>
  Buffer.concat(
    fields.flatMap((field) => {
      const length = Buffer.alloc(4)
      if (field === null) {
        length.writeUInt32BE(0xffff_ffff)
        return [length]
      }
      const bytes = Buffer.from(field, "utf8")
      length.writeUInt32BE(bytes.length)
      return [length, bytes]
    })
  )

export const sha256 = (...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest()
}
