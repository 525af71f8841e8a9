import { DateTime, Effect, Option, type Redacted, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql"
import { Settings } from "../../config/Settings.ts"
import { type Device, type Session, SessionId } from "../../domain/accounts/Session.ts"
import type { UserId } from "../../domain/accounts/User.ts"
import { Database } from "../../platform/postgres/Database.ts"
import { SecurityEvents } from "../SecurityEvents.ts"
import * as RefreshTokens from "../tokens/RefreshTokens.ts"
import * as Rows from "./SessionRows.ts"

/** A session and its newest refresh token. */
export interface OpenSession {
  readonly session: Session
  readonly refreshToken: Redacted.Redacted
}

/** An open session, or why none was opened. `password-changed` means that the hash is not the stored one any more. */
export type SignInOutcome = OpenSession | "password-changed" | "locked" | "second-factor-required"

const decodeOutcomes = Schema.decodeUnknownEffect(
  Schema.Tuple([
    Schema.Struct({
      outcome: Schema.Literals(["opened", "password-changed", "locked", "second-factor-required"])
    })
  ])
)

/** Opens sessions, each with one statement. */
export const make = Effect.gen(function* () {
  const { refreshTokenTtl } = yield* Settings
  const { sql } = yield* Database
  const random = yield* SecureRandom.SecureRandom
  const tokens = yield* RefreshTokens.RefreshTokens
  const events = yield* SecurityEvents

  /** Returns a session that is not stored, and its values in the order of the parameters of SQL functions. */
  const prepare = Effect.fnUntraced(function* (user: UserId, device: Device, secondFactor: boolean) {
    const refreshToken = yield* tokens.generate
    const createdAt = yield* DateTime.now
    const session: Session = {
      id: SessionId.make(yield* random.uuidV7()),
      userId: user,
      createdAt,
      lastUsedAt: createdAt,
      expiresAt: DateTime.addDuration(createdAt, refreshTokenTtl),
      secondFactor,
      address: Rows.deviceText(device.address, 64),
      userAgent: Rows.deviceText(device.userAgent, 256),
      revokedAt: Option.none()
    }
    const values = sql`
      ${session.id}, ${RefreshTokens.hashOf(refreshToken)}, ${user}, ${DateTime.toDateUtc(createdAt)},
      ${DateTime.toDateUtc(session.expiresAt)}, ${secondFactor}, ${session.address}, ${session.userAgent}`
    return { opened: { session, refreshToken }, values }
  })

  const openWithin = Effect.fn("Sessions.openWithin")(function* (
    user: UserId,
    device: Device
  ): Effect.fn.Return<OpenSession, SqlError.SqlError> {
    const { opened, values } = yield* prepare(user, device, false)
    yield* sql`SELECT open_session(${values})`
    return opened
  })

  const signIn = Effect.fn("Sessions.signIn")(function* (
    user: UserId,
    passwordHash: string,
    device: Device,
    options: { readonly secondFactor: boolean }
  ): Effect.fn.Return<SignInOutcome, SqlError.SqlError> {
    const { opened, values } = yield* prepare(user, device, options.secondFactor)
    const rows = yield* sql`SELECT sign_in(${passwordHash}, ${values}) AS outcome`
    const [{ outcome }] = yield* Effect.orDie(decodeOutcomes(rows))
    if (outcome !== "opened") return outcome
    yield* events.announce(user)
    return opened
  })

  return { openWithin, signIn }
})
