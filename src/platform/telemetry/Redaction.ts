import { Redacted } from "effect"
import type { HttpClientRequest } from "effect/http"

/** Keys are longer; what is shorter is a stand-in such as `test`, and may be part of anything. */
const SHORTEST_SECRET = 12

/** A key of effex, whosever it is: what callers show is not known beforehand. */
const API_KEY = /efx_(live|test)_\w+/g

/** Text without the secrets, however they are written, and without any key of effex. */
export type Redact = (text: string) => string

/** Makes the spellings of the secrets once, for many texts. What is shorter than `shortest` is not looked for. */
export const redactor = (
  secrets: ReadonlyArray<Redacted.Redacted>,
  shortest: number = SHORTEST_SECRET
): Redact => {
  const all = secrets
    .map(Redacted.value)
    .filter((secret) => secret.length >= shortest)
    .flatMap(spellings)
  // The longest first, so that no part of it is left.
  const known = Array.from(new Set(all)).toSorted((a, b) => b.length - a.length)
  return (text) =>
    known
      .reduce((rest, spelling) => rest.replaceAll(spelling, "<redacted>"), text)
      .replace(API_KEY, "<redacted>")
}

/** Text without the secrets; see {@link redactor}. */
export const redact = (text: string, secrets: ReadonlyArray<Redacted.Redacted>): string =>
  redactor(secrets)(text)

/** As it is, and as a URL, a form, JSON, base64 or hexadecimal digits have it. */
const spellings = (secret: string) => [
  secret,
  encodeURIComponent(secret),
  new URLSearchParams([["", secret]]).toString().slice(1),
  JSON.stringify(secret).slice(1, -1),
  JSON.stringify(JSON.stringify(secret)).slice(3, -3),
  Buffer.from(secret).toString("hex"),
  ...[0, 1, 2].flatMap((offset) => inBase64(secret, offset))
]

/** What base64 makes of a secret behind `offset` bytes of something else, without the digits that these share. */
const inBase64 = (secret: string, offset: number) => {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)])
  const begin = offset === 0 ? 0 : offset + 1
  const end = Math.floor((bytes.length * 8) / 6)
  return (["base64", "base64url"] as const).map((encoding) => bytes.toString(encoding).slice(begin, end))
}

/** The secrets that a request carries by itself: its bearer token, and what is redacted in its query. */
export const sentBy = ({
  headers,
  urlParams
}: HttpClientRequest.HttpClientRequest): ReadonlyArray<Redacted.Redacted> => [
  Redacted.make((headers["authorization"] ?? "").replace(/^Bearer /, "")),
  ...urlParams.params.map(([, value]) => value).filter((value) => typeof value !== "string")
]
