import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { Settings } from "../config/Settings.ts"
import { Conversions } from "../conversion/Conversions.ts"
import * as Conversion from "../domain/conversion/Conversion.ts"
import * as CommandArguments from "./CommandArguments.ts"
import * as Table from "./view/Table.ts"

/** `effex convert 500 USD NGN`: converts, and commits it to the audit, as the server does. */
export const command = Command.make(
  "convert",
  {
    ...CommandArguments.input,
    quote: Flag.String("quote").pipe(Flag.withDescription("The id of the quote to use"), Flag.optional),
    key: Flag.String("idempotency-key").pipe(
      Flag.withDescription("Repeated with the same key, it is done once"),
      Flag.filter(Conversion.isIdempotencyKey, () => `it must be ${Conversion.IDEMPOTENCY_KEY_ALLOWED}`),
      Flag.optional
    )
  },
  Effect.fn(function* (input) {
    const { pairs } = yield* Settings
    const conversions = yield* Conversions
    const asked = yield* CommandArguments.parse(input, pairs)
    const quoteId = yield* CommandArguments.parseQuoteId(input.quote)
    const { body, replayed } = yield* conversions.convert({
      ...asked,
      quoteId,
      idempotencyKey: Option.getOrUndefined(input.key)
    })
    if (input.json) return yield* Console.log(body)
    yield* Console.log(Table.render(JSON.parse(body)))
    if (replayed) yield* Console.log("It was converted before, under the same key: this is the first answer.")
  })
).pipe(
  Command.withDescription("Convert an amount, and commit it to the audit"),
  Command.withExamples([
    { command: "effex convert 500 USD NGN", description: "Convert 500 dollars into naira" },
    {
      command: "effex convert 100000 USD NGN --target",
      description: "Convert what it takes for 100000 naira to arrive"
    }
  ])
)
