import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Cause, Context, Effect, Layer } from "effect"
import { HttpEffect, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Settings } from "../../config/Settings.ts"
import * as RateLimitHeaders from "./RateLimitHeaders.ts"
import * as Cors from "./Cors.ts"
import * as RequestGuards from "./RequestGuards.ts"
import * as RequestIds from "./RequestIds.ts"
import * as RequestMetrics from "./RequestMetrics.ts"
import * as SecurityHeaders from "./SecurityHeaders.ts"

/**
 * What every request goes through on its way in, and every answer on its way out, in one pass: every lookup pays for each
 * step on this way, and for each copy of its headers.
 */
export const layer = Layer.unwrap(
  Effect.map(Settings, ({ corsOrigins }) => {
    const told = Cors.told(corsOrigins)
    const refusalOfOrigin = Cors.refusal(corsOrigins)

    return HttpRouter.middleware(
      (app) =>
        Effect.withFiber((fiber) => {
          const begun = performance.now()
          const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
          // The headers of the request are a copy of Node's, made when they are asked for.
          const { headers } = NodeHttpServerRequest.toIncomingMessage(request)

          const headed = (response: HttpServerResponse.HttpServerResponse) => {
            const answer = HttpServerResponse.setHeader(
              response,
              "x-request-id",
              RequestIds.of(fiber, request.source, headers)
            )
            const allowance = RateLimitHeaders.toldOf(request.source)
            // They are a copy that nobody else has.
            Object.assign(
              answer.headers,
              SecurityHeaders.headersOf(response),
              told(headers.origin),
              allowance === undefined ? undefined : RateLimitHeaders.headersOf(allowance)
            )
            return answer
          }
          const answer = (response: HttpServerResponse.HttpServerResponse) => {
            RequestMetrics.recordAnswer(fiber, request, response, (performance.now() - begun) / 1000)
            return headed(response)
          }

          if (request.method === "OPTIONS") return Effect.succeed(answer(Cors.preflight))
          const refusal = RequestGuards.first(request, headers) ?? refusalOfOrigin(request)
          return Effect.matchCauseEffect(refusal ?? app, {
            onSuccess: (response) => Effect.succeed(answer(response)),
            onFailure: (cause) => {
              if (!Cause.hasInterruptsOnly(cause)) return Effect.map(RequestGuards.last(cause), answer)
              // The caller went away, or the server is going down.
              HttpEffect.appendPreResponseHandlerUnsafe(fiber.context, (_request, response) =>
                Effect.succeed(headed(response))
              )
              return Effect.failCause(cause)
            }
          })
        }),
      { global: true }
    )
  })
)
