import type { Option } from "effect"

/** Definition of one setting: its name, parser, default and documentation. */
export interface SettingDefinition<A> {
  /** Name of the environment variable. */
  readonly name: string
  readonly defaultValue: A
  /** The default, for the documentation. */
  readonly defaultText: string
  readonly description: string
  /** Describes what {@link parse} accepts, for the documentation and error messages. */
  readonly allowed: string
  /** If true, the value never appears in output. */
  readonly isSecret: boolean
  readonly parse: (text: string) => Option.Option<A>
}

/** Values of a record of definitions. */
export type Values<Definitions extends Readonly<Record<string, SettingDefinition<unknown>>>> = {
  readonly [Name in keyof Definitions]: Definitions[Name] extends SettingDefinition<infer A> ? A : never
}

/** Every setting defined so far, in order of definition. */
export const definitions: Array<SettingDefinition<unknown>> = []

/** Defines and registers a setting. It is not secret by default. */
export const define = <A>(
  definition: Omit<SettingDefinition<A>, "isSecret"> & { readonly isSecret?: boolean }
): SettingDefinition<A> => {
  const complete = { isSecret: false, ...definition }
  definitions.push(complete)
  return complete
}
