import { Effect } from "effect"
import { QuoteExpired, QuoteMismatch, QuoteUsed } from "../domain/conversion/ConversionErrors.ts"
import type { Quote, QuoteId } from "../domain/conversion/Quote.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { PriceInput } from "./Pricing.ts"
import { Quotes } from "./Quotes.ts"

/** Creates the functions with which a conversion uses a quote. */
export const make = Effect.gen(function* () {
  const quotes = yield* Quotes

  const requireOpen = Effect.fnUntraced(function* (quote: Quote) {
    const state = yield* quotes.stateOf(quote)
    if (state === "used") return yield* new QuoteUsed({ quoteId: quote.id })
    if (state === "expired") return yield* new QuoteExpired({ quoteId: quote.id, expiresAt: quote.expiresAt })
  })

  /** Returns the open quote that a request asks for. */
  const open = Effect.fnUntraced(function* (id: QuoteId, input: PriceInput) {
    const quote = yield* quotes.byId(id, input.owner)
    yield* requireMatch(input, quote)
    yield* requireOpen(quote)
    return quote
  })

  /** Fails with the reason for which a quote that was open a moment ago could not be used. */
  const failUnavailable = Effect.fnUntraced(function* (id: QuoteId, { owner }: PriceInput) {
    const quote = yield* quotes.byId(id, owner)
    yield* requireOpen(quote)
    return yield* new QuoteExpired({ quoteId: id, expiresAt: quote.expiresAt })
  })

  return { open, failUnavailable }
})

/** Fails when a request differs from the quote that it uses. */
const requireMatch = Effect.fnUntraced(function* (input: PriceInput, quote: Quote) {
  const { amountType, input: source, output: target } = quote.priced
  const quotedAmount = amountType === "source" ? source : target
  const fields: ReadonlyArray<readonly [field: string, requested: string, quoted: string]> = [
    ["from_currency", input.from.code, source.currency.code],
    ["to_currency", input.to.code, target.currency.code],
    ["amount_type", input.amountType, amountType],
    ["amount", Decimal.format(input.amount), Decimal.format(quotedAmount.amount)]
  ]
  for (const [field, requested, quoted] of fields) {
    if (requested !== quoted) return yield* new QuoteMismatch({ field, quoted })
  }
})
