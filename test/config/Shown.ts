import { Cause, Formatter } from "effect"
import { inspect } from "node:util"

/** Every way in which a value may come to be read by somebody. */
export const shown = (value: unknown) =>
  [
    String(value),
    JSON.stringify(value),
    inspect(value, { depth: Infinity, showHidden: true, getters: true }),
    Formatter.format(value),
    Cause.pretty(Cause.fail(value)),
    Cause.pretty(Cause.die(value)),
    value instanceof Error ? `${value.message}${value.stack}` : ""
  ].join("\n")
