import { Cause, Formatter } from "effect"
import { inspect } from "node:util"

/** Renders a value in every way in which it can appear in output, to check that it does not leak. */
export const rendered = (value: unknown) =>
  [
    String(value),
    JSON.stringify(value),
    inspect(value, { depth: Infinity, showHidden: true, getters: true }),
    Formatter.format(value),
    Cause.pretty(Cause.fail(value)),
    Cause.pretty(Cause.die(value)),
    value instanceof Error ? `${value.message}${value.stack}` : ""
  ].join("\n")
