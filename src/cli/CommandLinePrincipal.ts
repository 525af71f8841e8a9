import { Effect, Option } from "effect"
import { userInfo } from "node:os"

/** The principal recorded for changes made on the command line. */
export const COMMAND_LINE_PRINCIPAL = "command-line"

/** The principal with the user of the operating system, for actions on people. Containers may run without a name. */
export const commandLineUser = Effect.try(() => userInfo().username).pipe(
  Effect.option,
  Effect.map((name) => `cli:${Option.getOrElse(name, () => String(process.getuid?.() ?? "unknown"))}`)
)
