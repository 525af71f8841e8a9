import { Console, DateTime, Duration, Effect, Option, Redacted, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { ApiKeys } from "../../access/ApiKeys.ts"
import { type ApiKey, ApiKeyName, Scope } from "../../domain/access/ApiKey.ts"
import * as DurationText from "../../domain/DurationText.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import * as Table from "../view/Table.ts"

const LIFETIME_RANGE = { minimum: Duration.seconds(1), maximum: Duration.days(36_500) }

const create = Command.make(
  "create",
  {
    name: Flag.String("name").pipe(
      Flag.withDescription("Label of the key, such as the name of the program that uses it"),
      Flag.filter(
        Schema.is(ApiKeyName),
        () => "expected 1 to 100 printable characters, without a space at either end"
      )
    ),
    scopes: Flag.Literals("scope", Scope.literals).pipe(
      Flag.withDescription("Permission of the key; repeat the flag for several. No scope includes another"),
      Flag.atLeast(1)
    ),
    lifetime: Flag.String("expires").pipe(
      Flag.withDescription(
        "Time until the key expires, such as `90 days`. Without it, the key does not expire"
      ),
      Flag.filterMap(
        (text) => Option.filter(DurationText.parse(text), Duration.between(LIFETIME_RANGE)),
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
    // Standard output has only the key, so that it can be stored in a variable or a file.
    const { id, scopes: granted, expires_at } = fieldsOf(record)
    const expires = expires_at ?? "never"
    yield* Console.error(Table.render({ id, scopes: granted.join(", "), expires }))
    yield* Console.error("Store the key now: it cannot be displayed again")
    if (Redacted.value(key).startsWith("efx_test_")) {
      yield* Console.error(
        "It is a test key, because no provider is set here. Servers with real providers reject it"
      )
    }
  })
).pipe(Command.withDescription("Create an API key, and print it once"))

const list = Command.make(
  "list",
  { json: jsonFlag },
  Effect.fn(function* ({ json }) {
    const keys = yield* ApiKeys
    const found = (yield* keys.list).map(fieldsOf)
    if (json) return yield* Console.log(JSON.stringify(found))
    yield* Console.log(found.length === 0 ? "There are no API keys" : Table.renderRows(found))
  })
).pipe(
  Command.withDescription(
    "List all API keys, including expired and revoked ones, with the last four characters of each"
  )
)

const revoke = Command.make(
  "revoke",
  { id: Argument.String("id").pipe(Argument.withDescription("Id of the key, such as key_3kTMd9Xw2bQz")) },
  Effect.fn(function* ({ id }) {
    const keys = yield* ApiKeys
    const { name, revokedAt } = yield* keys.revoke(id)
    yield* Console.log(
      `${id} (${name}) was permanently revoked at ${formatTime(revokedAt)}; every node rejects it within 10 seconds`
    )
  })
).pipe(Command.withDescription("Revoke an API key permanently"))

/** `effex keys`: creates, lists and revokes API keys in the database. It does not need a running server. */
export const command = Command.make("keys").pipe(
  Command.withDescription("Create, list and revoke API keys"),
  Command.withSubcommands([create, list, revoke]),
  Command.withExamples([
    {
      command: 'effex keys create --name shop --scope convert --scope audit:read --expires "90 days"',
      description: "Create a key for conversions and for the audit"
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
  expires_at: formatTime(key.expiresAt),
  revoked_at: formatTime(key.revokedAt),
  last_used_at: formatTime(key.lastUsedAt)
})

const formatTime = (at: Option.Option<DateTime.Utc>) => Option.getOrNull(Option.map(at, DateTime.formatIso))
