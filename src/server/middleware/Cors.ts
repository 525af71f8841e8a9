import { Option } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { Forbidden } from "../../api/Problem.ts"
import * as Problems from "./Problems.ts"
import * as ConnectionUpgrades from "../node/ConnectionUpgrades.ts"

/** What a page may send beyond what every form can. */
const REQUEST_HEADERS = [
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "If-Match",
  "If-None-Match",
  "Last-Event-ID",
  "X-Request-Id",
  "b3",
  "traceparent",
  "tracestate"
]

/** What a page may read of an answer beyond its body. */
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

/** What a page is told, by the `Origin` that its browser sent, where it sent one. */
export type Told = (origin: string | undefined) => Readonly<Record<string, string>>

/**
 * Which pages may ask, by CORS: the headers of every answer. `CORS_ORIGINS=*`, the default, answers all of them, writes
 * too: there are no cookies and nothing else that a browser adds by itself (`Access-Control-Allow-Credentials` is never
 * sent), so that a page can do what anybody can, and more only with a key that it was given. Where that is too much, as
 * with `ALLOW_ANONYMOUS_CONVERT` in a network whose people browse, `CORS_ORIGINS` names the origins, and none of them is
 * told of the others.
 */
export const told = (allowed: Option.Option<ReadonlyArray<string>>): Told => {
  const exposed = { "access-control-expose-headers": RESPONSE_HEADERS.join(",") }
  if (Option.isNone(allowed)) {
    const everybody = { "access-control-allow-origin": "*", ...exposed }
    return () => everybody
  }
  // A cache must not give what no page asked for to a page.
  const nobody = { vary: "Origin", ...exposed }
  const each = new Map(
    allowed.value.map((origin) => [origin, { "access-control-allow-origin": origin, ...nobody }])
  )
  return (origin) => (origin === undefined ? nobody : (each.get(origin) ?? nobody))
}

/** Answers a page that asks beforehand. */
export const preflight = HttpServerResponse.empty({
  status: 204,
  headers: {
    "access-control-allow-methods": "GET, HEAD, POST, PUT, DELETE",
    "access-control-allow-headers": REQUEST_HEADERS.join(","),
    "access-control-max-age": String(ONE_DAY_SECONDS)
  }
})

const foreign = new Forbidden({ detail: "Pages of this origin may not ask: CORS_ORIGINS does not name it" })

/**
 * Refuses what pages of other origins than those of `CORS_ORIGINS` ask for without asking first: WebSockets, to which CORS
 * does not apply, and writes as every form can send them. What a page reads is kept from it by CORS; who sends no
 * `Origin` is no page.
 */
export const refusal = (
  allowed: Option.Option<ReadonlyArray<string>>
): ((request: HttpServerRequest.HttpServerRequest) => Problems.Response | undefined) => {
  if (Option.isNone(allowed)) return () => undefined
  return (request) => (isForeign(request, allowed.value) ? Problems.respond(foreign) : undefined)
}

const isForeign = (
  { headers, method }: HttpServerRequest.HttpServerRequest,
  allowed: ReadonlyArray<string>
) => {
  const { host, origin } = headers
  if (origin === undefined || allowed.includes(origin)) return false
  if (HARMLESS.has(method) && !ConnectionUpgrades.asks(headers)) return false
  return host === undefined || hostOf(origin) !== host
}

/** They change nothing (RFC 9110, 9.2.1). */
const HARMLESS = new Set(["GET", "HEAD", "OPTIONS"])

/** Our own pages, such as `/docs`, ask from where they were loaded. */
const hostOf = (origin: string) => (URL.canParse(origin) ? new URL(origin).host : undefined)
