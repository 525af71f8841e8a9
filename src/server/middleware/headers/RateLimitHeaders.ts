import { RateLimited } from "../../../api/Problem.ts"
import { inSeconds, type RateLimitExceeded, type RateLimitStatus } from "../../../domain/access/RateLimit.ts"

/**
 * Headers of draft-ietf-httpapi-ratelimit-headers-10: the policy allows `q` requests per `w` seconds, `r` remain, and all
 * are available again in `t` seconds.
 */
export const headersOf = ({ kind, policy, remaining, resetAfter }: RateLimitStatus) => ({
  "ratelimit-policy": `"${kind}";q=${policy.limit};w=${inSeconds(policy.window)}`,
  ratelimit: `"${kind}";r=${remaining};t=${inSeconds(resetAfter)}`
})

/** Headers of a rejected request: fewer remain than it counts as, and `Retry-After` is the time until it is allowed. */
export const headersOfExceeded = ({ kind, limit, remaining, retryAfter, window }: RateLimitExceeded) => ({
  ...headersOf({ kind, policy: { limit, window }, remaining, resetAfter: retryAfter }),
  "retry-after": String(inSeconds(retryAfter))
})

/** Problem of a request that exceeded its rate limit. */
export const toProblem = ({ message }: RateLimitExceeded) => new RateLimited({ detail: message })

/** Property of Node's `IncomingMessage`, which is the same object in every middleware. */
const STATUS = Symbol("effex/server/middleware/headers/RateLimitHeaders")

/** The `source` of an `HttpServerRequest`: with Node, its `IncomingMessage`. */
interface RequestSource {
  [STATUS]?: RateLimitStatus
}

/** Stores the status of a request for the headers of its response. */
export const setStatus = (source: RequestSource, status: RateLimitStatus): void => {
  source[STATUS] = status
}

/** Returns the stored status, or undefined if the request was not counted. */
export const statusOf = (source: RequestSource): RateLimitStatus | undefined => source[STATUS]
