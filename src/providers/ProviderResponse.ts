import { Clock, type Duration, Effect, Option, Predicate, type Redacted, Result, Stream } from "effect"
import { Headers, type HttpClientError, type HttpClientResponse } from "effect/http"
import * as Redaction from "../platform/telemetry/Redaction.ts"
import { excerpt, Malformed, Refused, Unreachable } from "./ProviderError.ts"

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** A provider's response with any status. */
export interface ProviderResponse {
  readonly status: number
  /** Limited in size, without a byte order mark; secrets of the request are redacted. */
  readonly body: string
  readonly headers: Headers.Headers
  readonly retryAfter: Option.Option<Duration.Duration>
}

/** Reads a response. Fails when the connection breaks or the body exceeds `maxBodyBytes`. */
export const read = Effect.fnUntraced(function* (
  response: HttpClientResponse.HttpClientResponse,
  maxBodyBytes: number,
  secrets: ReadonlyArray<Redacted.Redacted>
) {
  const body = yield* readBody(response, maxBodyBytes)
  return {
    status: response.status,
    body: Redaction.redact(body, secrets),
    headers: response.headers,
    retryAfter: yield* readRetryAfter(response)
  } satisfies ProviderResponse
})

/**
 * Fails for a redirect, with the host and the path of the new address. Redirects are not followed: the request may carry a
 * key, which another server must not get.
 */
export const rejectRedirect = (
  { headers, status }: HttpClientResponse.HttpClientResponse,
  requestUrl: string,
  secrets: ReadonlyArray<Redacted.Redacted>
): Effect.Effect<void, Refused> => {
  const location = headers["location"]
  if (!REDIRECTS.has(status) || location === undefined) return Effect.void
  const url = URL.parse(location, requestUrl)
  const target = url === null ? "an invalid URL" : excerpt(Redaction.redact(url.host + url.pathname, secrets))
  const detail = `redirected to ${target}; redirects are not followed, so set the new address`
  return Effect.fail(new Refused({ status, detail }))
}

/** Maps a transport error to a reason. Its detail is an error code such as `ECONNREFUSED` and holds no secret. */
export const unreachable = ({ cause, reason }: HttpClientError.HttpClientError) =>
  new Unreachable({
    detail: Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : reason._tag
  })

const readBody = (response: HttpClientResponse.HttpClientResponse, maxBytes: number) =>
  response.stream.pipe(
    Stream.mapError(
      (error) => new Unreachable({ detail: `the response was incomplete (${error.reason._tag})` })
    ),
    Stream.runFoldEffect(
      () => ({ chunks: new Array<Uint8Array>(), size: 0 }),
      (body, chunk) => {
        body.chunks.push(chunk)
        body.size += chunk.length
        return body.size > maxBytes
          ? Effect.fail(new Malformed({ detail: `more than ${maxBytes} bytes` }))
          : Effect.succeed(body)
      }
    ),
    // Also drops a byte order mark, which some servers send and JSON.parse rejects.
    Effect.map(({ chunks }) => new TextDecoder().decode(Buffer.concat(chunks)))
  )

const readRetryAfter = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse) {
  const header = Option.fromUndefinedOr(response.headers["retry-after"])
  const parsed = Option.flatMap(header, (text) => Result.getSuccess(Headers.parseRetryAfter(text)))
  if (Option.isNone(parsed)) return Option.none()
  return Option.some(Headers.retryAfterDelay(parsed.value, yield* Clock.currentTimeMillis))
})
