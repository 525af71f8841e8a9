import { Console, DateTime, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { UserAdministration } from "../../accounts/UserAdministration.ts"
import { Users } from "../../accounts/Users.ts"
import { EmailAddress } from "../../domain/accounts/EmailAddress.ts"
import { Role, type User, type Username, UserNotFound } from "../../domain/accounts/User.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import * as NewPassword from "../arguments/NewPassword.ts"
import { reasonFlag } from "../arguments/ReasonFlag.ts"
import { commandLineUser } from "../CommandLinePrincipal.ts"
import { readAll } from "../view/AllPages.ts"
import * as Records from "../view/Records.ts"

const name = Argument.String("name").pipe(Argument.withDescription("Username, in upper or lower case"))

const reason = reasonFlag("Why, for the log of administrators")

const acted = { name, reason, json: jsonFlag }

/** The user of a name, with who acts and why. */
const actionOf = Effect.fnUntraced(function* (input: { readonly name: string; readonly reason: string }) {
  const found = yield* (yield* Users).byUsername(input.name)
  if (Option.isNone(found)) return yield* new UserNotFound({ user: input.name })
  return { user: found.value.id, principal: yield* commandLineUser, reason: input.reason }
})

const create = Command.make(
  "create",
  {
    name,
    admin: Flag.Boolean("admin").pipe(
      Flag.withDescription("Make the user an administrator"),
      Flag.withDefault(false)
    ),
    email: Flag.String("email").pipe(
      Flag.withDescription("Email address"),
      Flag.filter(Schema.is(EmailAddress), () => "expected an address such as amara@example.org"),
      Flag.optional
    ),
    json: jsonFlag
  },
  Effect.fn(function* ({ admin, email, json, name }) {
    const administration = yield* UserAdministration
    const password = yield* NewPassword.read
    const account = { username: name, password, email }
    yield* print(
      yield* administration.create(account, admin ? "admin" : "user", yield* commandLineUser),
      json
    )
  })
).pipe(
  Command.withDescription(
    "Create a user, also while registration is closed. Asks for the password, or reads it from standard input"
  )
)

const list = Command.make(
  "list",
  {
    prefix: Argument.String("prefix").pipe(
      Argument.withDescription("Beginning of the usernames"),
      Argument.withDefault("")
    ),
    json: jsonFlag
  },
  Effect.fn(function* ({ json, prefix }) {
    const administration = yield* UserAdministration
    const found = yield* readAll(
      (after: Username | undefined, limit) => administration.list({ prefix, after, limit }),
      ({ username }) => username
    )
    yield* Records.printAll(found.map(fieldsOf), json, "There are no such users")
  })
).pipe(Command.withDescription("List users, in the order of their names"))

const lock = Command.make(
  "lock",
  acted,
  Effect.fn(function* ({ json, ...input }) {
    yield* print(yield* (yield* UserAdministration).lock(yield* actionOf(input)), json)
  })
).pipe(Command.withDescription("Lock a user: all sessions end within 10 seconds, and sign-in is refused"))

const unlock = Command.make(
  "unlock",
  acted,
  Effect.fn(function* ({ json, ...input }) {
    yield* print(yield* (yield* UserAdministration).unlock(yield* actionOf(input)), json)
  })
).pipe(Command.withDescription("Unlock a user"))

const resetPassword = Command.make(
  "reset-password",
  { name, reason },
  Effect.fn(function* (input) {
    const action = yield* actionOf(input)
    yield* (yield* UserAdministration).resetPassword(action, yield* NewPassword.read)
    yield* Console.log("The password was changed, and all sessions of the user were ended")
  })
).pipe(
  Command.withDescription(
    "Set the password of a user, and end all sessions. Asks for it, or reads it from standard input"
  )
)

const resetMfa = Command.make(
  "reset-mfa",
  acted,
  Effect.fn(function* ({ json, ...input }) {
    yield* print(yield* (yield* UserAdministration).resetMfa(yield* actionOf(input)), json)
  })
).pipe(
  Command.withDescription(
    "Remove the second factor of a user who lost it, and end all sessions if there is one"
  )
)

const grant = Command.make(
  "grant",
  {
    ...acted,
    role: Argument.Literals("role", Role.literals).pipe(Argument.withDescription("`admin` or `user`"))
  },
  Effect.fn(function* ({ json, role, ...input }) {
    yield* print(yield* (yield* UserAdministration).setRole(yield* actionOf(input), role), json)
  })
).pipe(Command.withDescription("Change the role of a user, and end all sessions"))

/** `effex users`: creates and administers users in the database. It needs no server. */
export const command = Command.make("users").pipe(
  Command.withDescription("Create, list, lock and unlock users, and change their roles"),
  Command.withSubcommands([create, list, lock, unlock, resetPassword, resetMfa, grant]),
  Command.withExamples([
    { command: "effex users create ada --admin", description: "Create the first administrator" },
    {
      command: 'effex users lock amara --reason "Stolen laptop, ticket 81"',
      description: "End the access of a user"
    }
  ])
)

const print = (user: User, json: boolean) => Records.print(fieldsOf(user), json)

const fieldsOf = (user: User) => ({
  id: user.id,
  username: user.username,
  email: Option.getOrNull(user.email),
  role: user.role,
  created_at: DateTime.formatIso(user.createdAt),
  locked_at: Option.getOrNull(Option.map(user.lockedAt, DateTime.formatIso))
})
