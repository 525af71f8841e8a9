import { Console, DateTime, Duration, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { Settings } from "../config/Settings.ts"
import { Quotes } from "../conversion/Quotes.ts"
import { numberFields } from "../domain/conversion/AuditRecord.ts"
import * as CommandArguments from "./CommandArguments.ts"
import * as Table from "./view/Table.ts"

/** `effex quote 500 USD NGN`: locks what a conversion comes to. */
export const command = Command.make(
  "quote",
  {
    ...CommandArguments.input,
    ttl: Flag.Int("ttl").pipe(
      Flag.withDescription("For how many seconds it holds, at most 3600"),
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
    const asked = yield* CommandArguments.parse(input, pairs)
    const quote = yield* quotes.create(asked, Duration.seconds(input.ttl))
    const fields = {
      quote_id: quote.id,
      expires_at: DateTime.formatIso(quote.expiresAt),
      ...numberFields(quote.priced)
    }
    yield* Console.log(input.json ? JSON.stringify(fields) : Table.render(fields))
  })
).pipe(
  Command.withDescription("Lock what a conversion comes to, for a while"),
  Command.withExamples([
    { command: "effex quote 500 USD NGN --ttl 60", description: "Lock the numbers for a minute" }
  ])
)
