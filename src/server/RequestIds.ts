import { Context, Effect, Option } from "effect"
import {
  type Headers,
  HttpRouter,
  HttpServerRequest,
  HttpServerResponse,
  HttpTraceContext
} from "effect/http"
import { CurrentRequest, type RequestId, spanOf } from "../platform/RequestId.ts"
import * as Problems from "./Problems.ts"

/** What a caller may call its request: enough for a UUID with a prefix, and nothing that could mean something in a log. */
const SANE = /^[\w.:-]{1,128}$/

/**
 * Names every request, in `X-Request-Id` of its answer and in every line of the log that is about it: as the caller
 * does, where that is sane, and else by the id of its trace, which begins with the `traceparent` of the caller, where
 * there is one. Problems tell the trace.
 */
export const layer = HttpRouter.middleware(
  (app) =>
    Effect.withFiber((fiber) => {
      const { headers } = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      const id = idOf(headers, spanOf(fiber.context)?.traceId)
      return Effect.map(
        Effect.provideService(app, CurrentRequest, id),
        HttpServerResponse.setHeader("x-request-id", id.given ?? id.traceId)
      )
    }),
  { global: true }
)

/** `traced` is the id of the trace where requests are traced. */
const idOf = (headers: Headers.Headers, traced: string | undefined): RequestId => {
  const { "x-request-id": given, traceparent } = headers
  return {
    traceId: traced ?? (traceparent === undefined ? Problems.newTraceId() : traceIdIn(headers)),
    given: given !== undefined && SANE.test(given) ? given : undefined
  }
}

const traceIdIn = (headers: Headers.Headers) =>
  Option.match(HttpTraceContext.w3c(headers), {
    onNone: Problems.newTraceId,
    onSome: ({ traceId }) => traceId
  })
