import { DateTime, type Effect } from "effect"
import type { SecureRandom } from "effect/crypto"
import { RateId } from "./Rate.ts"

const LONGEST_LAG = (1n << 42n) - 1n

/**
 * The id of a rate: a UUIDv7 (RFC 9562) of the moment from which the rate is in force, so that it lies in the partition
 * of that month whenever it is recorded. The next 42 bits are the milliseconds until it was recorded, so that a
 * correction of the same moment sorts behind what it corrects. The last 32 bits tell rates of the same milliseconds
 * apart.
 */
export const make = (observedAt: DateTime.Utc, recordedAt: DateTime.Utc, entropy: number): RateId => {
  const observed = wholeMillis(observedAt)
  const lag = clamp(wholeMillis(recordedAt) - observed)
  const version = (7n << 12n) | (lag >> 30n)
  const variant = (2n << 30n) | (lag & 0x3fff_ffffn)
  const bits = (observed << 80n) | (version << 64n) | (variant << 32n) | BigInt(entropy)
  return RateId.make(toText(bits))
}

/** What no id of a rate of this moment, or of a later one, is below. Ids begin in 1970. */
export const floor = (observedAt: DateTime.Utc): string =>
  toText(BigInt(Math.max(0, DateTime.toEpochMillis(observedAt))) << 80n)

const toText = (bits: bigint) =>
  bits
    .toString(16)
    .padStart(32, "0")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")

/** Entropy is a whole number below this. */
export const ENTROPY = 0x1_0000_0000

/** Entropy by chance. */
export const entropy = (random: SecureRandom.SecureRandom["Service"]): Effect.Effect<number> =>
  random.intBetween(0, ENTROPY, { halfOpen: true })

const wholeMillis = (time: DateTime.Utc) => BigInt(Math.floor(DateTime.toEpochMillis(time)))

const clamp = (lag: bigint) => (lag < 0n ? 0n : lag > LONGEST_LAG ? LONGEST_LAG : lag)
