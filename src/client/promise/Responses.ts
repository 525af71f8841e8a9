import { EffexError, type ErrorDetail, fromProblem } from "./EffexError.ts"
import * as Json from "./Json.ts"

/** Statuses of proxies, which have no problem as their body. */
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504])

/** Errors of Node.js before a request is sent. */
const NOT_SENT = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/

interface FailedRequest {
  readonly requestId: string
  readonly idempotencyKey?: string | undefined
}

/** Returns the error of a request without a complete response. */
export const unreachable = (url: string, cause: unknown, { idempotencyKey, requestId }: FailedRequest) => {
  const reason = cause instanceof Error ? cause.cause : undefined
  const code = reason instanceof Error && "code" in reason ? String(reason.code) : undefined
  return new EffexError({
    code: "unreachable",
    detail: `Could not reach ${url}${code === undefined ? "" : ` (${code})`}; check the URL, that the server is running, and in a page of another origin its CORS_ORIGINS`,
    retryable: true,
    sent: code === undefined || !NOT_SENT.test(code),
    traceId: requestId,
    idempotencyKey,
    cause
  })
}

/** Returns the error of a response that is not successful. */
export const problemOf = (response: Response, json: unknown, url: string, request: FailedRequest) => {
  const { headers, status } = response
  const problem = Json.isRecord(json) && typeof json["code"] === "string" ? json : undefined
  const text = (name: string) => {
    const value = problem?.[name]
    return typeof value === "string" ? value : undefined
  }
  const location = headers.get("location")
  return fromProblem({
    problem,
    code: text("code") ?? "unexpected-response",
    status,
    detail: text("detail") ?? text("title") ?? unexpectedDetail(url, response, location),
    retryable:
      typeof problem?.["retryable"] === "boolean" ? problem["retryable"] : RETRYABLE_STATUSES.has(status),
    traceId: text("trace_id") ?? headers.get("x-request-id") ?? request.requestId,
    errors: detailsOf(problem?.["errors"]),
    idempotencyKey: request.idempotencyKey,
    retryAfterMillis: retryAfterMillis(headers.get("retry-after")),
    // Of these statuses, only errors about rates come before a request is processed.
    sent: status >= 500 && text("code")?.startsWith("rate-") !== true
  })
}

const unexpectedDetail = (url: string, { status, type }: Response, location: string | null) => {
  if (location !== null) return `${url} redirects to ${location}; use the URL of the server itself`
  if (type === "opaqueredirect") return `${url} redirects to another URL; use the URL of the server itself`
  return `${url} responded with status ${status} and without an error of effex; check the URL and the proxies before the server`
}

const detailsOf = (errors: unknown): ReadonlyArray<ErrorDetail> =>
  Array.isArray(errors)
    ? errors.filter(
        (error): error is ErrorDetail =>
          Json.isRecord(error) && typeof error["pointer"] === "string" && typeof error["detail"] === "string"
      )
    : []

/** Parses `Retry-After`: seconds or a date (RFC 9110, 10.2.3). */
const retryAfterMillis = (text: string | null): number | undefined => {
  if (text === null) return undefined
  const millis = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(millis) ? undefined : Math.max(0, millis)
}
