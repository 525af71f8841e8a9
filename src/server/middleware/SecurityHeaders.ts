import { Effect } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"

/**
 * What a browser is told of every answer. Nothing is said of HTTPS (`Strict-Transport-Security`): that is for the proxy
 * that speaks it, since over plain HTTP browsers ignore it.
 */
const COMMON = {
  // Whose pages may read is said by `Origins`; this would only keep others from embedding what is no image and no script.
  "cross-origin-resource-policy": "cross-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
} as const

/** The headers of every answer that is no page: data is data, whatever stands in it. */
export const HEADERS = {
  ...COMMON,
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'"
} as const

/** Pages bring everything with them, and a browser fetches nothing for them from elsewhere, fonts included. */
const PAGE_POLICY = [
  "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "object-src 'none'"
].join("; ")

/** What a browser is told of an answer: a page says by itself what it may do. */
export const headersOf = ({
  headers
}: HttpServerResponse.HttpServerResponse): Readonly<Record<string, string>> =>
  "content-security-policy" in headers ? COMMON : HEADERS

/** Lets a page run what it brings. */
export const layerPages = HttpRouter.middleware(
  Effect.map(
    HttpServerResponse.setHeaders({ "content-security-policy": PAGE_POLICY, "x-frame-options": "DENY" })
  )
).layer
