import { Array, Effect, Option } from "effect"
import type { SqlError } from "effect/sql"
import type { NewSecurityEvent } from "../domain/accounts/SecurityEvent.ts"
import { OwnAccount, type User, type UserId, UserNotFound } from "../domain/accounts/User.ts"
import { Database } from "../platform/postgres/Database.ts"
import { withDatabaseTimeout } from "../platform/postgres/DatabaseTimeout.ts"
import { AdminActions } from "./AdminActions.ts"
import { SecurityEvents } from "./SecurityEvents.ts"
import { type EndedSession, EndedSessions } from "./sessions/EndedSessions.ts"
import { decodeUsers, USER_COLUMNS } from "./Users.ts"

/** Action of an administrator on a user, with its reason. */
export interface Order {
  readonly user: UserId
  /** The id of an API key, `user:<id>` or `cli:<name>`. */
  readonly principal: string
  readonly reason: string
}

/** Result of an action. */
export interface Change {
  readonly user: User
  readonly ended: ReadonlyArray<EndedSession>
  /** Empty if nothing has changed. */
  readonly events: ReadonlyArray<NewSecurityEvent["event"]>
  readonly details?: Readonly<Record<string, unknown>>
}

/** Creates the functions that carry out an action on a user and record it in the same transaction. */
export const make = Effect.gen(function* () {
  const { sql, transaction } = yield* Database
  const actions = yield* AdminActions
  const ended = yield* EndedSessions
  const events = yield* SecurityEvents
  const columns = sql.literal(USER_COLUMNS)

  /** Locks the user, so that a concurrent sign-in comes before or after the action, then acts and records. */
  const act = Effect.fnUntraced(function* <E>(
    { principal, reason, user: id }: Order,
    action: string,
    change: (user: User) => Effect.Effect<Change, SqlError.SqlError | E>
  ) {
    const work = Effect.gen(function* () {
      const rows = yield* sql`SELECT ${columns} FROM app_user WHERE id = ${id} FOR NO KEY UPDATE`
      const found = Array.head(yield* decodeUsers(rows))
      if (Option.isNone(found)) return yield* new UserNotFound({ user: id })
      const result = yield* change(found.value)
      yield* events.record(id, ...result.events.map((event) => ({ event })))
      yield* actions.record({
        principal,
        action,
        subject: id,
        reason,
        details: { sessions_ended: result.ended.length, ...result.details }
      })
      return result
    })
    const result = yield* withDatabaseTimeout(transaction(work))
    yield* ended.publish(result.ended)
    return result.user
  })

  /** {@link act}, unless an administrator acts on the own account. */
  const actOnOther = Effect.fnUntraced(function* <E>(
    order: Order,
    action: string,
    change: (user: User) => Effect.Effect<Change, SqlError.SqlError | E>
  ) {
    if (order.principal === `user:${order.user}`) return yield* new OwnAccount()
    return yield* act(order, action, change)
  })

  return { act, actOnOther }
})
