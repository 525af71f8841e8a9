import * as Backoff from "./Backoff.ts"
import { EffexError, type ErrorFields, notSignedIn } from "./EffexError.ts"
import * as Json from "./Json.ts"
import { type DurationInput, millisOf } from "./Options.ts"
import { problemOf, unreachable } from "./Responses.ts"

/** Options of every call. */
export interface CallOptions {
  /** Aborts the call. It then fails with the code `aborted`. */
  readonly signal?: AbortSignal | undefined
  /** Maximum duration of the call with its retries. Default: that of the client. */
  readonly timeout?: DurationInput | undefined
}

export const CALL_OPTIONS = ["signal", "timeout"] as const

/** Address and options of requests. */
export interface ServerAccess {
  /** Without a slash at its end. */
  readonly url: string
  readonly apiKey: string | undefined
  readonly timeoutMillis: number
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal
  /** Authorizes the requests of a user. Undefined for a client without accounts. */
  readonly user?: UserAuthorization
}

/** Headers of a request of a user. */
export interface UserHeaders {
  readonly headers: Readonly<Record<string, string>>
  /** Identifies the user or the session: all attempts of one call have the same. */
  readonly identity: string
}

/** Authorizes the requests of a user. */
export interface UserAuthorization {
  /** Returns the headers of the next request. Rejects with `SessionEnded` if no user is signed in. */
  headers(signal: AbortSignal): Promise<UserHeaders>
  /** Handles a response with status 401. Returns true if the request may succeed with new headers. */
  refused(headers: UserHeaders, error: EffexError): Promise<boolean>
}

export interface RequestInput {
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: Readonly<Record<string, unknown>>
  /** Default: POST with a body, and GET without one. */
  readonly method?: "GET" | "POST" | "PATCH" | "PUT" | "DELETE"
  readonly headers?: Readonly<Record<string, string>>
  readonly idempotencyKey?: string
  /** True if the request must not be repeated after a lost connection. */
  readonly isUnsafe?: boolean
  /** Credentials of the request: the API key if there is one (`key`, the default), those of the user, or none. */
  readonly as?: "key" | "user" | "anonymous"
}

const MAX_RETRIES = 3

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

/** Returns the header of the API key, if there is one. */
export const keyHeaders = ({ apiKey }: ServerAccess): UserHeaders => ({
  headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
  identity: ""
})

/** Returns the credentials of the next request. */
export const authorize = async (access: ServerAccess, as: RequestInput["as"], signal: AbortSignal) => {
  if (as === "anonymous") return { headers: {}, identity: "" }
  if (as !== "user") return keyHeaders(access)
  if (access.user === undefined) throw notSignedIn()
  return access.user.headers(signal)
}

/** Sends a request like {@link exchange}, and returns the JSON object of its response, which has one of the fields. */
export const send = (
  access: ServerAccess,
  request: RequestInput,
  fields: string | ReadonlyArray<string>,
  options?: CallOptions
) =>
  exchange(access, request, options, (text) => {
    const json = Json.parse(text)
    return Json.isRecord(json) && [fields].flat().some((field) => field in json) ? json : undefined
  })

/** Sends a request like {@link exchange}, and returns the JSON list of its response. */
export const sendForList = (access: ServerAccess, request: RequestInput, options?: CallOptions) =>
  exchange(access, request, options, (text): ReadonlyArray<unknown> | undefined => {
    const json = Json.parse(text)
    return Array.isArray(json) ? json : undefined
  })

/** Sends a request like {@link exchange}, whose successful response is empty. */
export const sendForNothing = async (access: ServerAccess, request: RequestInput, options?: CallOptions) => {
  await exchange(access, request, options, (text, status) => (status === 204 ? text : undefined))
}

/**
 * Sends a request and returns what `accept` makes of its response. Retries retryable failures with the same idempotency
 * key, after `Retry-After` or an exponential backoff, until the timeout. Undefined from `accept` means that the response is
 * not one of an effex server.
 */
export const exchange = async <A>(
  access: ServerAccess,
  request: RequestInput,
  { signal, timeout }: CallOptions = {},
  accept: (text: string, status: number) => A | undefined
): Promise<A> => {
  const { idempotencyKey } = request
  const timeoutMillis = timeout === undefined ? access.timeoutMillis : millisOf("timeout", timeout)
  if (signal?.aborted === true) throw abortedError(signal)
  if (access.closed.aborted) throw closedError()
  const requestId = randomId()
  const context = { access, idempotencyKey, requestId, timeoutMillis }
  const limit = limitCall(context, signal)
  const deadline = performance.now() + timeoutMillis
  let sent = false
  let identity: string | undefined
  let isRenewed = false
  const authorizeAttempt = async () => {
    const user = await authorize(access, request.as, limit.signal)
    // Another tab may have signed in as another user since the first attempt.
    if (identity !== undefined && identity !== user.identity) throw notSignedIn()
    identity = user.identity
    return user
  }
  try {
    for (let failures = 0; ; failures++) {
      const user = await authorizeAttempt().catch(toError)
      const result =
        user instanceof EffexError
          ? user
          : await attempt(context, request, user.headers, limit.signal, accept).catch(toError)
      if (!(result instanceof EffexError)) return result.value
      sent ||= result.sent
      const fail = () => {
        throw Object.assign(result, { sent, idempotencyKey, traceId: result.traceId ?? requestId })
      }
      if (user instanceof EffexError) return fail()
      if (request.as === "user" && result.status === 401 && access.user !== undefined) {
        if (!(await access.user.refused(user, result)) || isRenewed) return fail()
        isRenewed = true
        continue
      }
      const delay = result.retryAfterMillis ?? Backoff.delayMillis(failures)
      const isRetried =
        result.retryable &&
        !(request.isUnsafe === true && result.sent) &&
        failures < MAX_RETRIES &&
        performance.now() + delay < deadline
      if (!isRetried) return fail()
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

const attempt = async <A>(
  context: CallContext,
  request: RequestInput,
  credentials: Readonly<Record<string, string>>,
  signal: AbortSignal,
  accept: (text: string, status: number) => A | undefined
) => {
  const { access, requestId } = context
  const { body, headers, idempotencyKey, method = body === undefined ? "GET" : "POST", path, query } = request
  let response
  let text
  try {
    signal.throwIfAborted()
    response = await fetch(addressOf(access.url, path, query), {
      method,
      headers: {
        accept: "application/json",
        "x-request-id": requestId,
        ...credentials,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
        ...headers
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
  if (!response.ok) throw problemOf(response, Json.parse(text), access.url, context)
  const value = accept(text, response.status)
  if (value !== undefined) return { value }
  throw new EffexError({
    code: "unexpected-response",
    status: response.status,
    detail: `${access.url} did not respond like an effex server; check the URL`,
    traceId: requestId,
    idempotencyKey
  })
}
