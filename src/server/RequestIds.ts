import { Effect } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import * as RequestId from "../platform/RequestId.ts"

/**
 * Names every request, in `X-Request-Id` of its answer and in every line of the log that is about it: as the caller
 * does, where that is sane, and else by the id of its trace, which begins with the `traceparent` of the caller, where
 * there is one. Problems tell the trace.
 */
export const layer = HttpRouter.middleware(
  (app) =>
    Effect.withFiber((fiber) =>
      Effect.map(app, (response) => {
        const id = RequestId.ofFiber(fiber)
        return id === undefined
          ? response
          : HttpServerResponse.setHeader(response, "x-request-id", id.given ?? id.traceId)
      })
    ),
  { global: true }
)
