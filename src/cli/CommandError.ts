import { CliError } from "effect/cli"

/** An error that ends the command with exit code 1 and this message. */
export const commandError = (message: string) =>
  new CliError.UserError({ cause: message, userMessage: message })
