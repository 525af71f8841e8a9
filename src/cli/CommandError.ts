import { Schema } from "effect"

/** Ends the command with exit code 1 and this message. */
export class CommandError extends Schema.TaggedError<CommandError>()("CommandError", {
  text: Schema.String
}) {
  override get message(): string {
    return this.text
  }
}

/** Makes an error that ends the command with exit code 1 and this message. */
export const commandError = (text: string) => new CommandError({ text })
