import type { Fiber } from "effect"
import type { IncomingHttpHeaders } from "node:http"
import * as RequestId from "../../platform/RequestId.ts"

/**
 * What a request is called, in `X-Request-Id` of its answer and in every line of the log that is about it: as the caller
 * does, where that is sane, and else by the id of its trace, which begins with the `traceparent` of the caller, where
 * there is one. Problems tell the trace.
 */
export const of = (
  fiber: Fiber.Fiber<unknown, unknown>,
  source: object,
  headers: IncomingHttpHeaders
): string => RequestId.of(source, headers, RequestId.tracedAs(fiber)).name
