import { Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { randomFillSync } from "node:crypto"

/** What an id takes: more is a secret, and drawn by itself. */
const ID_BYTES = 16

/** For the next ids: to ask for the random bytes of one costs more than to write it. */
const pool = Buffer.alloc(256 * ID_BYTES)
let used = pool.length

/** As many random bytes as an id takes, or fewer, until the next ones are drawn. */
export const draw = (size: number): Buffer => {
  if (used + size > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += size
  return pool.subarray(used - size, used)
}

/** Secure randomness for a process that makes many ids. */
export const layer = Layer.sync(SecureRandom.SecureRandom, () =>
  SecureRandom.make((size) =>
    size > ID_BYTES ? randomFillSync(new Uint8Array(size)) : new Uint8Array(draw(size))
  )
)
