import { Cause, Console, Effect, Exit, Option, type Runtime } from "effect"
import { CliError } from "effect/cli"
import * as ListenFailure from "./server/ListenFailure.ts"
import * as Secrets from "../config/Secrets.ts"
import { redact } from "../platform/telemetry/Redaction.ts"

/** Prints the error of a failed command, without secrets. The parser has already printed its own errors. */
export const report = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
  if (Cause.hasInterruptsOnly(cause)) return
  const error = Cause.findErrorOption(cause)
  if (Option.exists(error, CliError.isCliError)) return
  const text = Option.match(error, { onNone: () => Cause.pretty(cause), onSome: messageOf })
  yield* Console.error(redact(text, yield* Secrets.read))
})

const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const listenFailure = ListenFailure.describe(error.cause)
  if (listenFailure !== undefined) return listenFailure
  const message = error.message || error.name
  return error.cause === undefined ? message : `${message}: ${messageOf(error.cause)}`
}

/** Exit code of a command: 0 on success and after a signal to stop, else 1. */
export const exitCode = (exit: Exit.Exit<unknown, unknown>): 0 | 1 =>
  Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1

export const teardown: Runtime.Teardown = (exit, onExit) => onExit(exitCode(exit))
