import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type { HttpServerRequest } from "effect/http"
import type { IncomingHttpHeaders } from "node:http"
import * as Problem from "../../../api/Problem.ts"
import * as Problems from "../Problems.ts"

/** Maximum length of path and query. A list of all pairs of currencies fits. */
const MAX_URL_LENGTH = 8 * 1024
/** Maximum size of a request body. */
export const MAX_BODY_BYTES = 64 * 1024

export const bodyTooLarge = new Problem.PayloadTooLarge({
  detail: `The request body is too large; at most ${MAX_BODY_BYTES} bytes are allowed`
})
const urlTooLong = new Problem.AddressTooLong({
  detail: `The path and the query are too long; at most ${MAX_URL_LENGTH} characters are allowed`
})
const missingHost = new Problem.InvalidRequest({ detail: "HTTP/1.1 requires a Host header" })

/**
 * Returns true for a URL whose path a proxy may read differently. The router decodes a path, and ends it at `;` and `#`:
 * `/%6detrics` and `/metrics;` would pass the rules of a proxy that restricts `/metrics`.
 */
export const hasAmbiguousPath = (url: string): boolean => /^[^?]*[%;#]/.test(url)

const invalidHost = new Problem.InvalidRequest({
  detail: "The Host header is not valid; send exactly one host name, with or without a port"
})
const ambiguousPath = new Problem.NotFound({
  detail: "No endpoint has a path with %, ; or #; API documentation: /docs"
})

const normalizedPath = new Problem.NotFound({
  detail: "No endpoint has a path with dot segments, a backslash or a fragment; API documentation: /docs"
})

const noPath = new Problem.NotFound({
  detail: "No endpoint has a path without a leading slash; API documentation: /docs"
})

/**
 * Returns true for a request target that is an absolute URL whose path is not the one of the request. Effect parses such a target,
 * which resolves dot segments and drops a fragment: `http://localhost/x/../metrics` would be `/metrics`.
 */
const isNormalized = (target: string, url: string): boolean => {
  if (target.startsWith("/") || target === url) return false
  const path = pathOf(target.replace(/^https?:\/\/[^/?#\\]+/i, ""))
  return (path === "" ? "/" : path) !== pathOf(url)
}

const pathOf = (url: string) => url.split("?", 1)[0]

/** Returns true for one host. Node joins repeated headers with a comma. */
export const isValidHost = (host: string): boolean => !/[\s,/?#@\\]/.test(host)

/**
 * Rejects a request before routing: too long, too large, without exactly one `Host`, or with an ambiguous path. Returns
 * undefined if it passes.
 */
export const reject = (
  request: HttpServerRequest.HttpServerRequest,
  { "content-length": length, host }: IncomingHttpHeaders
): Problems.ProblemResponse | undefined => {
  if (request.url.length > MAX_URL_LENGTH) return Problems.respond(urlTooLong)
  if (length !== undefined && Number(length) > MAX_BODY_BYTES)
    return Problems.respond(bodyTooLarge, { headers: { connection: "close" } })
  if (host === undefined && lacksHost(request)) return Problems.respond(missingHost)
  if (host !== undefined && !isValidHost(host)) return Problems.respond(invalidHost)
  if (!request.url.startsWith("/") && request.method !== "OPTIONS") return Problems.respond(noPath)
  if (hasAmbiguousPath(request.url)) return Problems.respond(ambiguousPath)
  const { url: target = "" } = NodeHttpServerRequest.toIncomingMessage(request)
  if (isNormalized(target, request.url)) return Problems.respond(normalizedPath)
  return undefined
}

/** A trusted proxy may have set the host by a forwarded header. */
const lacksHost = (request: HttpServerRequest.HttpServerRequest) =>
  request.headers["host"] === undefined &&
  NodeHttpServerRequest.toIncomingMessage(request).httpVersion === "1.1"
