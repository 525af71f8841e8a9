import { Effect } from "effect"
import { Headers, HttpMethod, HttpServerRequest } from "effect/http"

const JSON_TYPE = "application/json"

/** Reads the body of a request as JSON, whatever its `Content-Type` says: that of `curl -d` is a form. */
export const readAsJson = <A, E, R>(endpoint: Effect.Effect<A, E, R>) =>
  Effect.updateService(endpoint, HttpServerRequest.HttpServerRequest, (request) =>
    HttpMethod.hasBody(request.method)
      ? request.modify({ headers: Headers.set(request.headers, "content-type", JSON_TYPE) })
      : request
  )
