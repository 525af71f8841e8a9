import { Clock, Effect } from "effect"
import type { HttpServerRequest } from "effect/http"
import { RateLimits } from "../../access/RateLimits.ts"
import { RateLimitExceeded } from "../../domain/access/RateLimit.ts"
import * as Routes from "../Routes.ts"
import * as ClientAddress from "./ClientAddress.ts"
import * as Problems from "./Problems.ts"
import * as RateLimitHeaders from "./RateLimitHeaders.ts"

/**
 * Creates a function that counts a request which no endpoint of the API counts: documentation, metrics, health checks,
 * unknown paths, wrong methods, and requests that are rejected before routing, per address. Preflights count as reads, because browsers send one for each read of a
 * page. Returns a response if the client has exceeded its limit.
 */
export const make = Effect.gen(function* () {
  const { consumeSync } = yield* RateLimits
  const clock = yield* Clock.Clock
  return (
    request: HttpServerRequest.HttpServerRequest,
    isRejected: boolean
  ): Problems.ProblemResponse | undefined => {
    const isPreflight = request.method === "OPTIONS"
    if (!isPreflight && !isRejected && Routes.isCounted(request.method, request.url)) return undefined
    const kind = isPreflight ? "reads" : "pages"
    const outcome = consumeSync(kind, ClientAddress.of(request), clock.currentTimeMillisUnsafe())
    if (!(outcome instanceof RateLimitExceeded)) return undefined
    return Problems.respond(RateLimitHeaders.toProblem(outcome), {
      headers: RateLimitHeaders.headersOfExceeded(outcome)
    })
  }
})
