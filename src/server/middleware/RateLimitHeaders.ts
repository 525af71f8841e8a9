import { RateLimited } from "../../api/Problem.ts"
import { type Allowance, inSeconds, type QuotaExceeded } from "../../domain/access/RateLimit.ts"

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

/** Hung on what a request was made of, which every view of it shares. */
const KEY = Symbol("effex/server/middleware/RateLimitHeaders")

/** What a request was made of: with Node, its `IncomingMessage`. */
interface Source {
  [KEY]?: Allowance
}

/** Has what is left to a caller told in the answer to its request, whatever that is. */
export const tell = (source: Source, allowance: Allowance): void => {
  source[KEY] = allowance
}

/** What is left to whoever sent a request, where that was counted. */
export const toldOf = (source: Source): Allowance | undefined => source[KEY]

/** Tells that too much was asked for. */
export const problemOf = ({ message }: QuotaExceeded) => new RateLimited({ detail: message })
