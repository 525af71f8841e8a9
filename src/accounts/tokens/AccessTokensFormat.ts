import { Effect, Option, Schema } from "effect"
import { errors } from "jose"
import { InvalidAccessToken } from "../../domain/accounts/AccessClaims.ts"

/** A token of effex has about 600 characters. */
const MAX_TOKEN_LENGTH = 2048
const TOKEN = /^([\w-]+)\.[\w-]+\.[\w-]{86}$/

/** Returns true if a bearer token is meant as an access token: API keys have no dot. */
export const isToken = (text: string): boolean => text.startsWith("ey") && text.includes(".")

const Header = Schema.fromJsonString(
  Schema.Struct({ alg: Schema.Literal("EdDSA"), typ: Schema.String, kid: Schema.NonEmptyString })
)
const decodeHeader = Schema.decodeUnknownOption(Header, { onExcessProperty: "error" })

/** Returns the key id of a token of the given type. Its header has exactly the members that effex writes. */
export const keyIdOf = (token: string, type: string): Effect.Effect<string, InvalidAccessToken> => {
  const [, header] = (token.length <= MAX_TOKEN_LENGTH && TOKEN.exec(token)) || []
  const decoded = Option.flatMap(Option.fromUndefinedOr(header), (encoded) =>
    decodeHeader(Buffer.from(encoded, "base64url").toString("utf8"))
  )
  return Option.exists(decoded, ({ typ }) => typ === type)
    ? Effect.succeed(Option.getOrThrow(decoded).kid)
    : Effect.fail(new InvalidAccessToken({ detail: "The access token is malformed, or is no access token" }))
}

/** Describes a rejection by jose without any part of the token. */
export const detailOf = (error: unknown): string => {
  if (error instanceof errors.JWTExpired) return "The access token has expired; refresh it"
  if (error instanceof errors.JWTClaimValidationFailed)
    return `The claim ${error.claim} of the access token is wrong`
  return "The signature of the access token is wrong"
}
