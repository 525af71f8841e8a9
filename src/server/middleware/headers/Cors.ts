import { Option } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { Forbidden } from "../../../api/Problem.ts"
import * as Problems from "../Problems.ts"
import type { HostNames } from "../addresses/HostNames.ts"
import * as ConnectionUpgrades from "../../node/ConnectionUpgrades.ts"

/** Request headers that pages of other origins may send (`Access-Control-Allow-Headers`). */
const REQUEST_HEADERS = [
  "Authorization",
  "Content-Type",
  "Effex-On-Behalf-Of",
  "Idempotency-Key",
  "If-Match",
  "If-None-Match",
  "Last-Event-ID",
  "X-Request-Id",
  "b3",
  "traceparent",
  "tracestate"
]

/** Response headers that pages of other origins may read (`Access-Control-Expose-Headers`). */
const RESPONSE_HEADERS = [
  "Age",
  "ETag",
  "Idempotency-Replayed",
  "Location",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "WWW-Authenticate",
  "X-Rate-Source",
  "X-Request-Id"
]

const ONE_DAY_SECONDS = 86_400

/** Returns the CORS headers of a response by the `Origin` of its request. Equal headers are the same object. */
export type ResponseHeaders = (origin: string | undefined) => Readonly<Record<string, string>>

/**
 * CORS headers of every response. `CORS_ORIGINS=*`, the default, allows pages of every origin, also to write: browsers send
 * no credentials by themselves. The only cookie, that of a refresh token, is `SameSite=Strict`, its endpoints require the
 * server's own `Origin` and the header `Effex-Csrf`, and `Access-Control-Allow-Credentials` is never sent. So a page of
 * another origin can do what any anonymous client can, and more only with an API key or an access token. To restrict pages, for example with
 * `ALLOW_ANONYMOUS_CONVERT` in an internal network, list the origins in `CORS_ORIGINS`. A response contains at most the
 * origin of its request, never the list.
 */
export const responseHeaders = (allowed: Option.Option<ReadonlyArray<string>>): ResponseHeaders => {
  const exposed = { "access-control-expose-headers": RESPONSE_HEADERS.join(",") }
  if (Option.isNone(allowed)) {
    const anyOrigin = { "access-control-allow-origin": "*", ...exposed }
    return () => anyOrigin
  }
  // Caches must keep the responses for different origins apart.
  const otherOrigin = { vary: "Origin", ...exposed }
  const byOrigin = new Map(
    allowed.value.map((origin) => [origin, { "access-control-allow-origin": origin, ...otherOrigin }])
  )
  return (origin) => (origin === undefined ? otherOrigin : (byOrigin.get(origin) ?? otherOrigin))
}

/** Response to a preflight request (`OPTIONS`). */
export const preflightResponse = HttpServerResponse.empty({
  status: 204,
  headers: {
    "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "access-control-allow-headers": REQUEST_HEADERS.join(","),
    "access-control-max-age": String(ONE_DAY_SECONDS)
  }
})

const originNotAllowed = new Forbidden({
  detail:
    "Requests from pages of this origin are not allowed; add the origin to CORS_ORIGINS, or set PUBLIC_URL if it is the server's own"
})

/**
 * Rejects requests that browsers send from other origins without a preflight: WebSocket handshakes, to which CORS does not
 * apply, and simple writes, such as form submissions. CORS already prevents the page from reading responses. Requests
 * without an `Origin` do not come from a page.
 */
export const rejectOtherOrigins = (
  allowed: Option.Option<ReadonlyArray<string>>,
  hostNames: HostNames
): ((request: HttpServerRequest.HttpServerRequest) => Problems.ProblemResponse | undefined) => {
  if (Option.isNone(allowed)) return () => undefined
  const origins = new Set(allowed.value)
  return ({ headers, method }) => {
    const { host, origin } = headers
    if (origin === undefined || origins.has(origin)) return undefined
    if (SAFE_METHODS.has(method) && !ConnectionUpgrades.isWebSocketRequest(headers)) return undefined
    // Pages of this server, such as `/docs`, have its host in their origin.
    const isOwn = host !== undefined && hostOf(origin) === host && hostNames.isOwn(host)
    return isOwn ? undefined : Problems.respond(originNotAllowed)
  }
}

const hostNotAccepted = new Forbidden({
  detail: "This server is not reached under the host name of the request; use the URL in PUBLIC_URL"
})

/** Rejects requests under host names that are not this server's, which a page gets by DNS rebinding. */
export const rejectOtherHosts =
  ({ isAccepted }: HostNames) =>
  ({ headers }: HttpServerRequest.HttpServerRequest): Problems.ProblemResponse | undefined =>
    isAccepted(headers.host) ? undefined : Problems.respond(hostNotAccepted)

/** Methods without side effects (RFC 9110, 9.2.1). */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"])

const hostOf = (origin: string) => (URL.canParse(origin) ? new URL(origin).host : undefined)
