import { createHash } from "node:crypto"
import * as PersonalData from "./PersonalData.ts"
import * as StackFrames from "./StackFrames.ts"

/** An error to report: an exception with its causes, or the message of an error that was logged. */
export interface ErrorReport {
  readonly level: "error" | "fatal"
  /** In epoch milliseconds. */
  readonly time: number
  /** 32 hexadecimal digits, the `trace_id` of problems and log lines. Undefined for background work. */
  readonly traceId: string | undefined
  readonly content:
    | { readonly _tag: "Exception"; readonly error: Error }
    | { readonly _tag: "Message"; readonly text: string }
}

const MAX_CAUSES = 5
const MAX_MESSAGE_CHARACTERS = 1000

/** The text of a message without personal data. */
export const publicText = (text: string) => PersonalData.remove(text).slice(0, MAX_MESSAGE_CHARACTERS)

/** An error and what caused it, the outermost first. */
export const causesOf = (error: Error): ReadonlyArray<Error> => {
  const causes: Array<Error> = []
  let current: unknown = error
  while (current instanceof Error && !causes.includes(current) && causes.length < MAX_CAUSES) {
    causes.push(current)
    current = current.cause
  }
  return causes
}

/**
 * Identifies the cause of a report: the kinds of its errors, the place of the innermost one, and its message without numbers.
 * Equal for two requests that fail for the same reason.
 */
export const fingerprintOf = ({ content }: ErrorReport): string => {
  const parts =
    content._tag === "Message"
      ? ["message", content.text]
      : causesOf(content.error).flatMap((error) => {
          const place = StackFrames.parse(error.stack).findLast(({ in_app }) => in_app)
          return [error.name, error.message, place?.function ?? "", place?.filename ?? ""]
        })
  const text = parts.map((part) => publicText(part).replace(/\d+/g, "#")).join("\n")
  return createHash("sha256").update(text).digest("hex").slice(0, 32)
}
