import * as Backoff from "./Backoff.ts"
import { EffexError, type ErrorDetail, type ErrorFields } from "./EffexError.ts"
import * as Json from "./Json.ts"
import { type DurationInput, millisOf } from "./Options.ts"

/** Options of every call. */
export interface CallOptions {
  /** Aborts the call. It then fails with the code `aborted`. */
  readonly signal?: AbortSignal | undefined
  /** Maximum duration of the call with its retries. Default: that of the client. */
  readonly timeout?: DurationInput | undefined
}

export const CALL_OPTIONS = ["signal", "timeout"] as const

/** Where and how requests are sent. */
export interface ServerAccess {
  /** Without a slash at its end. */
  readonly url: string
  readonly apiKey: string | undefined
  readonly timeoutMillis: number
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal
}

interface RequestInput {
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  /** Makes the request a POST. */
  readonly body?: Readonly<Record<string, unknown>>
  readonly idempotencyKey?: string
  /** True if the request must not be repeated after a lost connection. */
  readonly isUnsafe?: boolean
}

const MAX_RETRIES = 3

/** Statuses of proxies, which have no problem as their body. */
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504])

/** Errors of Node.js before a request is sent. */
const NOT_SENT = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/

/** Returns an id in the format of the server's trace ids. Also works in pages without HTTPS. */
export const randomId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join(
    ""
  )

/** Returns the absolute URL of a path, without undefined parameters. */
export const addressOf = (url: string, path: string, query: RequestInput["query"] = {}): string => {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, value)
  return `${url}${path}${parameters.size === 0 ? "" : `?${parameters}`}`
}

/** Headers of every request. The id makes the request traceable also if no response arrives. */
export const headersOf = ({ apiKey }: ServerAccess, requestId: string): Record<string, string> => ({
  "x-request-id": requestId,
  ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` })
})

/**
 * Sends a request and returns the JSON object of its response, which has the field `field`. Retries retryable failures
 * with the same idempotency key, after `Retry-After` or an exponential backoff, until the timeout.
 */
export const send = async (
  access: ServerAccess,
  request: RequestInput,
  field: string,
  { signal, timeout }: CallOptions = {}
): Promise<Readonly<Record<string, unknown>>> => {
  const { idempotencyKey } = request
  const timeoutMillis = timeout === undefined ? access.timeoutMillis : millisOf("timeout", timeout)
  if (signal?.aborted === true) throw abortedError(signal)
  if (access.closed.aborted) throw closedError()
  const requestId = randomId()
  const context = { access, idempotencyKey, requestId, timeoutMillis }
  const limit = limitCall(context, signal)
  const deadline = performance.now() + timeoutMillis
  let sent = false
  try {
    for (let failures = 0; ; failures++) {
      const result = await attempt(context, request, field, limit.signal).catch(toError)
      if (!(result instanceof EffexError)) return result
      sent ||= result.sent
      const delay = result.retryAfterMillis ?? Backoff.delayMillis(failures)
      const isRetried =
        result.retryable &&
        !(request.isUnsafe === true && result.sent) &&
        failures < MAX_RETRIES &&
        performance.now() + delay < deadline
      if (!isRetried)
        throw sent === result.sent ? result : new EffexError({ ...result, cause: result.cause, sent })
      await Backoff.sleep(delay, limit.signal)
    }
  } finally {
    limit.dispose()
  }
}

const toError = (error: unknown): EffexError => {
  if (error instanceof EffexError) return error
  throw error
}

interface CallContext {
  readonly access: ServerAccess
  readonly idempotencyKey: string | undefined
  readonly requestId: string
  readonly timeoutMillis: number
}

/** Returns a signal that aborts with the error of a timeout, of the caller's signal, or of a closed client. */
const limitCall = (
  { access, idempotencyKey, requestId, timeoutMillis }: CallContext,
  caller: AbortSignal | undefined
) => {
  const controller = new AbortController()
  const shared = { idempotencyKey, traceId: requestId, sent: true }
  const onAbort = () => controller.abort(abortedError(caller, shared))
  const onClose = () => controller.abort(closedError(shared))
  const timer = setTimeout(() => {
    const detail = `${access.url} did not respond within ${timeoutMillis} milliseconds`
    controller.abort(new EffexError({ ...shared, code: "timeout", detail, retryable: true }))
  }, timeoutMillis)
  caller?.addEventListener("abort", onAbort, { once: true })
  access.closed.addEventListener("abort", onClose, { once: true })
  return {
    signal: controller.signal,
    dispose: () => {
      clearTimeout(timer)
      caller?.removeEventListener("abort", onAbort)
      access.closed.removeEventListener("abort", onClose)
    }
  }
}

const abortedError = (signal: AbortSignal | undefined, fields: Partial<ErrorFields> = {}) =>
  new EffexError({ ...fields, code: "aborted", detail: "The call was aborted", cause: signal?.reason })

/** Returns the error of a closed client. */
const closedError = (fields: Partial<ErrorFields> = {}) =>
  new EffexError({ ...fields, code: "closed", detail: "The client was closed" })

const attempt = async (
  context: CallContext,
  { body, idempotencyKey, path, query }: RequestInput,
  field: string,
  signal: AbortSignal
) => {
  const { access, requestId } = context
  let response
  let text
  try {
    signal.throwIfAborted()
    response = await fetch(addressOf(access.url, path, query), {
      method: body === undefined ? "GET" : "POST",
      headers: {
        accept: "application/json",
        ...headersOf(access, requestId),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // A redirected POST would become a GET.
      redirect: "manual",
      signal
    })
    text = await response.text()
  } catch (error) {
    throw signal.aborted ? signal.reason : unreachable(access.url, error, context)
  }
  const json = Json.parse(text)
  if (!response.ok) throw problemOf(response, json, access.url, context)
  if (Json.isRecord(json) && field in json) return json
  throw new EffexError({
    code: "unexpected-response",
    status: response.status,
    detail: `${access.url} did not respond like an effex server; check the URL`,
    traceId: requestId,
    idempotencyKey
  })
}

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
  return new EffexError({
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
