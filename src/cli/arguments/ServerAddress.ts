import { Config, Effect, Option } from "effect"
import { CliError, Flag } from "effect/cli"
import type { SettingDefinition } from "../../config/SettingDefinition.ts"
import * as Definitions from "../../config/SettingDefinitions.ts"

const isAddress = (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

/** Which server to ask. */
export const url = Flag.String("url").pipe(
  Flag.withDescription(
    "The server to ask, such as http://127.0.0.1:8000; the one of HOST and PORT without it"
  ),
  Flag.filter(isAddress, () => "an http or https address"),
  Flag.optional
)

/** Only what is needed is read: whoever asks a server need not have the settings of one. */
const read = Effect.fnUntraced(function* <A>(definition: SettingDefinition<A>) {
  const text = yield* Config.String(definition.name).pipe(Config.withDefault(""), Effect.orDie)
  if (text === "") return definition.defaultValue
  return yield* Effect.mapError(
    Effect.fromOption(definition.parse(text)),
    () => new CliError.UserError({ cause: text, userMessage: `${definition.name}: ${definition.allowed}` })
  )
})

/** The address that was given, else the one at which a server with the same settings listens. */
export const resolve = (given: Option.Option<string>) =>
  Option.match(given, {
    onSome: (text) => Effect.succeed(text.replace(/\/+$/, "")),
    onNone: () =>
      Effect.gen(function* () {
        const host = reachable(yield* read(Definitions.HOST))
        const port = yield* read(Definitions.PORT)
        return `http://${host.includes(":") ? `[${host}]` : host}:${port}`
      })
  })

/** A server that listens everywhere is reached here. */
const reachable = (host: string) => (host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host)
