import { DateTime, type Effect } from "effect"
import type { SecureRandom } from "effect/crypto"
import { RateId } from "./Rate.ts"

const MAX_LAG_MILLIS = (1n << 42n) - 1n

/**
 * Makes the id of a rate: a UUIDv7 (RFC 9562) whose timestamp is the observation time, so that a rate belongs to the
 * partition of that month no matter when it is recorded. The next 42 bits are the lag between observation and recording
 * in milliseconds, so that a correction sorts after the rate that it corrects. The last 32 bits are `entropy`, which
 * makes ids of the same milliseconds unique.
 */
export const make = (observedAt: DateTime.Utc, recordedAt: DateTime.Utc, entropy: number): RateId => {
  const observed = wholeMillis(observedAt)
  const lag = clamp(wholeMillis(recordedAt) - observed)
  const version = (7n << 12n) | (lag >> 30n)
  const variant = (2n << 30n) | (lag & 0x3fff_ffffn)
  const bits = (observed << 80n) | (version << 64n) | (variant << 32n) | BigInt(entropy)
  return RateId.make(toText(bits))
}

/** Returns the lower bound of the ids of rates observed at or after a time. The earliest id is of 1970. */
export const lowerBound = (observedAt: DateTime.Utc): string =>
  toText(BigInt(Math.max(0, DateTime.toEpochMillis(observedAt))) << 80n)

const toText = (bits: bigint) =>
  bits
    .toString(16)
    .padStart(32, "0")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")

/** Exclusive upper bound of `entropy`: 32 bits. */
export const ENTROPY_RANGE = 0x1_0000_0000

/** Generates the entropy of an id. */
export const randomEntropy = (random: SecureRandom.SecureRandom["Service"]): Effect.Effect<number> =>
  random.intBetween(0, ENTROPY_RANGE, { halfOpen: true })

const wholeMillis = (time: DateTime.Utc) => BigInt(Math.floor(DateTime.toEpochMillis(time)))

const clamp = (lag: bigint) => (lag < 0n ? 0n : lag > MAX_LAG_MILLIS ? MAX_LAG_MILLIS : lag)
