import { Result, Schema } from "effect"

const MIN_PASSWORD_CHARACTERS = 10
export const MAX_PASSWORD_BYTES = 1000

/** Description of a valid password, for error messages. */
const ALLOWED_PASSWORD = `at least ${MIN_PASSWORD_CHARACTERS} characters and at most ${MAX_PASSWORD_BYTES} bytes, not a common password, and not the username`

/** The password is not allowed for a new account or a change. Never contains the password. */
export class PasswordRefused extends Schema.TaggedError<PasswordRefused>()("PasswordRefused", {
  reason: Schema.Literals(["too-short", "too-long", "not-text", "common", "username"])
}) {
  override get message(): string {
    return `The password ${REASONS[this.reason]}; a password has ${ALLOWED_PASSWORD}`
  }
}

const REASONS: Readonly<Record<PasswordRefused["reason"], string>> = {
  "too-short": `is shorter than ${MIN_PASSWORD_CHARACTERS} characters`,
  "too-long": `is longer than ${MAX_PASSWORD_BYTES} bytes`,
  "not-text": "contains characters that are not valid Unicode",
  common: "is one of the most common passwords",
  username: "contains little more than the username"
}

/** Returns the size of a text in bytes of UTF-8. */
export const bytesOf = (text: string): number => new TextEncoder().encode(text).length

/**
 * Returns the password as it is hashed. Systems encode the same typed letters differently (é as one or two code points),
 * so it is normalized (NFKC, as in RFC 8265 with compatibility forms).
 */
export const normalize = (password: string): string => password.normalize("NFKC")

/** Checks a new password for a user. `isCommon` takes the normalized password in lower case. */
export const check = (
  password: string,
  username: string,
  isCommon: (lowerCase: string) => boolean
): Result.Result<string, PasswordRefused> => {
  const refuse = (reason: PasswordRefused["reason"]) => Result.fail(new PasswordRefused({ reason }))
  if (!password.isWellFormed()) return refuse("not-text")
  // The size first: nothing else runs on a text of any length.
  if (bytesOf(password) > MAX_PASSWORD_BYTES) return refuse("too-long")
  const normalized = normalize(password)
  if (bytesOf(normalized) > MAX_PASSWORD_BYTES) return refuse("too-long")
  if (Array.from(normalized).length < MIN_PASSWORD_CHARACTERS) return refuse("too-short")
  const lowerCase = normalized.toLowerCase()
  if (isCommon(lowerCase)) return refuse("common")
  return isUsername(lowerCase, username) ? refuse("username") : Result.succeed(normalized)
}

/** The username itself, repeated, reversed, or with digits and signs around it. */
const isUsername = (password: string, username: string) => {
  const core = password.replaceAll(/^[^a-z]+|[^a-z]+$/g, "")
  const reversed = Array.from(username).toReversed().join("")
  return (
    password === username ||
    core === username ||
    password === reversed ||
    password.replaceAll(username, "") === ""
  )
}
