import { Array, Context, DateTime, Effect, Layer, Option, type Redacted, Result, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { InvalidCredentials } from "../domain/accounts/Login.ts"
import type { PasswordRefused } from "../domain/accounts/Password.ts"
import type { SessionId } from "../domain/accounts/Session.ts"
import { parseUsername, type User, type UserId, UserNotFound } from "../domain/accounts/User.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { EndedSessions } from "./sessions/EndedSessions.ts"
import { Passwords } from "./Passwords.ts"
import { SecurityEvents } from "./SecurityEvents.ts"
import { Sessions } from "./sessions/Sessions.ts"
import { decodeUsers, USER_COLUMNS } from "./Users.ts"

/** A user with the stored hash of the password. */
export interface Credential {
  readonly user: User
  readonly passwordHash: string
  readonly changedAt: DateTime.Utc
}

const Row = Schema.Struct({ passwordHash: Schema.String, changedAt: Schema.DateTimeUtcFromDate })
const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))

/** Passwords of users: lookup, change and reset. */
export class Credentials extends Context.Service<
  Credentials,
  {
    readonly byUsername: (name: string) => Effect.Effect<Option.Option<Credential>, StoreUnavailable>
    readonly byId: (id: UserId) => Effect.Effect<Option.Option<Credential>, StoreUnavailable>
    /** Replaces a hash with one of the same password with newer parameters. False if another has replaced it before. */
    readonly rehash: (user: UserId, from: string, to: string) => Effect.Effect<boolean, StoreUnavailable>
    /** Changes the password of a user who knows the current one, and ends every other session. */
    readonly change: (request: {
      readonly user: UserId
      readonly current: Redacted.Redacted
      readonly next: Redacted.Redacted
      readonly keep: SessionId | undefined
    }) => Effect.Effect<void, InvalidCredentials | PasswordRefused | StoreUnavailable>
    /** Sets a password for an operator, and ends all sessions. `within` runs in the same transaction. */
    readonly reset: (
      user: UserId,
      next: Redacted.Redacted,
      within?: Effect.Effect<void, SqlError.SqlError>
    ) => Effect.Effect<void, UserNotFound | PasswordRefused | StoreUnavailable>
  }
>()("effex/accounts/Credentials") {
  static readonly layer = Layer.effect(
    Credentials,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const passwords = yield* Passwords
      const sessions = yield* Sessions
      const ended = yield* EndedSessions
      const events = yield* SecurityEvents
      const columns = sql.literal(`${USER_COLUMNS}, password_hash, changed_at`)

      const find = Effect.fnUntraced(function* (rows: ReadonlyArray<unknown>) {
        const [user] = yield* decodeUsers(rows)
        const [credential] = yield* Effect.orDie(decodeRows(rows))
        return user === undefined || credential === undefined
          ? Option.none<Credential>()
          : Option.some({ user, ...credential })
      })

      const byId = Effect.fn("Credentials.byId")(function* (id: UserId) {
        const rows = yield* execute(sql`
          SELECT ${columns} FROM app_user JOIN credential ON user_id = id WHERE id = ${id}`)
        return yield* find(rows)
      })

      const byUsername = Effect.fn("Credentials.byUsername")(function* (name: string) {
        const username = parseUsername(name)
        if (Result.isFailure(username)) return Option.none<Credential>()
        const rows = yield* execute(sql`
          SELECT ${columns} FROM app_user JOIN credential ON user_id = id WHERE username = ${username.success}`)
        return yield* find(rows)
      })

      const rehash = Effect.fn("Credentials.rehash")(function* (user: UserId, from: string, to: string) {
        const rows = yield* execute(sql`
          UPDATE credential SET password_hash = ${to} WHERE user_id = ${user} AND password_hash = ${from} RETURNING user_id`)
        return Array.isReadonlyArrayNonEmpty(rows)
      })

      /** Replaces the hash if it is still the expected one, and ends the sessions in the same transaction. */
      const replace = Effect.fnUntraced(function* (
        credential: Credential,
        next: Redacted.Redacted,
        keep: SessionId | undefined,
        within: Effect.Effect<void, SqlError.SqlError> = Effect.void
      ) {
        const { user } = credential
        const checked = yield* Effect.fromResult(passwords.check(next, user.username))
        const hash = yield* passwords.hash(checked)
        const at = DateTime.toDateUtc(yield* DateTime.now)
        const update = Effect.gen(function* () {
          const rows = yield* sql`
            UPDATE credential SET password_hash = ${hash}, changed_at = greatest(changed_at, ${at})
            WHERE user_id = ${user.id} AND password_hash = ${credential.passwordHash} RETURNING user_id`
          if (!Array.isReadonlyArrayNonEmpty(rows)) return undefined
          yield* within
          const ended = yield* sessions.endAllWithin(user.id, "password", keep)
          yield* events.record(user.id, { event: "password-changed", session: keep })
          return ended
        })
        const endedSessions = yield* execute(sql.withTransaction(update))
        if (endedSessions === undefined) return false
        yield* ended.publish(endedSessions)
        return true
      })

      const change: Credentials["Service"]["change"] = Effect.fn("Credentials.change")(function* ({
        current,
        keep,
        next,
        user
      }) {
        const credential = yield* byId(user)
        const hash = Option.getOrUndefined(Option.map(credential, ({ passwordHash }) => passwordHash))
        const isRight = yield* passwords.verify(current, hash)
        if (!isRight || Option.isNone(credential)) return yield* new InvalidCredentials()
        // Another change was first: the given password is no longer the current one.
        if (!(yield* replace(credential.value, next, keep))) return yield* new InvalidCredentials()
      })

      const reset: Credentials["Service"]["reset"] = Effect.fn("Credentials.reset")(
        function* (user, next, within) {
          const credential = yield* byId(user)
          if (Option.isNone(credential)) return yield* new UserNotFound({ user })
          const isReplaced = yield* replace(credential.value, next, undefined, within)
          if (!isReplaced) yield* reset(user, next, within)
        }
      )

      return Credentials.of({ byId, byUsername, rehash, change, reset })
    })
  )
}
