import { Effect, Option, Schema } from "effect"
import { Argument, type Command, Flag } from "effect/cli"
import * as Idempotency from "../../conversion/Idempotency.ts"
import type { PriceInput } from "../../conversion/Pricing.ts"
import { QuoteId } from "../../domain/conversion/Quote.ts"
import { Reference } from "../../domain/conversion/Conversion.ts"
import * as Currency from "../../domain/money/Currency.ts"
import type { SupportedPairs } from "../../domain/money/SupportedPairs.ts"
import * as Money from "../../domain/money/Money.ts"
import { commandError } from "../CommandError.ts"
import { COMMAND_LINE_PRINCIPAL } from "../CommandLinePrincipal.ts"
import { jsonFlag } from "./JsonFlag.ts"
import { pairArgument, splitPair } from "./PairArguments.ts"

/** The arguments of `convert` and `quote`. */
export const conversionArguments = {
  amount: Argument.String("amount").pipe(Argument.withDescription("The amount, such as 500 or 500.00")),
  pair: pairArgument,
  target: Flag.Boolean("target").pipe(
    Flag.withDescription("The amount is the amount to receive, not the amount to pay"),
    Flag.withDefault(false)
  ),
  reference: Flag.String("reference").pipe(
    Flag.withDescription("Your own text for the record, at most 100 characters"),
    Flag.filter(
      Schema.is(Reference),
      () =>
        "it must have 1 to 100 characters, one of them visible, and no control characters or bidirectional overrides"
    ),
    Flag.optional
  ),
  json: jsonFlag
}

type Input = Command.Command.Config.Infer<typeof conversionArguments>

/** Validates the arguments against the supported pairs and the decimals of the currency. */
export const parse = Effect.fnUntraced(function* (input: Input, pairs: SupportedPairs) {
  const codes = yield* splitPair(input.pair)
  const pair = yield* Effect.fromResult(pairs.findCurrencies(codes.from, codes.to))
  const [from, to] = [Currency.get(pair.from), Currency.get(pair.to)]
  const currency = input.target ? to : from
  const money = Money.parse(input.amount, currency)
  if (Option.isNone(money)) {
    return yield* commandError(
      `${input.amount} is not a positive amount of ${currency.code} with at most ${currency.minorUnit} decimals`
    )
  }
  return {
    pair,
    from,
    to,
    amount: money.value.amount,
    amountType: input.target ? "target" : "source",
    reference: Option.getOrNull(input.reference),
    principal: COMMAND_LINE_PRINCIPAL,
    owner: [COMMAND_LINE_PRINCIPAL]
  } satisfies PriceInput
})

/** Returns what the arguments mean without regard to the settings; see `Idempotency.toRequestFields`. */
export const toRequestFields = Effect.fnUntraced(function* (input: Input, quoteId: QuoteId | null) {
  return Idempotency.toRequestFields({
    ...(yield* splitPair(input.pair)),
    amount: input.amount,
    amountType: input.target ? "target" : "source",
    quoteId,
    reference: Option.getOrNull(input.reference)
  })
})

/** Parses the quote id of `--quote`. Null without the flag. */
export const parseQuoteId = Effect.fnUntraced(function* (text: Option.Option<string>) {
  if (Option.isNone(text)) return null
  return yield* Schema.decodeEffect(QuoteId)(text.value).pipe(
    Effect.mapError(() => commandError(`${text.value} is not a quote id`))
  )
})
