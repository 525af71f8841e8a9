import { Clock, Effect, Option, Schema } from "effect"

/** A complete response. */
export interface HttpResponse {
  readonly status: number
  readonly text: string
  readonly headers: Headers
  /** Times of the request and of the response, in epoch milliseconds. */
  readonly startedAt: number
  readonly endedAt: number
}

/** Exceeds the longest response time of the contract. */
const RESPONSE_TIMEOUT = "15 seconds"

/** Sends a request. Returns none if there is no complete response, so that the outcome is unknown. */
export const request = Effect.fnUntraced(function* (url: string, path: string, init: RequestInit = {}) {
  const startedAt = yield* Clock.currentTimeMillis
  const received = yield* Effect.tryPromise(async (signal) => {
    const response = await fetch(url + path, { ...init, signal })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }).pipe(Effect.timeoutOption(RESPONSE_TIMEOUT), Effect.orElseSucceed(Option.none))
  const endedAt = yield* Clock.currentTimeMillis
  return Option.map(received, (response): HttpResponse => ({ ...response, startedAt, endedAt }))
})

const Members = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
const decodeMembers = Schema.decodeUnknownOption(Members)

/** Members of a JSON object; empty for any other text. */
export const parseJsonObject = (text: string): Readonly<Record<string, unknown>> =>
  Option.getOrElse(decodeMembers(text), () => ({}))

/** Problem code of a response, or its status. */
export const codeOf = ({ status, text }: HttpResponse): string =>
  String(parseJsonObject(text)["code"] ?? status)
