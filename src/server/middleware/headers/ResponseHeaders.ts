import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Cause, Context, Effect, Layer } from "effect"
import { HttpEffect, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Settings } from "../../../config/Settings.ts"
import * as RequestId from "../../../platform/RequestId.ts"
import * as Cors from "./Cors.ts"
import * as FailureResponses from "../FailureResponses.ts"
import * as HostNames from "../addresses/HostNames.ts"
import * as PageRateLimit from "../limits/PageRateLimit.ts"
import * as RateLimitHeaders from "./RateLimitHeaders.ts"
import * as RequestGuards from "../limits/RequestGuards.ts"
import * as RequestMetrics from "../RequestMetrics.ts"
import * as SecurityHeaders from "./SecurityHeaders.ts"

/** Default of responses that do not say how long they are valid. */
const NOT_STORED = { "cache-control": "no-store" }

/**
 * Outermost middleware of every request: request guards, CORS, problems for failures, common response headers and metrics.
 * It is one middleware, because each additional one would add a step and a copy of the headers to every lookup.
 */
export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const { corsOrigins, publicUrl } = yield* Settings
    const hostNames = HostNames.make(publicUrl)
    const { countRequest } = yield* PageRateLimit.make
    const corsHeaders = Cors.responseHeaders(corsOrigins)
    const rejectOtherOrigins = Cors.rejectOtherOrigins(corsOrigins, hostNames)
    const rejectOtherHosts = Cors.rejectOtherHosts(hostNames)

    return HttpRouter.middleware(
      (app) =>
        Effect.withFiber((fiber) => {
          const startedAt = performance.now()
          const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
          // `request.headers` would copy Node's headers.
          const { headers } = NodeHttpServerRequest.toIncomingMessage(request)

          const withHeaders = (response: HttpServerResponse.HttpServerResponse) => {
            const requestId = RequestId.ofRequest(request.source, headers, RequestId.spanTraceId(fiber))
            const result = HttpServerResponse.setHeader(response, "x-request-id", requestId.value)
            const rateLimit = RateLimitHeaders.statusOf(request.source)
            const { "cache-control": cacheControl, vary } = result.headers
            const cors = corsHeaders(headers.origin)
            // `setHeader` has copied the headers, so they can be modified in place.
            Object.assign(
              result.headers,
              SecurityHeaders.headersOf(response),
              cors,
              vary === undefined || cors.vary === undefined ? undefined : { vary: `${vary}, ${cors.vary}` },
              cacheControl === undefined ? NOT_STORED : undefined,
              rateLimit === undefined ? undefined : RateLimitHeaders.headersOf(rateLimit)
            )
            return result
          }
          const finish = (response: HttpServerResponse.HttpServerResponse) => {
            RequestMetrics.recordResponse(fiber, request, response, (performance.now() - startedAt) / 1000)
            return withHeaders(response)
          }

          const rejected =
            RequestGuards.reject(request, headers) ?? rejectOtherHosts(request) ?? rejectOtherOrigins(request)
          const rejection = countRequest(request, rejected !== undefined) ?? rejected
          if (request.method === "OPTIONS" && rejection === undefined)
            return Effect.succeed(finish(Cors.preflightResponse))
          return Effect.matchCauseEffect(rejection ?? app, {
            onSuccess: (response) => Effect.succeed(finish(response)),
            onFailure: (cause) => {
              if (!Cause.hasInterruptsOnly(cause)) return Effect.map(FailureResponses.respond(cause), finish)
              // The client disconnected, or the server is shutting down.
              HttpEffect.appendPreResponseHandlerUnsafe(fiber.context, (_request, response) =>
                Effect.succeed(withHeaders(response))
              )
              return Effect.failCause(cause)
            }
          })
        }),
      { global: true }
    )
  })
)
