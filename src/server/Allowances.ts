import { RateLimited } from "../api/Problem.ts"
import { type Allowance, inSeconds, type QuotaExceeded } from "../domain/Quota.ts"

/**
 * What is left to a caller, in the headers of the IETF's draft-ietf-httpapi-ratelimit-headers-10: of `q` requests in `w`
 * seconds there are `r` left, and all are there again in `t` seconds.
 */
export const headersOf = ({ kind, quota, remaining, resetAfter }: Allowance) => ({
  "ratelimit-policy": `"${kind}";q=${quota.limit};w=${inSeconds(quota.window)}`,
  ratelimit: `"${kind}";r=${remaining};t=${inSeconds(resetAfter)}`
})

/** The same where nothing is left, and when there is one more. */
export const headersOfExceeded = ({ kind, limit, retryAfter, window }: QuotaExceeded) => ({
  ...headersOf({ kind, quota: { limit, window }, remaining: 0, resetAfter: retryAfter }),
  "retry-after": String(inSeconds(retryAfter))
})

/** Tells that too much was asked for. */
export const problemOf = ({ message }: QuotaExceeded) => new RateLimited({ detail: message })
