import { ConfigProvider, Effect, Layer, Option } from "effect"
import { Command, Flag } from "effect/cli"
import type { SettingDefinition } from "../../config/SettingDefinition.ts"
import * as Definitions from "../../config/SettingDefinitions.ts"

/** A flag in place of a setting. */
const settingFlag = (name: string, definition: SettingDefinition<unknown>) =>
  Flag.String(name).pipe(
    Flag.withDescription(
      `${definition.description} (default: ${definition.name}, else ${definition.defaultText})`
    ),
    Flag.filter(
      (text) => text !== "" && Option.isSome(definition.parse(text)),
      () => definition.allowed
    ),
    Flag.optional
  )

/** `effex serve`: runs a node until it receives a signal to stop. */
export const make = <A, E>(app: Layer.Layer<A, E>) =>
  Command.make(
    "serve",
    { host: settingFlag("host", Definitions.HOST), port: settingFlag("port", Definitions.PORT) },
    ({ host, port }) => {
      const flags = { HOST: Option.getOrUndefined(host), PORT: Option.getOrUndefined(port) }
      const env = Object.fromEntries(
        Object.entries(flags).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]))
      )
      return Layer.launch(app).pipe(
        Effect.updateService(ConfigProvider.ConfigProvider, (settings) =>
          ConfigProvider.orElse(ConfigProvider.fromEnv({ env }), settings)
        )
      )
    }
  ).pipe(
    Command.withDescription("Keep the rates fresh and serve them over HTTP"),
    Command.withExamples([
      { command: "effex serve", description: "Listen on HOST and PORT" },
      { command: "effex serve --port 9000", description: "Listen on another port" }
    ])
  )
