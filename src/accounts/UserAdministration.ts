import { Array, Context, DateTime, Effect, Layer, Option, Predicate, type Redacted } from "effect"
import type { SqlError } from "effect/sql"
import type { PasswordRefused } from "../domain/accounts/Password.ts"
import type { NewSecurityEvent } from "../domain/accounts/SecurityEvent.ts"
import type { EndReason } from "../domain/accounts/Session.ts"
import {
  type InvalidUsername,
  LastAdministrator,
  type Role,
  type User,
  type UserId,
  type Username,
  UserNotFound,
  type UsernameTaken
} from "../domain/accounts/User.ts"
import { Database } from "../platform/postgres/Database.ts"
import { withDatabaseTimeout } from "../platform/postgres/DatabaseTimeout.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { AdminActions } from "./AdminActions.ts"
import { Credentials } from "./Credentials.ts"
import { type EndedSession, EndedSessions } from "./sessions/EndedSessions.ts"
import { type NewAccount, Registration } from "./Registration.ts"
import { SecurityEvents } from "./SecurityEvents.ts"
import { Sessions } from "./sessions/Sessions.ts"
import { decodeUsers, USER_COLUMNS } from "./Users.ts"

/** Action of an administrator on a user, with its reason. */
export interface Order {
  readonly user: UserId
  /** The id of an API key, `user:<id>` or `cli:<name>`. */
  readonly principal: string
  readonly reason: string
}

/** Result of an action. */
interface Change {
  readonly user: User
  readonly ended: ReadonlyArray<EndedSession>
  readonly events: ReadonlyArray<NewSecurityEvent["event"]>
  readonly details?: Readonly<Record<string, unknown>>
}

type Outcome<E = never> = Effect.Effect<User, UserNotFound | StoreUnavailable | E>

/**
 * What administrators do with users. Each action is recorded in its transaction. Sessions that it ends stop on every node
 * within 10 seconds.
 */
export class UserAdministration extends Context.Service<
  UserAdministration,
  {
    /** Returns users in the order of their names. */
    readonly list: (page: {
      /** Beginning of the names, in upper or lower case. */
      readonly prefix: string
      /** Name of the last user of the previous page. */
      readonly after: Username | undefined
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<User>, StoreUnavailable>
    /** Creates a user, also while registration is closed. */
    readonly create: (
      account: NewAccount,
      role: Role,
      principal: string
    ) => Effect.Effect<User, InvalidUsername | UsernameTaken | PasswordRefused | StoreUnavailable>
    /** Ends the access of a user until {@link unlock}. A locked user stays locked since the first time. */
    readonly lock: (order: Order) => Outcome<LastAdministrator>
    readonly unlock: (order: Order) => Outcome
    /** Changes the role, and ends all sessions if it is another one: their access tokens state the previous role. */
    readonly setRole: (order: Order, role: Role) => Outcome<LastAdministrator>
    /** Removes the second factor and ends all sessions, for a user who lost phone and recovery codes. */
    readonly resetMfa: (order: Order) => Outcome
    readonly endSessions: (order: Order) => Outcome
    /** Sets a password, and ends all sessions. */
    readonly resetPassword: (
      order: Order,
      password: Redacted.Redacted
    ) => Effect.Effect<void, UserNotFound | PasswordRefused | StoreUnavailable>
  }
>()("effex/accounts/UserAdministration") {
  static readonly layer = Layer.effect(
    UserAdministration,
    Effect.gen(function* () {
      const { read, sql, transaction } = yield* Database
      const actions = yield* AdminActions
      const credentials = yield* Credentials
      const ended = yield* EndedSessions
      const events = yield* SecurityEvents
      const registration = yield* Registration
      const sessions = yield* Sessions
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

      const update = Effect.fnUntraced(function* (user: User, next: Pick<User, "lockedAt" | "role">) {
        const lockedAt = Option.getOrNull(Option.map(next.lockedAt, DateTime.toDateUtc))
        yield* sql`UPDATE app_user SET locked_at = ${lockedAt}, role = ${next.role} WHERE id = ${user.id}`.pipe(
          Effect.catchIf(isLastAdministrator, () => new LastAdministrator())
        )
        return { ...user, ...next }
      })

      const endAll = (user: User, reason: EndReason) => sessions.endAllWithin(user.id, reason)

      const list: UserAdministration["Service"]["list"] = Effect.fn("UserAdministration.list")(function* ({
        after,
        limit,
        prefix
      }) {
        const rows = yield* read(sql`
            SELECT ${columns} FROM app_user
            WHERE starts_with(username, ${prefix.toLowerCase()}) AND username > ${after ?? ""}
              AND username >= ${prefix.toLowerCase()}
            ORDER BY username LIMIT ${limit}`)
        return yield* decodeUsers(rows)
      })

      const create: UserAdministration["Service"]["create"] = Effect.fn("UserAdministration.create")(
        (account, role, principal) =>
          registration.create(account, role, (user) =>
            actions.record({
              principal,
              action: "user.create",
              subject: user.id,
              details: { username: user.username, role }
            })
          )
      )

      const lock: UserAdministration["Service"]["lock"] = Effect.fn("UserAdministration.lock")((order) =>
        act(
          order,
          "user.lock",
          Effect.fnUntraced(function* (user) {
            const at = DateTime.max(yield* DateTime.now, user.createdAt)
            const lockedAt = Option.orElseSome(user.lockedAt, () => at)
            const locked = yield* update(user, { lockedAt, role: user.role })
            return { user: locked, ended: yield* endAll(user, "lock"), events: ["locked"] }
          })
        )
      )

      const unlock: UserAdministration["Service"]["unlock"] = Effect.fn("UserAdministration.unlock")(
        (order) =>
          act(
            order,
            "user.unlock",
            Effect.fnUntraced(function* (user) {
              const rows = yield* sql`
                UPDATE app_user SET locked_at = NULL WHERE id = ${user.id} RETURNING ${columns}`
              const [unlocked = user] = yield* decodeUsers(rows)
              return { user: unlocked, ended: [], events: ["unlocked"] }
            })
          )
      )

      const setRole: UserAdministration["Service"]["setRole"] = Effect.fn("UserAdministration.setRole")(
        (order, role) =>
          act(
            order,
            "user.role",
            Effect.fnUntraced(function* (user) {
              const details = { from: user.role, to: role }
              if (user.role === role) return { user, ended: [], events: [], details }
              const changed = yield* update(user, { lockedAt: user.lockedAt, role })
              return { user: changed, ended: yield* endAll(user, "role"), events: ["role-changed"], details }
            })
          )
      )

      const resetMfa: UserAdministration["Service"]["resetMfa"] = Effect.fn("UserAdministration.resetMfa")(
        (order) =>
          act(
            order,
            "user.reset-mfa",
            Effect.fnUntraced(function* (user) {
              // Not by Mfa, which needs the key of the secrets: a command has the database only.
              const removed = yield* sql<{ confirmed: boolean }>`
                DELETE FROM mfa WHERE user_id = ${user.id} RETURNING confirmed_at IS NOT NULL AS confirmed`
              const hadSecondFactor = removed.some(({ confirmed }) => confirmed)
              const events: Change["events"] = hadSecondFactor ? ["mfa-disabled"] : []
              const details = { had_second_factor: hadSecondFactor }
              return { user, ended: yield* endAll(user, "mfa"), events, details }
            })
          )
      )

      const endSessions: UserAdministration["Service"]["endSessions"] = Effect.fn(
        "UserAdministration.endSessions"
      )((order) =>
        act(
          order,
          "user.end-sessions",
          Effect.fnUntraced(function* (user) {
            return { user, ended: yield* endAll(user, "administrator"), events: ["session-ended"] }
          })
        )
      )

      const resetPassword: UserAdministration["Service"]["resetPassword"] = Effect.fn(
        "UserAdministration.resetPassword"
      )(({ principal, reason, user }, password) =>
        credentials.reset(
          user,
          password,
          actions.record({ principal, action: "user.reset-password", subject: user, reason })
        )
      )

      return UserAdministration.of({
        list,
        create,
        lock,
        unlock,
        setRole,
        resetMfa,
        endSessions,
        resetPassword
      })
    })
  )
}

const isLastAdministrator = ({ reason }: SqlError.SqlError) =>
  Predicate.hasProperty(reason.cause, "constraint") &&
  reason.cause.constraint === "app_user_last_administrator"
