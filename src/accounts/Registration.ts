import { Context, DateTime, Effect, Layer, Option, Predicate, type Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql"
import { Settings } from "../config/Settings.ts"
import { RegistrationClosed, type TooManySignIns } from "../domain/accounts/Login.ts"
import type { PasswordRefused } from "../domain/accounts/Password.ts"
import type { Device } from "../domain/accounts/Session.ts"
import {
  type InvalidUsername,
  parseUsername,
  type Role,
  type User,
  UserId,
  UsernameTaken
} from "../domain/accounts/User.ts"
import { Database } from "../platform/postgres/Database.ts"
import { withDatabaseTimeout } from "../platform/postgres/DatabaseTimeout.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { NewUserSetup } from "./NewUserSetup.ts"
import { Passwords } from "./Passwords.ts"
import type { OpenSession } from "./sessions/NewSessions.ts"
import { Sessions } from "./sessions/Sessions.ts"
import { Users } from "./Users.ts"

/** Values of a new account. */
export interface NewAccount {
  readonly username: string
  readonly password: Redacted.Redacted
  readonly email: Option.Option<string>
}

type Refusal = InvalidUsername | UsernameTaken | PasswordRefused

/** Creates users, together with everything that belongs to a new one, in one transaction. */
export class Registration extends Context.Service<
  Registration,
  {
    /** Registers a user who signs up, and opens a session. */
    readonly register: (
      account: NewAccount,
      device: Device
    ) => Effect.Effect<
      OpenSession & { readonly user: User },
      Refusal | RegistrationClosed | TooManySignIns | StoreUnavailable
    >
    /** Creates a user for an operator, also while registration is closed. `within` runs in the same transaction. */
    readonly create: (
      account: NewAccount,
      role: Role,
      within?: (user: User) => Effect.Effect<void, SqlError.SqlError>
    ) => Effect.Effect<User, Refusal | StoreUnavailable>
  }
>()("effex/accounts/Registration") {
  static readonly layer = Layer.effect(
    Registration,
    Effect.gen(function* () {
      const { openRegistration } = yield* Settings
      const { sql, transaction } = yield* Database
      const random = yield* SecureRandom.SecureRandom
      const passwords = yield* Passwords
      const sessions = yield* Sessions
      const setup = yield* NewUserSetup
      const users = yield* Users

      const insert = Effect.fnUntraced(function* <A, E>(
        account: NewAccount,
        role: Role,
        within: (user: User) => Effect.Effect<A, E | SqlError.SqlError>
      ) {
        const username = yield* Effect.fromResult(parseUsername(account.username))
        const password = yield* Effect.fromResult(passwords.check(account.password, username))
        // Hashing is for free names only. The unique key decides between concurrent registrations.
        if (Option.isSome(yield* users.byUsername(username))) return yield* new UsernameTaken({ username })
        const hash = yield* passwords.hash(password)
        const id = UserId.make(yield* random.uuidV7())
        const createdAt = yield* DateTime.now
        const at = DateTime.toDateUtc(createdAt)
        const user: User = { id, username, email: account.email, role, createdAt, lockedAt: Option.none() }
        const work = Effect.gen(function* () {
          yield* sql`
            INSERT INTO app_user (id, username, email, role, created_at)
            VALUES (${id}, ${username}, ${Option.getOrNull(account.email)}, ${role}, ${at})`.pipe(
            Effect.catchIf(isNameTaken, () => new UsernameTaken({ username }))
          )
          yield* sql`
            INSERT INTO credential (user_id, password_hash, changed_at) VALUES (${id}, ${hash}, ${at})`
          yield* setup.run(id)
          return yield* within(user)
        })
        return yield* withDatabaseTimeout(transaction(work))
      })

      const register: Registration["Service"]["register"] = Effect.fn("Registration.register")(
        function* (account, device) {
          if (!openRegistration) return yield* new RegistrationClosed()
          return yield* passwords.enqueue(
            insert(account, "user", (user) =>
              Effect.map(sessions.openWithin(user.id, device), (opened) => ({ ...opened, user }))
            )
          )
        }
      )

      const create: Registration["Service"]["create"] = Effect.fn("Registration.create")(
        (account, role, within = () => Effect.void) =>
          insert(account, role, (user) => Effect.as(within(user), user))
      )

      return Registration.of({ register, create })
    })
  )
}

const isNameTaken = (error: SqlError.SqlError) =>
  error.reason._tag === "UniqueViolation" &&
  Predicate.hasProperty(error.reason.cause, "constraint") &&
  error.reason.cause.constraint === "app_user_username_key"
