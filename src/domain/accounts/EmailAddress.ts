import { Schema } from "effect"

/** Email address of a user: one `@` with text at both sides. Whether it receives mail is not known. */
export const EmailAddress = Schema.String.check(
  Schema.isPattern(/^[^\s@\p{C}]{1,64}@[^\s@\p{C}]{1,189}$/u, {
    message: "Expected an address such as amara@example.org"
  })
).annotate({ format: "email" })
