import { Cause, Effect } from "effect"
import { HttpServerError, type HttpServerRequest } from "effect/http"
import * as Problem from "../../api/Problem.ts"
import * as InvalidRequests from "../http/InvalidRequests.ts"
import * as Routes from "../Routes.ts"
import * as Problems from "./Problems.ts"
import * as RequestGuards from "./limits/RequestGuards.ts"

/** Responds to failures outside of endpoints: no route, an undecodable request, and unexpected failures. */
export const respond = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
  const error = Cause.squash(cause)
  if (InvalidRequests.is(error)) return yield* Problems.respond(InvalidRequests.toProblem(error))
  if (HttpServerError.isHttpServerError(error)) {
    const { reason } = error
    if (reason._tag === "RouteNotFound") return yield* respondNoRoute(reason.request)
    if (reason._tag === "RequestParseError") {
      return yield* Problems.respond(
        reason.reason === "BodyTooLarge"
          ? RequestGuards.bodyTooLarge
          : new Problem.InvalidRequest({ detail: "The request body cannot be parsed" })
      )
    }
  }
  return yield* Problems.respond(yield* Problems.unexpected("a request", cause))
})

/** Responds to a request that no route matches: 404, or 405 if another method would. */
export const respondNoRoute = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  const allowed = Routes.allowedMethods(request.url)
  if (allowed.length === 0)
    return yield* Problems.respond(
      new Problem.NotFound({ detail: "No endpoint has this path; API documentation: /docs" })
    )
  const allow = allowed.join(", ")
  return yield* Problems.respond(new Problem.MethodNotAllowed({ detail: `Allowed methods: ${allow}` }), {
    headers: { allow }
  })
})
