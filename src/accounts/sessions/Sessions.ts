import { Context, DateTime, Duration, Effect, Layer, Option, type Redacted } from "effect"
import type { SqlError } from "effect/sql"
import { Settings } from "../../config/Settings.ts"
import {
  type Device,
  type EndReason,
  type Session,
  SessionEnded,
  type SessionId,
  type SessionNotFound
} from "../../domain/accounts/Session.ts"
import type { UserId } from "../../domain/accounts/User.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { type EndedSession, EndedSessions } from "./EndedSessions.ts"
import * as RefreshTokens from "../tokens/RefreshTokens.ts"
import * as NewSessions from "./NewSessions.ts"
import { SecurityEvents } from "../SecurityEvents.ts"
import * as SessionEnds from "./SessionEnds.ts"
import * as Rows from "./SessionRows.ts"

/** Time in which a used token returns its successor again: two tabs refresh at the same time. */
const GRACE = Duration.seconds(10)
/** Time in which it does so while the successor is unused: the response was lost. */
const RECOVERY = Duration.hours(1)

/**
 * Sessions: families of refresh tokens, each of which is used once. Reuse of a token ends its session, because one of two
 * holders is a thief.
 */
export class Sessions extends Context.Service<
  Sessions,
  {
    /** Opens the first session of a user, inside the transaction that creates the user. */
    readonly openWithin: (
      user: UserId,
      device: Device
    ) => Effect.Effect<NewSessions.OpenSession, SqlError.SqlError>
    /**
     * Opens a session of a user who proved the password that has the given hash, and records the event `signed-in`.
     * `secondFactor` says that its code was used up in the same transaction. Without a second factor, needs no transaction.
     */
    readonly signIn: (
      user: UserId,
      passwordHash: string,
      device: Device,
      options: { readonly secondFactor: boolean }
    ) => Effect.Effect<NewSessions.SignInOutcome, SqlError.SqlError>
    /** Exchanges a refresh token for its successor. */
    readonly refresh: (
      token: Redacted.Redacted,
      device: Device
    ) => Effect.Effect<NewSessions.OpenSession, SessionEnded | StoreUnavailable>
    /** Returns the open sessions of a user, newest first. */
    readonly list: (user: UserId) => Effect.Effect<ReadonlyArray<Session>, StoreUnavailable>
    /** Start of the user's first session with the user agent of this one: when its device was seen first. */
    readonly deviceSince: (session: SessionId) => Effect.Effect<DateTime.Utc, StoreUnavailable>
    /** Returns true if a session of a user has neither ended nor expired. */
    readonly isOpen: (user: UserId, session: SessionId) => Effect.Effect<boolean, StoreUnavailable>
    /** Ends one session of a user. */
    readonly end: (
      user: UserId,
      session: string,
      reason: EndReason
    ) => Effect.Effect<void, SessionNotFound | StoreUnavailable>
    /** Ends the session of a refresh token. Does nothing if there is none. */
    readonly endByToken: (token: Redacted.Redacted) => Effect.Effect<void, StoreUnavailable>
    /** Ends the sessions that {@link list} returns, except one. */
    readonly endOthers: (user: UserId, except: SessionId | undefined) => Effect.Effect<void, StoreUnavailable>
    /** Ends all sessions of a user. Access tokens stop on every node within 10 seconds. */
    readonly endAll: (user: UserId, reason: EndReason) => Effect.Effect<void, StoreUnavailable>
    /**
     * Ends all sessions of a user, except one, inside an open transaction. Pass the result to `EndedSessions.publish` after the
     * commit.
     */
    readonly endAllWithin: (
      user: UserId,
      reason: EndReason,
      except?: SessionId
    ) => Effect.Effect<ReadonlyArray<EndedSession>, SqlError.SqlError>
  }
>()("effex/accounts/sessions/Sessions") {
  static readonly layer = Layer.effect(
    Sessions,
    Effect.gen(function* () {
      const { refreshTokenTtl } = yield* Settings
      const { execute, sql } = yield* Database
      const tokens = yield* RefreshTokens.RefreshTokens
      const ended = yield* EndedSessions
      const events = yield* SecurityEvents
      const newSessions = yield* NewSessions.make
      const sessionEnds = yield* SessionEnds.make
      const columns = sql.literal(Rows.SESSION_COLUMNS)
      const seconds = (duration: Duration.Duration) => `${Duration.toSeconds(duration)} seconds`

      /** Returns the successor that is stored: the key may have been replaced since. */
      const storedSuccessor = Effect.fnUntraced(function* (token: Redacted.Redacted) {
        const rows = yield* execute(sql<{ hash: Buffer }>`
          SELECT hash FROM refresh_token WHERE parent = ${RefreshTokens.hashOf(token)}`)
        return tokens
          .successors(token)
          .find((successor) => rows.some(({ hash }) => RefreshTokens.hashOf(successor).equals(hash)))
      })

      /** Rotates a token, and records its reuse in the same transaction. */
      const rotate = (token: Redacted.Redacted, successor: Redacted.Redacted, at: Date) =>
        Effect.gen(function* () {
          const rotated = yield* sql`
            SELECT outcome, session FROM rotate_refresh_token(
              ${RefreshTokens.hashOf(token)}, ${RefreshTokens.hashOf(successor)}, ${at},
              ${seconds(refreshTokenTtl)}::interval, ${seconds(GRACE)}::interval, ${seconds(RECOVERY)}::interval
            )`
          const { outcome, session: id } = yield* Rows.decodeRotation(rotated)
          const rows =
            id === null ? [] : yield* sql`SELECT ${columns}, revoked_for FROM session WHERE id = ${id}`
          const [session] = yield* Rows.decodeSessions(rows)
          if (outcome === "reuse" && session !== undefined)
            yield* events.record(session.userId, { event: "refresh-token-reused", session: session.id })
          return { id, outcome, session }
        }).pipe(sql.withTransaction, execute)

      const refresh: Sessions["Service"]["refresh"] = Effect.fn("Sessions.refresh")(
        function* (token, device) {
          const [successor] = tokens.successors(token)
          if (successor === undefined || !RefreshTokens.isWellFormed(token))
            return yield* new SessionEnded({ reason: "unknown" })
          const at = DateTime.toDateUtc(yield* DateTime.now)
          const { id, outcome, session } = yield* rotate(token, successor, at)
          if (id === null || outcome === "unknown") return yield* new SessionEnded({ reason: "unknown" })
          if (session === undefined || outcome === "expired")
            return yield* new SessionEnded({ reason: "expired" })
          if (outcome === "reuse") {
            yield* ended.publish([{ id, reason: "reuse" }])
            yield* Effect.logWarning("A refresh token was used again; its session was ended").pipe(
              Effect.annotateLogs({ session: id, user: session.userId })
            )
          }
          if (Option.isSome(session.revokedAt))
            return yield* new SessionEnded({ reason: ended.reasonOf(id) ?? (yield* reasonOf(id)) })
          const next = outcome === "rotated" ? successor : yield* storedSuccessor(token)
          if (next === undefined) return yield* new SessionEnded({ reason: "unknown" })
          if (outcome === "rotated") yield* updateDevice(id, device)
          return { session, refreshToken: next }
        }
      )

      const reasonOf = Effect.fnUntraced(function* (id: SessionId) {
        const rows = yield* execute(sql`
          SELECT id, revoked_for AS reason FROM session WHERE id = ${id} AND revoked_at IS NOT NULL`)
        const [found] = yield* Rows.decodeEnded(rows)
        return found?.reason ?? "expired"
      })

      const updateDevice = (id: SessionId, device: Device) =>
        execute(sql`
          UPDATE session SET address = ${Rows.deviceText(device.address, 64)},
            user_agent = ${Rows.deviceText(device.userAgent, 256)}
          WHERE id = ${id} AND revoked_at IS NULL AND (address, user_agent)
            IS DISTINCT FROM (${Rows.deviceText(device.address, 64)}, ${Rows.deviceText(device.userAgent, 256)})`)

      const list = Effect.fn("Sessions.list")(function* (user: UserId) {
        const at = DateTime.toDateUtc(yield* DateTime.now)
        const rows = yield* execute(sql`
          SELECT ${columns} FROM session
          WHERE user_id = ${user} AND revoked_at IS NULL AND expires_at > ${at} ORDER BY id DESC LIMIT 1000`)
        return yield* Rows.decodeSessions(rows)
      })

      const deviceSince = Effect.fn("Sessions.deviceSince")(function* (id: SessionId) {
        const rows = yield* execute(sql`
          SELECT min(earlier.created_at) AS since FROM session JOIN session AS earlier
            ON earlier.user_id = session.user_id AND earlier.user_agent = session.user_agent
          WHERE session.id = ${id}`)
        return (yield* Rows.decodeSince(rows)) ?? (yield* DateTime.now)
      })

      const isOpen = Effect.fn("Sessions.isOpen")(function* (user: UserId, session: SessionId) {
        const at = DateTime.toDateUtc(yield* DateTime.now)
        const rows = yield* execute(sql`
          SELECT 1 FROM session
          WHERE id = ${session} AND user_id = ${user} AND revoked_at IS NULL AND expires_at > ${at}`)
        return rows.length > 0
      })

      return Sessions.of({
        ...newSessions,
        ...sessionEnds,
        refresh,
        list,
        isOpen,
        deviceSince
      })
    })
  )
}
