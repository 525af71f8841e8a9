import { Schema } from "effect"

/** An invalid setting: the value that was found, and what is allowed. */
export const InvalidSetting = Schema.Struct({
  name: Schema.String,
  found: Schema.String,
  allowed: Schema.String
})

/** One or more settings are invalid. The message lists all of them. */
export class InvalidSettings extends Schema.TaggedError<InvalidSettings>()("InvalidSettings", {
  invalid: Schema.Array(InvalidSetting)
}) {
  override get message(): string {
    const lines = this.invalid.map(
      ({ allowed, found, name }) => `  ${name}: found ${found}; allowed: ${allowed}`
    )
    return [
      "effex cannot start: invalid settings",
      ...lines,
      "Correct them in the environment or in .env, then start again. `effex --help` describes every setting."
    ].join("\n")
  }
}
