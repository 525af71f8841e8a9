import { NodeHttpServerRequest } from "@effect/platform-node"
import { Cause, Context, Effect } from "effect"
import { HttpRouter, HttpServerError, HttpServerRequest } from "effect/http"
import * as Problem from "../api/Problem.ts"
import * as InvalidRequests from "./InvalidRequests.ts"
import * as Problems from "./Problems.ts"
import * as Routes from "./Routes.ts"

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
export const layerFirst = HttpRouter.middleware(
  (app) =>
    Effect.withFiber((fiber) => {
      const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      const { "content-length": length, host } = request.headers
      if (request.url.length > MAX_ADDRESS_LENGTH) return Problems.respond(tooLong)
      if (length !== undefined && Number(length) > MAX_BODY_BYTES)
        return Problems.respond(tooLarge, { headers: { connection: "close" } })
      if (host === undefined && NodeHttpServerRequest.toIncomingMessage(request).httpVersion === "1.1")
        return Problems.respond(hostless)
      return app
    }),
  { global: true }
)

/** Answers what never reached an endpoint, what could not be decoded, and what nobody foresaw. */
export const layerLast = HttpRouter.middleware(
  (app) =>
    // Interrupted: the caller went away, or the server is going down.
    Effect.catchCauseIf(app, (cause) => !Cause.hasInterruptsOnly(cause), answer),
  { global: true }
)

const answer = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
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
