import { Console, DateTime, Duration, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { Settings } from "../config/Settings.ts"
import { Quotes } from "../conversion/Quotes.ts"
import { formatPrice } from "../domain/conversion/PricedConversion.ts"
import * as ConversionArguments from "./arguments/ConversionArguments.ts"
import * as Table from "./view/Table.ts"

/** `effex quote 500 USD NGN`: locks the rate and the amounts of a conversion. */
export const command = Command.make(
  "quote",
  {
    ...ConversionArguments.conversionArguments,
    ttl: Flag.Int("ttl").pipe(
      Flag.withDescription("Lifetime in seconds, at most 3600"),
      Flag.filter(
        (seconds) => seconds >= 1 && seconds <= 3600,
        () => "it must be between 1 and 3600"
      ),
      Flag.withDefault(30)
    )
  },
  Effect.fn(function* (input) {
    const { pairs } = yield* Settings
    const quotes = yield* Quotes
    const parsed = yield* ConversionArguments.parse(input, pairs)
    const quote = yield* quotes.create(parsed, Duration.seconds(input.ttl))
    const fields = {
      quote_id: quote.id,
      expires_at: DateTime.formatIso(quote.expiresAt),
      ...formatPrice(quote.priced)
    }
    yield* Console.log(input.json ? JSON.stringify(fields) : Table.render(fields))
  })
).pipe(
  Command.withDescription("Lock the rate of a conversion for a limited time"),
  Command.withExamples([
    { command: "effex quote 500 USD NGN --ttl 60", description: "Lock the rate for a minute" }
  ])
)
