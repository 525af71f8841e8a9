import { Argument } from "effect/cli"

/** The currency pair of a command, such as `USD NGN`. */
export const pairArguments = {
  from: Argument.String("from").pipe(Argument.withDescription("The currency to convert from, such as USD")),
  to: Argument.String("to").pipe(Argument.withDescription("The currency to convert to, such as NGN"))
}
