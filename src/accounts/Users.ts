import { Array, Context, Effect, Layer, Option, Result, Schema } from "effect"
import { type User, type UserId, UserNotFound } from "../domain/accounts/User.ts"
import * as UserDomain from "../domain/accounts/User.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"

/** Columns of a user, for other queries of this folder. */
export const USER_COLUMNS = "id, username, email, role, created_at, locked_at"

export const UserRow = Schema.Struct({
  id: UserDomain.UserId,
  username: UserDomain.Username,
  email: Schema.OptionFromNullOr(Schema.String),
  role: UserDomain.Role,
  createdAt: Schema.DateTimeUtcFromDate,
  lockedAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate)
})
const decode = Schema.decodeUnknownEffect(Schema.Array(UserRow))

/** Decodes rows with {@link USER_COLUMNS}. */
export const decodeUsers = (rows: unknown): Effect.Effect<ReadonlyArray<User>> => Effect.orDie(decode(rows))

/** Finds users, and changes their profiles. */
export class Users extends Context.Service<
  Users,
  {
    readonly byId: (id: UserId) => Effect.Effect<Option.Option<User>, StoreUnavailable>
    /** Finds a user by name, in upper or lower case. */
    readonly byUsername: (name: string) => Effect.Effect<Option.Option<User>, StoreUnavailable>
    /** Changes the email address; none removes it. */
    readonly setEmail: (
      id: UserId,
      email: Option.Option<string>
    ) => Effect.Effect<User, UserNotFound | StoreUnavailable>
  }
>()("effex/accounts/Users") {
  static readonly layer = Layer.effect(
    Users,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const columns = sql.literal(USER_COLUMNS)

      const byId = Effect.fn("Users.byId")(function* (id: UserId) {
        const rows = yield* execute(sql`SELECT ${columns} FROM app_user WHERE id = ${id}`)
        return Array.head(yield* decodeUsers(rows))
      })

      const byUsername = Effect.fn("Users.byUsername")(function* (name: string) {
        const username = UserDomain.parseUsername(name)
        if (Result.isFailure(username)) return Option.none<User>()
        const rows = yield* execute(sql`SELECT ${columns} FROM app_user WHERE username = ${username.success}`)
        return Array.head(yield* decodeUsers(rows))
      })

      const setEmail = Effect.fn("Users.setEmail")(function* (id: UserId, email: Option.Option<string>) {
        const rows = yield* execute(sql`
          UPDATE app_user SET email = ${Option.getOrNull(email)} WHERE id = ${id} RETURNING ${columns}`)
        const [user] = yield* decodeUsers(rows)
        return user ?? (yield* new UserNotFound({ user: id }))
      })

      return Users.of({ byId, byUsername, setEmail })
    })
  )
}
