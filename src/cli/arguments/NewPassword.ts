import { Effect, Redacted, Stdio, Stream } from "effect"
import { Prompt } from "effect/cli"
import { MAX_PASSWORD_BYTES } from "../../domain/accounts/Password.ts"
import { commandError } from "../CommandError.ts"

/** More than the longest password with its end of line, so that a longer one is refused and not cut. */
const MAX_INPUT_BYTES = MAX_PASSWORD_BYTES + 3

/** Asks for a new password twice on a terminal, else reads it from standard input. Arguments are seen by other users. */
export const read = Effect.gen(function* () {
  const stdio = yield* Stdio.Stdio
  return yield* (yield* stdio.stdinIsTerminal) ? ask : readFrom(stdio.stdin)
})

const ask = Effect.gen(function* () {
  const password = yield* Prompt.Password({ message: "New password" })
  const repeated = yield* Prompt.Password({ message: "Repeat the password" })
  return Redacted.value(password) === Redacted.value(repeated)
    ? password
    : yield* commandError("The passwords are different; nothing was changed")
}).pipe(Effect.catchTag("QuitError", () => commandError("No password was typed; nothing was changed")))

const readFrom = Effect.fnUntraced(function* (stdin: Stdio.Stdio["stdin"]) {
  const input = yield* stdin.pipe(
    Stream.flattenIterable,
    Stream.take(MAX_INPUT_BYTES),
    Stream.runCollect,
    Effect.mapError(() => commandError("Cannot read the password from standard input"))
  )
  const text = yield* Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(input)),
    catch: () => commandError("The password on standard input is not UTF-8")
  })
  const password = text.replace(/\r?\n$/, "")
  return password === ""
    ? yield* commandError("Send the password on standard input, or run the command on a terminal")
    : Redacted.make(password)
})
