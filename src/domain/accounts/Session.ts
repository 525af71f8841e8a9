import { type DateTime, type Option, Schema } from "effect"
import type { UserId } from "./User.ts"

/** UUIDv7 of a session. */
export const SessionId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("SessionId"))
export type SessionId = typeof SessionId.Type

/**
 * Why a session was ended before it expired: `reuse` of a refresh token, `ended` by its user from another one, or
 * `administrator`.
 */
export const EndReason = Schema.Literals([
  "logout",
  "logout-all",
  "ended",
  "password",
  "mfa",
  "lock",
  "role",
  "reuse",
  "administrator"
])
export type EndReason = typeof EndReason.Type

/** A device that is signed in: a family of refresh tokens. */
export interface Session {
  readonly id: SessionId
  readonly userId: UserId
  readonly createdAt: DateTime.Utc
  /** Sign-in, or the newest rotation of its refresh token. */
  readonly lastUsedAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
  /** True if a second factor was checked. */
  readonly secondFactor: boolean
  readonly address: string
  readonly userAgent: string
  readonly revokedAt: Option.Option<DateTime.Utc>
}

/** The device that signs in. */
export interface Device {
  readonly address: string
  readonly userAgent: string
}

/** The session of a token was ended or expired, or the refresh token is unknown. Sign in again. */
export class SessionEnded extends Schema.TaggedError<SessionEnded>()("SessionEnded", {
  reason: Schema.Literals([...EndReason.literals, "expired", "unknown"])
}) {
  override get message(): string {
    return this.reason === "lock" ? LOCKED : `${DETAILS[this.reason]}; sign in again`
  }
}

const LOCKED = "An administrator locked the account; ask the operator of this service to unlock it"

const DETAILS: Readonly<Record<Exclude<SessionEnded["reason"], "lock">, string>> = {
  logout: "The session was signed out",
  "logout-all": "All sessions were signed out",
  ended: "The session was ended from another one",
  password: "The password was changed",
  mfa: "The second factor was changed",
  role: "The role of the user was changed",
  reuse: "A refresh token was used again, so its session was ended",
  administrator: "An administrator ended the session",
  expired: "The session has expired",
  unknown: "The refresh token is invalid"
}

/** The user has no open session with this id. */
export class SessionNotFound extends Schema.TaggedError<SessionNotFound>()("SessionNotFound", {
  id: Schema.String
}) {
  override get message(): string {
    return `You have no open session with the id ${JSON.stringify(this.id)}`
  }
}
