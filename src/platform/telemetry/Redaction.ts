import { Redacted } from "effect"
import type { HttpClientRequest } from "effect/http"

/** Minimum length of a redacted secret. Shorter values are placeholders such as `test`, which match ordinary words. */
const MIN_SECRET_LENGTH = 12

/** API keys, refresh tokens and access tokens of effex, also those that this process does not know. */
const TOKEN = /efx_(live|test)_\w+|efr_[\w-]+|\bey[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/g

/** Replaces secrets, in every encoding, and API keys of effex by `<redacted>`. */
export type Redact = (text: string) => string

/** Makes a {@link Redact} for many texts. Secrets shorter than `minLength` are ignored. */
export const redactor = (
  secrets: ReadonlyArray<Redacted.Redacted>,
  minLength: number = MIN_SECRET_LENGTH
): Redact => {
  const encoded = secrets
    .map(Redacted.value)
    .filter((secret) => secret.length >= minLength)
    .flatMap(encodings)
  // Longest first: replacing a shorter one that it contains would leave the rest.
  const patterns = Array.from(new Set(encoded)).toSorted((a, b) => b.length - a.length)
  return (text) =>
    patterns
      .reduce((redacted, pattern) => redacted.replaceAll(pattern, "<redacted>"), text)
      .replace(TOKEN, "<redacted>")
}

/** Redacts one text; see {@link redactor}. */
export const redact = (text: string, secrets: ReadonlyArray<Redacted.Redacted>): string =>
  redactor(secrets)(text)

/** The secret as plain text, in URLs, forms, JSON, JSON within JSON, hexadecimal and base64. */
const encodings = (secret: string) => [
  secret,
  encodeURIComponent(secret),
  new URLSearchParams([["", secret]]).toString().slice(1),
  JSON.stringify(secret).slice(1, -1),
  JSON.stringify(JSON.stringify(secret)).slice(3, -3),
  Buffer.from(secret).toString("hex"),
  ...[0, 1, 2].flatMap((offset) => base64At(secret, offset))
]

/** Base64 of a secret after `offset` bytes of other data, without the digits that depend on that data. */
const base64At = (secret: string, offset: number) => {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)])
  const begin = offset === 0 ? 0 : offset + 1
  const end = Math.floor((bytes.length * 8) / 6)
  return (["base64", "base64url"] as const).map((encoding) => bytes.toString(encoding).slice(begin, end))
}

/** Secrets in a request: its bearer token and the `Redacted` values of its query. */
export const secretsIn = ({
  headers,
  urlParams
}: HttpClientRequest.HttpClientRequest): ReadonlyArray<Redacted.Redacted> => [
  Redacted.make((headers["authorization"] ?? "").replace(/^Bearer /, "")),
  ...urlParams.params.map(([, value]) => value).filter((value) => typeof value !== "string")
]
