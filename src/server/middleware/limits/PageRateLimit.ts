import { Clock, Effect, Option } from "effect"
import type { HttpServerRequest } from "effect/http"
import { RateLimits } from "../../../access/RateLimits.ts"
import { RateLimitExceeded } from "../../../domain/access/RateLimit.ts"
import * as Routes from "../../Routes.ts"
import * as ClientAddress from "../addresses/ClientAddress.ts"
import * as Problems from "../Problems.ts"
import * as RateLimitHeaders from "../headers/RateLimitHeaders.ts"

/** Bytes of a response that count as one request. */
const BYTES_PER_REQUEST = 256 * 1024

/**
 * Returns true if the connection belongs to the client, and not to a trusted proxy. It is closed with the first rejection,
 * which drops all requests that were pipelined behind it.
 */
const isDirect = ({ peerAddress, remoteAddress }: HttpServerRequest.HttpServerRequest) =>
  Option.getOrUndefined(peerAddress) === Option.getOrUndefined(remoteAddress)

type Rejection = Problems.ProblemResponse | undefined

/**
 * Makes the functions that count requests which no endpoint of the API counts, per address. They return a response if the
 * client has exceeded its limit.
 */
export const make = Effect.gen(function* () {
  const { consumeSync } = yield* RateLimits
  const clock = yield* Clock.Clock

  const consume = (
    kind: "reads" | "pages",
    request: HttpServerRequest.HttpServerRequest,
    cost: number
  ): Rejection => {
    const outcome = consumeSync(kind, ClientAddress.of(request), clock.currentTimeMillisUnsafe(), cost)
    if (!(outcome instanceof RateLimitExceeded)) return undefined
    const headers = RateLimitHeaders.headersOfExceeded(outcome)
    return Problems.respond(RateLimitHeaders.toProblem(outcome), {
      headers: kind === "pages" && isDirect(request) ? { ...headers, connection: "close" } : headers
    })
  }

  return {
    /**
     * Counts a request for documentation, metrics, health checks or an unknown path, with a wrong method, or one that is
     * rejected before routing. Preflights count as reads, because browsers send one for each read of a page.
     */
    countRequest: (request: HttpServerRequest.HttpServerRequest, isRejected: boolean): Rejection => {
      const isPreflight = request.method === "OPTIONS"
      if (!isPreflight && !isRejected && Routes.isCounted(request.method, request.url)) return undefined
      return consume(isPreflight ? "reads" : "pages", request, 1)
    },
    /**
     * Counts the size of a response to a counted request: copying 3 MB to a client takes as long as 20 other responses.
     */
    countBytes: (request: HttpServerRequest.HttpServerRequest, bytes: number): Rejection => {
      const cost = Math.floor(bytes / BYTES_PER_REQUEST)
      return cost === 0 || request.method === "HEAD" ? undefined : consume("pages", request, cost)
    }
  }
})
