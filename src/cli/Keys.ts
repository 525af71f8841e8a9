import { Console, DateTime, Duration, Effect, Option, Redacted, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { ApiKeys } from "../access/ApiKeys.ts"
import { type ApiKey, ApiKeyName, Scope } from "../domain/access/ApiKey.ts"
import * as DurationText from "../domain/DurationText.ts"
import { jsonFlag } from "./arguments/JsonFlag.ts"
import * as Table from "./view/Table.ts"

const lifetimes = { minimum: Duration.seconds(1), maximum: Duration.days(36_500) }

const create = Command.make(
  "create",
  {
    name: Flag.String("name").pipe(
      Flag.withDescription("Your name for it, such as the program that will hold it"),
      Flag.filter(Schema.is(ApiKeyName), () => "it must have 1 to 100 characters, and no control characters")
    ),
    scopes: Flag.Literals("scope", Scope.literals).pipe(
      Flag.withDescription("What it may be used for; none includes another. Give it once for each"),
      Flag.atLeast(1)
    ),
    lifetime: Flag.String("expires").pipe(
      Flag.withDescription("When it ends, such as `90 days`; never without it"),
      Flag.filterMap(
        (text) => Option.filter(DurationText.parse(text), Duration.between(lifetimes)),
        () => `${DurationText.ALLOWED}, from 1 second to 36500 days`
      ),
      Flag.optional
    ),
    json: jsonFlag
  },
  Effect.fn(function* ({ json, lifetime, name, scopes }) {
    const keys = yield* ApiKeys
    const { key, record } = yield* keys.create({ name, scopes, lifetime })
    if (json) return yield* Console.log(JSON.stringify({ key: Redacted.value(key), ...fieldsOf(record) }))
    yield* Console.log(Redacted.value(key))
    // Beside the key, so that it alone goes into a variable or a file.
    const { id, scopes: granted, expires_at } = fieldsOf(record)
    const ends = expires_at ?? "never, unless it is revoked"
    yield* Console.error(Table.render({ id, scopes: granted.join(", "), ends }))
    yield* Console.error("Keep the key now: it is not told again")
  })
).pipe(Command.withDescription("Make a key, and print it this once"))

const list = Command.make(
  "list",
  { json: jsonFlag },
  Effect.fn(function* ({ json }) {
    const keys = yield* ApiKeys
    const found = (yield* keys.list).map(fieldsOf)
    if (json) return yield* Console.log(JSON.stringify(found))
    yield* Console.log(found.length === 0 ? "There are no keys" : Table.renderRows(found))
  })
).pipe(
  Command.withDescription(
    "List the keys, those that have ended as well; of none more than its last four characters"
  )
)

const revoke = Command.make(
  "revoke",
  { id: Argument.String("id").pipe(Argument.withDescription("The id of the key, such as key_3kTMd9Xw2bQz")) },
  Effect.fn(function* ({ id }) {
    const keys = yield* ApiKeys
    const { name, revokedAt } = yield* keys.revoke(id)
    yield* Console.log(
      `${id} (${name}) is revoked for ever, since ${told(revokedAt)}; every node refuses it within 10 seconds`
    )
  })
).pipe(Command.withDescription("End a key for ever"))

/** `effex keys`: who may ask for what. It works on the database, and needs no server. */
export const command = Command.make("keys").pipe(
  Command.withDescription("Make, list and revoke the keys of the API"),
  Command.withSubcommands([create, list, revoke]),
  Command.withExamples([
    {
      command: 'effex keys create --name shop --scope convert --scope audit:read --expires "90 days"',
      description: "A key that converts and reads the audit"
    }
  ])
)

const fieldsOf = (key: ApiKey) => ({
  id: key.id,
  name: key.name,
  ends_with: key.lastFour,
  scopes: key.scopes,
  mode: key.mode,
  created_at: DateTime.formatIso(key.createdAt),
  expires_at: told(key.expiresAt),
  revoked_at: told(key.revokedAt),
  last_used_at: told(key.lastUsedAt)
})

const told = (at: Option.Option<DateTime.Utc>) => Option.getOrNull(Option.map(at, DateTime.formatIso))
