import { Redacted } from "effect"
import type { HttpClientRequest } from "effect/http"

/** Keys are longer; what is shorter is a stand-in such as `test`, and may be part of anything. */
const SHORTEST_SECRET = 16

/** Text without the secrets, as they are and as a URL or JSON writes them. */
export const redact = (text: string, secrets: ReadonlyArray<Redacted.Redacted>): string =>
  secrets
    .map(Redacted.value)
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap(spellings)
    .reduce((rest, spelling) => rest.replaceAll(spelling, "<redacted>"), text)

const spellings = (secret: string) => [
  secret,
  encodeURIComponent(secret),
  new URLSearchParams([["", secret]]).toString().slice(1),
  JSON.stringify(secret).slice(1, -1)
]

/** The secrets that a request carries by itself: its bearer token, and what is redacted in its query. */
export const sentBy = ({
  headers,
  urlParams
}: HttpClientRequest.HttpClientRequest): ReadonlyArray<Redacted.Redacted> => [
  Redacted.make((headers["authorization"] ?? "").replace(/^Bearer /, "")),
  ...urlParams.params.map(([, value]) => value).filter((value) => typeof value !== "string")
]
