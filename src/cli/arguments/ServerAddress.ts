import { Config, Effect, Option } from "effect"
import { Flag } from "effect/cli"
import type { SettingDefinition } from "../../config/SettingDefinition.ts"
import * as Definitions from "../../config/SettingDefinitions.ts"
import { commandError } from "../CommandError.ts"

const isHttpUrl = (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

/** `--url`: the server to call. */
export const url = Flag.String("url").pipe(
  Flag.withDescription("URL of the server, such as http://127.0.0.1:8000 (default: HOST and PORT)"),
  Flag.filter(isHttpUrl, () => "it must be an http or https URL"),
  Flag.optional
)

/** Reads one setting: a client of a server needs no other settings of it. */
const readSetting = Effect.fnUntraced(function* <A>(definition: SettingDefinition<A>) {
  const text = yield* Config.String(definition.name).pipe(Config.withDefault(""), Effect.orDie)
  if (text === "") return definition.defaultValue
  return yield* Effect.mapError(Effect.fromOption(definition.parse(text)), () =>
    commandError(`${definition.name}: found ${JSON.stringify(text)}, allowed: ${definition.allowed}`)
  )
})

/** Returns the given URL, else the URL of a server that runs on this machine with the same settings. */
export const resolve = (given: Option.Option<string>) =>
  Option.match(given, {
    onSome: (text) => Effect.succeed(text.replace(/\/+$/, "")),
    onNone: () =>
      Effect.gen(function* () {
        const host = toReachableHost(yield* readSetting(Definitions.HOST))
        const port = yield* readSetting(Definitions.PORT)
        return `http://${host.includes(":") ? `[${host}]` : host}:${port}`
      })
  })

/** Replaces a wildcard address, on which a server listens, with the loopback address. */
const toReachableHost = (host: string) => (host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host)
