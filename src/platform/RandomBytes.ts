import { Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { randomFillSync } from "node:crypto"

/** Size of an id. Larger values are secrets, which do not come from the pool. */
const ID_BYTES = 16

/** Random bytes for the next 256 ids: one system call per id would cost more than the rest of its creation. */
const pool = Buffer.alloc(256 * ID_BYTES)
let offset = pool.length

/** Returns up to 16 secure random bytes from the pool. The buffer is valid until the pool is refilled: copy it. */
export const pooled = (size: number): Buffer => {
  if (offset + size > pool.length) {
    randomFillSync(pool)
    offset = 0
  }
  offset += size
  return pool.subarray(offset - size, offset)
}

/** Secure randomness, optimized for many small ids. */
export const layer = Layer.sync(SecureRandom.SecureRandom, () =>
  SecureRandom.make((size) =>
    size > ID_BYTES ? randomFillSync(new Uint8Array(size)) : new Uint8Array(pooled(size))
  )
)
