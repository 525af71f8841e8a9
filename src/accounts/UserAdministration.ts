import { Context, DateTime, Effect, Layer, Option, Predicate, type Redacted } from "effect"
import type { SqlError } from "effect/sql"
import type { PasswordRefused } from "../domain/accounts/Password.ts"
import type { EndReason } from "../domain/accounts/Session.ts"
import {
  type InvalidUsername,
  LastAdministrator,
  type OwnAccount,
  type Role,
  type User,
  type Username,
  type UserNotFound,
  type UsernameTaken
} from "../domain/accounts/User.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { AdminActions } from "./AdminActions.ts"
import { Credentials } from "./Credentials.ts"
import { type NewAccount, Registration } from "./Registration.ts"
import { Sessions } from "./sessions/Sessions.ts"
import * as UserAction from "./UserAction.ts"
import { decodeUsers, USER_COLUMNS } from "./Users.ts"

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
    readonly lock: (order: UserAction.Order) => Outcome<LastAdministrator | OwnAccount>
    readonly unlock: (order: UserAction.Order) => Outcome
    /** Changes the role, and ends all sessions if it is another one: their access tokens state the previous role. */
    readonly setRole: (order: UserAction.Order, role: Role) => Outcome<LastAdministrator | OwnAccount>
    /**
     * Removes the second factor and ends all sessions, for a user who lost phone and recovery codes. Without a confirmed second factor,
     * the sessions continue.
     */
    readonly resetMfa: (order: UserAction.Order) => Outcome<OwnAccount>
    readonly endSessions: (order: UserAction.Order) => Outcome
    /** Sets a password, and ends all sessions. */
    readonly resetPassword: (
      order: UserAction.Order,
      password: Redacted.Redacted
    ) => Effect.Effect<void, UserNotFound | PasswordRefused | StoreUnavailable>
  }
>()("effex/accounts/UserAdministration") {
  static readonly layer = Layer.effect(
    UserAdministration,
    Effect.gen(function* () {
      const { read, sql } = yield* Database
      const { act, actOnOther } = yield* UserAction.make
      const actions = yield* AdminActions
      const credentials = yield* Credentials
      const registration = yield* Registration
      const sessions = yield* Sessions
      const columns = sql.literal(USER_COLUMNS)

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
        actOnOther(
          order,
          "user.lock",
          Effect.fnUntraced(function* (user) {
            const at = DateTime.max(yield* DateTime.now, user.createdAt)
            const lockedAt = Option.orElseSome(user.lockedAt, () => at)
            const locked = yield* update(user, { lockedAt, role: user.role })
            const events: UserAction.Change["events"] = Option.isNone(user.lockedAt) ? ["locked"] : []
            return { user: locked, ended: yield* endAll(user, "lock"), events }
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
              const events: UserAction.Change["events"] = Option.isSome(user.lockedAt) ? ["unlocked"] : []
              return { user: unlocked, ended: [], events }
            })
          )
      )

      const setRole: UserAdministration["Service"]["setRole"] = Effect.fn("UserAdministration.setRole")(
        (order, role) =>
          actOnOther(
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
          actOnOther(
            order,
            "user.reset-mfa",
            Effect.fnUntraced(function* (user) {
              // Not by Mfa, which needs the key of the secrets: a command has the database only.
              const removed = yield* sql<{ confirmed: boolean }>`
                DELETE FROM mfa WHERE user_id = ${user.id} RETURNING confirmed_at IS NOT NULL AS confirmed`
              const hadSecondFactor = removed.some(({ confirmed }) => confirmed)
              const details = { had_second_factor: hadSecondFactor }
              if (!hadSecondFactor) return { user, ended: [], events: [], details }
              return { user, ended: yield* endAll(user, "mfa"), events: ["mfa-disabled"], details }
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
            const ended = yield* endAll(user, "administrator")
            return { user, ended, events: ended.length > 0 ? ["session-ended"] : [] }
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
