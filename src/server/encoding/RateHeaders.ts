import { DateTime } from "effect"
import type { FoundRate } from "../../rates/lookup/Rates.ts"
import * as ETag from "./ETag.ts"

/**
 * Returns the response headers of a rate at `now`, in epoch milliseconds. `max-age` counts from the observation time, as
 * `Age` does (RFC 9111, 4.2), so that the remaining freshness ends when the rate becomes stale.
 */
export const headersOf = ({ rate, source, stale }: FoundRate, maxAgeSeconds: number, now: number) => ({
  age: String(ageSeconds(rate, now)),
  "cache-control": stale ? "max-age=0" : `max-age=${maxAgeSeconds}`,
  etag: ETag.make(`${rate.id}${stale ? "-stale" : ""}`),
  "x-rate-source": source
})

/** Returns the age of a rate at `now`, in whole seconds. */
export const ageSeconds = ({ observedAt }: FoundRate["rate"], now: number): number =>
  Math.floor(Math.max(0, now - DateTime.toEpochMillis(observedAt)) / 1000)
