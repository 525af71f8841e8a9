import { Duration, Effect, Option, Schema, Stream } from "effect"
import { HttpClient, type HttpClientError, HttpClientRequest } from "effect/http"

/** Longest wait for a response. */
const REQUEST_TIMEOUT = Duration.seconds(10)

/** A request failed. `kind` is the code of a problem, `http-502`, `timeout` or `connection`. */
export class RequestFailed extends Schema.TaggedError<RequestFailed>()("RequestFailed", {
  kind: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
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
      onNone: () => new RequestFailed({ kind: `http-${status}`, detail: `status ${status}` }),
      onSome: ({ code, detail }) => new RequestFailed({ kind: code, detail: detail ?? code })
    })

  const bounded = <A>(effect: Effect.Effect<A, RequestFailed | HttpClientError.HttpClientError>) =>
    effect.pipe(
      Effect.catchTag("HttpClientError", () =>
        Effect.fail(new RequestFailed({ kind: "connection", detail: `${url} is not reachable` }))
      ),
      Effect.timeoutOrElse({
        duration: REQUEST_TIMEOUT,
        orElse: () =>
          Effect.fail(
            new RequestFailed({
              kind: "timeout",
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
      return yield* new RequestFailed({ kind: "stream-ended", detail: `the stream ended before ${event}` })
  })

  return {
    send: (request: ApiRequest) => bounded(send(request)),
    awaitEvent: (path: string, event: string) => bounded(awaitEvent(path, event))
  }
})

export type LoadClient = Effect.Success<ReturnType<typeof make>>
