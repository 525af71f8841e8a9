import { Duration, Effect, Option, Predicate, Schema, Stream } from "effect"
import { HttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import { rootCause, rootMessage } from "../../platform/RootCause.ts"

/** Longest wait for a response. */
const REQUEST_TIMEOUT = Duration.seconds(10)
/** Characters of a response that is no problem, in the detail of a failure. */
const MAX_EXCERPT_LENGTH = 200

/** A request failed. */
export class RequestFailed extends Schema.TaggedError<RequestFailed>()("RequestFailed", {
  /**
   * Code of a problem, `unexpected-response` for a response that is none, `timeout`, `stream-ended`, or the code of a transport
   * error, such as `ECONNRESET`.
   */
  code: Schema.String,
  /** Status of the response. Undefined if there was none. */
  status: Schema.UndefinedOr(Schema.Int),
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }

  /** Status and code, such as `503 store-unavailable`, or only the code. */
  get reason(): string {
    return this.status === undefined ? this.code : `${this.status} ${this.code}`
  }
}

const decodeProblem = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ code: Schema.String, detail: Schema.optionalKey(Schema.String) }))
)

/** A request to the API. */
export interface ApiRequest {
  readonly method: "GET" | "POST" | "PATCH"
  /** Path after `/api/v1`. */
  readonly path: string
  readonly access?: string | undefined
  readonly body?: Readonly<Record<string, unknown>>
}

/** Makes the functions that call a server. No failed request is repeated: a repetition would hide it. */
export const make = Effect.fnUntraced(function* (url: string) {
  const client = yield* HttpClient.HttpClient

  const execute = ({ access, body, method, path }: ApiRequest) => {
    const request = HttpClientRequest.make(method)(`${url}/api/v1${path}`, {
      headers: access === undefined ? {} : { authorization: `Bearer ${access}` }
    })
    return client.execute(body === undefined ? request : HttpClientRequest.bodyJsonUnsafe(request, body))
  }

  const failWith = (status: number, text: string) =>
    Option.match(decodeProblem(text), {
      onNone: () =>
        new RequestFailed({ code: "unexpected-response", status, detail: text.slice(0, MAX_EXCERPT_LENGTH) }),
      onSome: ({ code, detail }) => new RequestFailed({ code, status, detail: detail ?? code })
    })

  const bounded = <A>(effect: Effect.Effect<A, RequestFailed | HttpClientError.HttpClientError>) =>
    effect.pipe(
      Effect.catchTag("HttpClientError", (error) => Effect.fail(transportFailure(url, error))),
      Effect.timeoutOrElse({
        duration: REQUEST_TIMEOUT,
        orElse: () =>
          Effect.fail(
            new RequestFailed({
              code: "timeout",
              status: undefined,
              detail: `no response within ${Duration.format(REQUEST_TIMEOUT)}`
            })
          )
      })
    )

  /** Sends a request and returns the text of its response. */
  const send = Effect.fnUntraced(function* (request: ApiRequest) {
    const response = yield* execute(request)
    const text = yield* response.text
    return response.status < 400 ? text : yield* failWith(response.status, text)
  })

  /** Opens an event stream, and closes it after the first event with a name. */
  const awaitEvent = Effect.fnUntraced(function* (path: string, event: string) {
    const response = yield* execute({ method: "GET", path })
    if (response.status >= 400) return yield* failWith(response.status, yield* response.text)
    const found = yield* response.stream.pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.filter((line) => line === `event: ${event}`),
      Stream.runHead
    )
    if (Option.isNone(found))
      return yield* new RequestFailed({
        code: "stream-ended",
        status: response.status,
        detail: `the stream ended before ${event}`
      })
  })

  return {
    send: (request: ApiRequest) => bounded(send(request)),
    awaitEvent: (path: string, event: string) => bounded(awaitEvent(path, event))
  }
})

export type LoadClient = Effect.Success<ReturnType<typeof make>>

/** The failure of a request without a complete response: not connected, or disconnected. */
const transportFailure = (url: string, error: HttpClientError.HttpClientError) => {
  const cause = rootCause(error)
  const code = Predicate.hasProperty(cause, "code") ? cause.code : undefined
  const found = error.response === undefined ? `no response from ${url}` : "the response ended early"
  return new RequestFailed({
    code: Predicate.isString(code) ? code : error.reason._tag,
    status: error.response?.status,
    detail: `${found}: ${rootMessage(error)}`
  })
}
