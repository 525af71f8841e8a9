import { Config, Effect, Option, Record } from "effect"
import type { InvalidSetting } from "./InvalidSettings.ts"
import type { SettingDefinition, Values } from "./SettingDefinition.ts"

/** Creates the functions that read settings from the `ConfigProvider`, with lists of what they found. */
export const make = () => {
  /** Invalid settings, in the order in which they were read. */
  const invalid: Array<typeof InvalidSetting.Type> = []
  /** Text of each setting that the environment sets, by name. `null` for a secret. */
  const given = new Map<string, string | null>()

  /** Returns the value of a setting, or its default if it is unset or invalid. */
  const read = Effect.fnUntraced(function* <A>(definition: SettingDefinition<A>) {
    const text = yield* Config.String(definition.name).pipe(Config.option, Effect.orDie)
    // Compose files and CI systems pass an unset variable as an empty one.
    if (Option.isNone(text) || text.value === "") return definition.defaultValue
    given.set(definition.name, definition.isSecret ? null : text.value)
    return Option.getOrElse(definition.parse(text.value), () => {
      const found = definition.isSecret ? "<redacted>" : JSON.stringify(text.value)
      invalid.push({ name: definition.name, found, allowed: definition.allowed })
      return definition.defaultValue
    })
  })

  /** Returns the values of several settings, by the names of the record. */
  const readAll = <const D extends Readonly<Record<string, SettingDefinition<unknown>>>>(definitions: D) =>
    Effect.map(Effect.all(Record.map(definitions, read)), (values) => values as Values<D>)

  return { read, readAll, invalid, given }
}
