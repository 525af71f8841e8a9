import { Effect, Option, Schema } from "effect"
import { Argument, CliError, Flag } from "effect/cli"
import type { Asked } from "../conversion/Pricing.ts"
import { QuoteId } from "../domain/conversion/AuditRecord.ts"
import { Reference } from "../domain/conversion/Conversion.ts"
import * as Currency from "../domain/money/Currency.ts"
import type { SupportedPairs } from "../domain/money/CurrencyPair.ts"
import * as Money from "../domain/money/Money.ts"

/** The pair that is asked about. */
export const currencies = {
  from: Argument.String("from").pipe(Argument.withDescription("The currency to convert from, such as USD")),
  to: Argument.String("to").pipe(Argument.withDescription("The currency to convert into, such as NGN"))
}

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print JSON for programs"),
  Flag.withDefault(false)
)

/** What `convert` and `quote` take. */
export const input = {
  amount: Argument.String("amount").pipe(Argument.withDescription("The amount, such as 500 or 500.00")),
  ...currencies,
  target: Flag.Boolean("target").pipe(
    Flag.withDescription("The amount is what must arrive, not what is paid"),
    Flag.withDefault(false)
  ),
  reference: Flag.String("reference").pipe(
    Flag.withDescription("Your own words for the record, at most 100 characters"),
    Flag.filter(Schema.is(Reference), () => "it must have 1 to 100 characters, and no control characters"),
    Flag.optional
  ),
  json
}

/** Who asks on the command line. */
export const PRINCIPAL = "command-line"

/** Ends the command with 1 and a message. */
export const refuse = (message: string) => new CliError.UserError({ cause: message, userMessage: message })

export const parse = Effect.fnUntraced(function* (
  given: {
    readonly amount: string
    readonly from: string
    readonly to: string
    readonly target: boolean
    readonly reference: Option.Option<string>
  },
  pairs: SupportedPairs
) {
  const pair = yield* Effect.fromResult(pairs.find(given.from, given.to))
  const [from, to] = [Currency.get(pair.from), Currency.get(pair.to)]
  const side = given.target ? to : from
  const money = Money.parse(given.amount, side)
  if (Option.isNone(money)) {
    return yield* refuse(
      `${given.amount} is not a positive amount of ${side.code}, with at most ${side.minorUnit} decimals`
    )
  }
  const asked: Asked = {
    pair,
    from,
    to,
    amount: money.value.amount,
    amountType: given.target ? "target" : "source",
    reference: Option.getOrNull(given.reference),
    principal: PRINCIPAL
  }
  return asked
})

export const parseQuoteId = Effect.fnUntraced(function* (text: Option.Option<string>) {
  if (Option.isNone(text)) return null
  return yield* Schema.decodeEffect(QuoteId)(text.value).pipe(
    Effect.mapError(() => refuse(`${text.value} is not the id of a quote`))
  )
})
