import { Schema } from "effect"

/** Why an administrator does something. It may have several lines. */
export const Reason = Schema.String.check(
  Schema.isPattern(/\S/, { message: "Expected a reason" }),
  Schema.isMaxLength(1000),
  // PostgreSQL stores no NUL.
  Schema.isPattern(/^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u, { message: "must not contain control characters" })
)
