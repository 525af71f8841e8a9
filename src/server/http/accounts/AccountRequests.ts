import { Effect, Option, Redacted, type Schema } from "effect"
import type { HttpServerRequest } from "effect/http"
import * as Problem from "../../../api/Problem.ts"
import type { Device } from "../../../domain/accounts/Session.ts"
import * as JsonBody from "../../encoding/JsonBody.ts"
import * as ClientAddress from "../../middleware/addresses/ClientAddress.ts"
import * as Problems from "../../middleware/Problems.ts"

/** Details that do not repeat a value. */
const SAFE_DETAILS = new Set(["is required", "is not a known field"])

/** Reads a body with secrets: its errors name the fields, and never repeat what is in them. */
export const secretReaderOf = <A>(schema: Schema.Codec<A, unknown>) => {
  const read = JsonBody.readerOf(schema)
  return (request: HttpServerRequest.HttpServerRequest) =>
    Effect.mapError(read(request), ({ detail, errors }) => {
      if (errors === undefined) return new Problem.InvalidRequest({ detail: detail ?? "The body is invalid" })
      const safe = errors.map(({ detail, pointer }) => ({
        pointer,
        detail: SAFE_DETAILS.has(detail) ? detail : "has the wrong type, length or form"
      }))
      const text = safe.map(({ detail, pointer }) => `${pointer}: ${detail}`).join("; ")
      return new Problem.InvalidRequest({ detail: text.slice(0, 1000), errors: safe })
    })
}

/** The device of a request: the address that limits count, and the program. */
export const deviceOf = (request: HttpServerRequest.HttpServerRequest): Device => ({
  address: ClientAddress.of(request),
  userAgent: request.headers["user-agent"] ?? ""
})

/** Problem of a body without a field. */
export const missing = (field: string) => Problems.invalid(`/body/${field}`, "is required")

/** Returns a field that is required in this combination, without revealing it. */
export const required = (field: string, value: string | undefined) =>
  value === undefined ? Effect.fail(missing(field)) : Effect.succeed(Redacted.make(value))

/** Custom header that only scripts of the same origin can send. */
const CSRF_HEADER = "effex-csrf"

const notOwnPage = new Problem.Forbidden({
  detail:
    "The refresh cookie is for pages of this server: the request needs its `Origin`, and the header `Effex-Csrf: 1`"
})

/** Rejects a request that uses or sets the cookie, unless a page of this server sent it. */
export const requireOwnPage = (
  { headers }: HttpServerRequest.HttpServerRequest,
  publicUrl: Option.Option<string>
): Effect.Effect<void, Problem.Forbidden> => {
  const { host, origin } = headers
  const site = headers["sec-fetch-site"]
  const isOwn =
    origin !== undefined &&
    URL.canParse(origin) &&
    // Only browsers send this header, and not all of them.
    (site === undefined || site === "same-origin") &&
    Option.match(publicUrl, {
      onNone: () => new URL(origin).host === host,
      onSome: (url) => new URL(url).origin === origin
    })
  return isOwn && headers[CSRF_HEADER] === "1" ? Effect.void : Effect.fail(notOwnPage)
}
