import { DateTime } from "effect"
import type { FoundRate } from "../../rates/lookup/Rates.ts"

/**
 * What is said of a rate beside the rate itself, at a moment in milliseconds. `max-age` counts from the moment at which
 * the rate was observed, as `Age` does (RFC 9111, 4.2), so that what is left of its `lifetime`, in seconds, ends when the
 * rate turns stale.
 */
export const headersOf = ({ rate, source, stale }: FoundRate, lifetime: number, now: number) => ({
  age: String(ageOf(rate, now)),
  "cache-control": stale ? "max-age=0" : `max-age=${lifetime}`,
  etag: `"${rate.id}${stale ? "-stale" : ""}"`,
  "x-rate-source": source
})

/** In whole seconds. */
export const ageOf = ({ observedAt }: FoundRate["rate"], now: number): number =>
  Math.floor(Math.max(0, now - DateTime.toEpochMillis(observedAt)) / 1000)
