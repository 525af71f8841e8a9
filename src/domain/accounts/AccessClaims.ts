import { Schema } from "effect"
import { SessionId } from "./Session.ts"
import { Role, UserId, Username } from "./User.ts"

const EpochSeconds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 99_999_999_999 }))

/** Claims of an access token about its bearer (RFC 9068). Every claim is required. */
export const AccessClaims = Schema.Struct({
  iss: Schema.NonEmptyString,
  aud: Schema.NonEmptyString,
  sub: UserId,
  sid: SessionId,
  jti: Schema.NonEmptyString,
  iat: EpochSeconds,
  exp: EpochSeconds,
  username: Username,
  role: Role
})
export type AccessClaims = typeof AccessClaims.Type

/** Stands for the password of a user until the second factor is checked. */
export const SecondFactorClaims = Schema.Struct({
  iss: Schema.NonEmptyString,
  aud: Schema.NonEmptyString,
  sub: UserId,
  jti: Schema.NonEmptyString,
  iat: EpochSeconds,
  exp: EpochSeconds,
  /** Time of the password that was checked, in epoch milliseconds. A change of the password ends the token. */
  pwd: Schema.Int
})
export type SecondFactorClaims = typeof SecondFactorClaims.Type

/** The token is malformed, forged, expired, or of another use. Never contains any part of the token. */
export class InvalidAccessToken extends Schema.TaggedError<InvalidAccessToken>()("InvalidAccessToken", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}
