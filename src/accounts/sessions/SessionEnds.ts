import { DateTime, Effect, Option, type Redacted } from "effect"
import type { SqlError } from "effect/sql"
import { type EndReason, type SessionId, SessionNotFound } from "../../domain/accounts/Session.ts"
import type { UserId } from "../../domain/accounts/User.ts"
import { Database } from "../../platform/postgres/Database.ts"
import { SecurityEvents } from "../SecurityEvents.ts"
import * as RefreshTokens from "../tokens/RefreshTokens.ts"
import { EndedSessions } from "./EndedSessions.ts"
import * as Rows from "./SessionRows.ts"

/** Ends sessions, and publishes it to all nodes. */
export const make = Effect.gen(function* () {
  const { execute, sql } = yield* Database
  const ended = yield* EndedSessions
  const events = yield* SecurityEvents

  /** Ends sessions of one user, and records an event for each in the same transaction. */
  const revoke = Effect.fnUntraced(function* (
    update: Effect.Effect<ReadonlyArray<unknown>, SqlError.SqlError>,
    event: "session-ended" | "signed-out"
  ) {
    const work = Effect.gen(function* () {
      const sessions = yield* Rows.decodeEndedOfUsers(yield* update)
      const [first] = sessions
      if (first !== undefined)
        yield* events.record(first.userId, ...sessions.map(({ id }) => ({ event, session: id })))
      return sessions
    })
    const found = yield* execute(sql.withTransaction(work))
    yield* ended.publish(found)
    return found
  })

  const end = Effect.fn("Sessions.end")(function* (user: UserId, session: string, reason: EndReason) {
    if (Option.isNone(parseId(session))) return yield* new SessionNotFound({ id: session })
    const found = yield* revoke(
      sql`
      UPDATE session SET revoked_at = greatest(created_at, now()), revoked_for = ${reason}
      WHERE id = ${session} AND user_id = ${user} AND revoked_at IS NULL
      RETURNING id, user_id, revoked_for AS reason`,
      "session-ended"
    )
    if (found.length === 0) return yield* new SessionNotFound({ id: session })
  })

  const endByToken = Effect.fn("Sessions.endByToken")(function* (token: Redacted.Redacted) {
    // Any token of the family will do: logout during the grace ends the session too.
    yield* revoke(
      sql`
        UPDATE session SET revoked_at = greatest(created_at, now()), revoked_for = 'logout'
        WHERE revoked_at IS NULL
          AND id = (SELECT session_id FROM refresh_token WHERE hash = ${RefreshTokens.hashOf(token)})
        RETURNING id, user_id, revoked_for AS reason`,
      "signed-out"
    )
  })

  /** Locks the open sessions of a user, except one, in the same order for all, so that none can deadlock. */
  const lockOpen = (user: UserId, except: SessionId | undefined) => sql`
  SELECT id FROM session
  WHERE user_id = ${user} AND revoked_at IS NULL AND id IS DISTINCT FROM ${except ?? null}::uuid
  ORDER BY id FOR UPDATE`

  const endOthers = Effect.fn("Sessions.endOthers")(function* (user: UserId, except: SessionId | undefined) {
    const at = DateTime.toDateUtc(yield* DateTime.now)
    yield* revoke(
      sql`
        UPDATE session SET revoked_at = greatest(created_at, now()), revoked_for = 'ended'
        WHERE id IN (${lockOpen(user, except)}) AND expires_at > ${at}
        RETURNING id, user_id, revoked_for AS reason`,
      "session-ended"
    )
  })

  const endAllWithin = Effect.fn("Sessions.endAllWithin")(function* (
    user: UserId,
    reason: EndReason,
    except?: SessionId
  ) {
    const rows = yield* sql`
      UPDATE session SET revoked_at = greatest(created_at, now()), revoked_for = ${reason}
      WHERE id IN (${lockOpen(user, except)}) RETURNING id, revoked_for AS reason`
    return yield* Rows.decodeEnded(rows)
  })

  const endAll = Effect.fnUntraced(function* (user: UserId, reason: EndReason) {
    const work = Effect.tap(endAllWithin(user, reason), (sessions) =>
      sessions.length === 0 ? Effect.void : events.record(user, { event: "signed-out" })
    )
    yield* ended.publish(yield* execute(sql.withTransaction(work)))
  })

  return { end, endByToken, endOthers, endAll, endAllWithin }
})

const parseId = Option.liftPredicate((text: string) =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
)
