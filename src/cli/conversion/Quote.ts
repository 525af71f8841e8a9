import { Console, DateTime, Duration, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { Quotes } from "../../conversion/Quotes.ts"
import { formatPrice } from "../../domain/conversion/PricedConversion.ts"
import * as ConversionArguments from "../arguments/ConversionArguments.ts"
import { durationFlag } from "../arguments/DurationFlag.ts"
import * as Table from "../view/Table.ts"

/** `effex quote 500 USD NGN`: locks the rate and the amounts of a conversion. */
export const command = Command.make(
  "quote",
  {
    ...ConversionArguments.conversionArguments,
    ttl: durationFlag("ttl", { minimum: Duration.seconds(1), maximum: Duration.hours(1) }).pipe(
      Flag.withDescription("Lifetime, such as 60 (seconds) or `10 minutes` (default: 30 seconds)"),
      Flag.withDefault(Duration.seconds(30))
    )
  },
  Effect.fn(function* (input) {
    const { pairs } = yield* AssetCatalog
    const quotes = yield* Quotes
    const parsed = yield* ConversionArguments.parse(input, pairs)
    const quote = yield* quotes.create(parsed, input.ttl)
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
