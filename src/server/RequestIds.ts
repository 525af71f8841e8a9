import type { Fiber } from "effect"
import * as RequestId from "../platform/RequestId.ts"

/**
 * Names every request, in `X-Request-Id` of its answer and in every line of the log that is about it: as the caller
 * does, where that is sane, and else by the id of its trace, which begins with the `traceparent` of the caller, where
 * there is one. Problems tell the trace.
 */
export const headersOf = (fiber: Fiber.Fiber<unknown, unknown>): Readonly<Record<string, string>> => {
  const id = RequestId.ofFiber(fiber)
  return id === undefined ? {} : { "x-request-id": id.given ?? id.traceId }
}
