import { Effect } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"

/**
 * Headers of every response. `Strict-Transport-Security` is left to the proxy that terminates TLS, because browsers ignore
 * it over plain HTTP.
 */
const COMMON = {
  // `Cors` restricts which pages can read a response; this header would only restrict embedding.
  "cross-origin-resource-policy": "cross-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
} as const

/** Headers of every response that is not a page. Browsers load and run nothing that the data contains. */
export const HEADERS = {
  ...COMMON,
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'"
} as const

/** Pages are self-contained: the browser loads nothing from other hosts, not even fonts. */
const PAGE_POLICY = [
  "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "object-src 'none'"
].join("; ")

/**
 * Returns the headers of a page of the web app. Its scripts and styles are files of this server, except for the styles with
 * the given hash, and Trusted Types let only Vue's compiled templates make HTML.
 */
export const appHeaders = (styleSource = "") => ({
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' ${styleSource}`.trim(),
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types vue"
  ].join("; "),
  "x-frame-options": "DENY"
})

/** Returns the security headers to add to a response. A page already has its own content security policy. */
export const headersOf = ({
  headers
}: HttpServerResponse.HttpServerResponse): Readonly<Record<string, string>> =>
  "cross-origin-resource-policy" in headers
    ? { ...("content-security-policy" in headers ? COMMON : HEADERS), ...headers }
    : "content-security-policy" in headers
      ? COMMON
      : HEADERS

/** Sets the content security policy of pages, which allows the scripts and styles that they contain. */
export const layerPages = HttpRouter.middleware(
  Effect.map(
    HttpServerResponse.setHeaders({ "content-security-policy": PAGE_POLICY, "x-frame-options": "DENY" })
  )
).layer
