import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Cause, Effect } from "effect"
import { HttpServerError, type HttpServerRequest } from "effect/http"
import type { IncomingHttpHeaders } from "node:http"
import * as Problem from "../../api/Problem.ts"
import * as InvalidRequests from "../http/InvalidRequests.ts"
import * as Problems from "./Problems.ts"
import * as Routes from "../Routes.ts"

/** The longest path and query that a request may have: all pairs there can be have room in it. */
const MAX_ADDRESS_LENGTH = 8 * 1024
/** The largest body that a request may have. */
export const MAX_BODY_BYTES = 64 * 1024

const tooLarge = new Problem.PayloadTooLarge({ detail: `A body may have ${MAX_BODY_BYTES} bytes at most` })
const tooLong = new Problem.AddressTooLong({
  detail: `A path and a query may have ${MAX_ADDRESS_LENGTH} characters at most`
})
const hostless = new Problem.InvalidRequest({ detail: "HTTP/1.1 asks for a Host header" })

/** Refuses what no endpoint should see, before anything is read or done. */
export const first = (
  request: HttpServerRequest.HttpServerRequest,
  { "content-length": length, host }: IncomingHttpHeaders
): Problems.Response | undefined => {
  if (request.url.length > MAX_ADDRESS_LENGTH) return Problems.respond(tooLong)
  if (length !== undefined && Number(length) > MAX_BODY_BYTES)
    return Problems.respond(tooLarge, { headers: { connection: "close" } })
  if (host === undefined && isHostless(request)) return Problems.respond(hostless)
  return undefined
}

/** A proxy may say it in another way. */
const isHostless = (request: HttpServerRequest.HttpServerRequest) =>
  request.headers["host"] === undefined &&
  NodeHttpServerRequest.toIncomingMessage(request).httpVersion === "1.1"

/** Answers what never reached an endpoint, what could not be decoded, and what nobody foresaw. */
export const last = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
  const error = Cause.squash(cause)
  if (InvalidRequests.is(error)) return yield* Problems.respond(InvalidRequests.toProblem(error))
  if (HttpServerError.isHttpServerError(error)) {
    const { reason } = error
    if (reason._tag === "RouteNotFound") return yield* answerNoRoute(reason.request)
    if (reason._tag === "RequestParseError") {
      return yield* Problems.respond(
        reason.reason === "BodyTooLarge"
          ? tooLarge
          : new Problem.InvalidRequest({ detail: "The body cannot be read" })
      )
    }
  }
  return yield* Problems.respond(yield* Problems.ofUnforeseen("a request", cause))
})

const answerNoRoute = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  const allowed = Routes.allowedMethods(request.url)
  if (allowed.length === 0)
    return yield* Problems.respond(new Problem.NotFound({ detail: "See /docs for what there is" }))
  const allow = allowed.join(", ")
  return yield* Problems.respond(new Problem.MethodNotAllowed({ detail: `It takes ${allow}` }), {
    headers: { allow }
  })
})
