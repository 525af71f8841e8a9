import { Schema } from "effect"

/** Error of one part of the request. The pointer is a JSON pointer that starts with `/query`, `/path`, `/headers` or `/body`. */
export const ProblemPointer = Schema.Struct({ pointer: Schema.String, detail: Schema.String })

/** Returns the type, the status and the title of a problem. */
export const declare = <const Code extends string, const Status extends number>(
  code: Code,
  status: Status,
  title: string
) => ({
  type: `urn:effex:problem:${code}` as const,
  status,
  title
})

/** Returns the members that every problem has. */
export const members = <const Code extends string, const Retryable extends boolean>(
  code: Code,
  retryable: Retryable
) => ({
  /** Stable identifier of the kind of problem, for programs. */
  code: Schema.tag(code),
  errors: Schema.optionalKey(Schema.Array(ProblemPointer)),
  /** True if the same request may succeed later. */
  retryable: Schema.tag(retryable),
  /** Identifies this response in the log and in traces. */
  trace_id: Schema.optionalKey(Schema.String)
})
