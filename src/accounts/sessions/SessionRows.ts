import { type DateTime, Effect, Schema } from "effect"
import { EndReason, type Session, SessionId } from "../../domain/accounts/Session.ts"
import { UserId } from "../../domain/accounts/User.ts"
import type { EndedSession } from "./EndedSessions.ts"

export const SESSION_COLUMNS =
  "id, user_id, created_at, last_used_at, expires_at, second_factor, address, user_agent, revoked_at"

const Row = Schema.Struct({
  id: SessionId,
  userId: UserId,
  createdAt: Schema.DateTimeUtcFromDate,
  lastUsedAt: Schema.DateTimeUtcFromDate,
  expiresAt: Schema.DateTimeUtcFromDate,
  secondFactor: Schema.Boolean,
  address: Schema.String,
  userAgent: Schema.String,
  revokedAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate)
})
const decode = Schema.decodeUnknownEffect(Schema.Array(Row))
const decodeEndedRows = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ id: SessionId, reason: EndReason }))
)
const decodeEndedRowsOfUsers = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ id: SessionId, userId: UserId, reason: EndReason }))
)
const RotationRow = Schema.Struct({
  outcome: Schema.Literals(["rotated", "again", "unknown", "revoked", "expired", "reuse"]),
  session: Schema.NullOr(SessionId)
})
const decodeRotations = Schema.decodeUnknownEffect(Schema.Tuple([RotationRow]))

/** Decodes rows with {@link SESSION_COLUMNS}. */
export const decodeSessions = (rows: unknown): Effect.Effect<ReadonlyArray<Session>> =>
  Effect.orDie(decode(rows))

/** Decodes sessions that a statement ended. */
export const decodeEnded = (rows: unknown): Effect.Effect<ReadonlyArray<EndedSession>> =>
  Effect.orDie(decodeEndedRows(rows))

/** Decodes sessions that a statement ended, with their users. */
export const decodeEndedOfUsers = (
  rows: unknown
): Effect.Effect<ReadonlyArray<EndedSession & { readonly userId: UserId }>> =>
  Effect.orDie(decodeEndedRowsOfUsers(rows))

/** Decodes the row of `rotate_refresh_token`. */
export const decodeRotation = (rows: unknown): Effect.Effect<typeof RotationRow.Type> =>
  Effect.map(Effect.orDie(decodeRotations(rows)), ([row]) => row)

const decodeTimes = Schema.decodeUnknownEffect(
  Schema.Tuple([Schema.Struct({ since: Schema.NullOr(Schema.DateTimeUtcFromDate) })])
)

/** Decodes the start of the first session of a device. */
export const decodeSince = (rows: unknown): Effect.Effect<DateTime.Utc | null> =>
  Effect.map(Effect.orDie(decodeTimes(rows)), ([{ since }]) => since)

/** Limits the text that a client sends about itself, which is shown in the list of sessions. */
export const deviceText = (text: string, length: number): string =>
  Array.from(text.replaceAll(/[^\x20-\x7e]/g, "?"))
    .slice(0, length)
    .join("")
