import { Clock, Effect, Option, Schema } from "effect"

/** A whole answer. */
export interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
  /** Between which moments it was made, in milliseconds. */
  readonly startedAt: number
  readonly endedAt: number
}

/** Longer than any answer may take. */
const PATIENCE = "15 seconds"

/** Asks, and returns the answer; none where there was no whole one, so that nobody knows what became of the request. */
export const ask = Effect.fnUntraced(function* (url: string, path: string, init: RequestInit = {}) {
  const startedAt = yield* Clock.currentTimeMillis
  const answered = yield* Effect.tryPromise(async (signal) => {
    const response = await fetch(url + path, { ...init, signal })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }).pipe(Effect.timeoutOption(PATIENCE), Effect.orElseSucceed(Option.none))
  const endedAt = yield* Clock.currentTimeMillis
  return Option.map(answered, (answer): Answer => ({ ...answer, startedAt, endedAt }))
})

const Members = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
const decodeMembers = Schema.decodeUnknownOption(Members)

/** The members of a JSON object; none of anything else. */
export const membersOf = (text: string): Readonly<Record<string, unknown>> =>
  Option.getOrElse(decodeMembers(text), () => ({}))

/** The code of the problem that an answer tells, or its status. */
export const codeOf = ({ status, text }: Answer): string => String(membersOf(text)["code"] ?? status)
