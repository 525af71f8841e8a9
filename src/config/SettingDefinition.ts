import type { Option } from "effect"

/** A setting: its name, how its text is read, and what to say of it. */
export interface Definition<A> {
  readonly name: string
  /** The value where nothing is set. */
  readonly fallback: A
  /** The fallback, for readers. */
  readonly shown: string
  readonly meaning: string
  /** What {@link parse} takes, for readers. */
  readonly allowed: string
  /** The value is never shown. */
  readonly secret: boolean
  readonly parse: (text: string) => Option.Option<A>
}

/** The settings that were defined, in their order. */
export const defined: Array<Definition<unknown>> = []

/** Defines a setting, which is no secret where nothing else is said. */
export const define = <A>(
  definition: Omit<Definition<A>, "secret"> & { readonly secret?: boolean }
): Definition<A> => {
  const complete = { secret: false, ...definition }
  defined.push(complete)
  return complete
}
