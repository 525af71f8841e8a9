import type { EffexError } from "../../../src/client/promise/EffexError.ts"
import { texts } from "../texts/forms.ts"

/** A failed request in words. */
export interface Problem {
  /** Code of the server, such as `insufficient-funds`. */
  readonly code: string
  /** What happened, what is allowed and what to do. */
  readonly text: string
  /** Problems of single fields, by the last part of their pointer, such as `amount`. */
  readonly fields: Readonly<Record<string, string>>
  /** `unknown` if the request may have been processed. Undefined for requests that move no money. */
  readonly moneyMoved: "no" | "unknown" | undefined
  /** Identifies the request in the server's log. */
  readonly traceId: string | undefined
  readonly error: EffexError
}

/** Words for codes, which a form may add to: it knows what a code means for it. */
export type ProblemTexts = Readonly<Record<string, string>>

const sentence = (text: string) => {
  const capital = `${text.charAt(0).toUpperCase()}${text.slice(1)}`
  return /[.!?]$/.test(capital) ? capital : `${capital}.`
}

const durationOf = (millis: number) => {
  const seconds = Math.max(1, Math.ceil(millis / 1000))
  return seconds < 90 ? texts.seconds(seconds) : texts.minutes(Math.ceil(seconds / 60))
}

/** Codes of requests that the server, or the client before it sent them, refused without processing them. */
const isDefinite = ({ code, sent, status }: EffexError) =>
  !sent || (status >= 400 && status < 500 && status !== 408 && code !== "rate-limited")

/** Describes an error. */
export const describe = (error: EffexError, own: ProblemTexts = {}, movesMoney = false): Problem => {
  const fields = Object.fromEntries(
    error.errors.map(({ detail, pointer }) => [pointer.split("/").at(-1) ?? "", sentence(detail)])
  )
  const text = own[error.code] ?? texts.problems[error.code] ?? sentence(error.detail)
  const { retryAfterMillis } = error
  const isLimited = error.code === "rate-limited" && retryAfterMillis !== undefined
  return {
    code: error.code,
    text: isLimited ? `${text} ${texts.retryAfter(durationOf(retryAfterMillis))}` : text,
    fields,
    moneyMoved: !movesMoney ? undefined : wasRefused(error) ? "no" : "unknown",
    traceId: error.traceId,
    error
  }
}

/** True if the request had no effect, and a repetition is a new attempt. */
export const wasRefused = (error: EffexError): boolean => isDefinite(error)
