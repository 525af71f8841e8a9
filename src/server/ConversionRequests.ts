import { DateTime, Effect } from "effect"
import { Settings } from "../config/Settings.ts"
import { Conversions } from "../conversion/Conversions.ts"
import { Quotes } from "../conversion/Quotes.ts"
import type { Principal } from "../domain/ApiKey.ts"
import { numberFields, type Quote, type QuoteId } from "../domain/AuditRecord.ts"
import * as Conversion from "../domain/Conversion.ts"
import * as Currency from "../domain/Currency.ts"
import * as ConversionBody from "./ConversionBody.ts"
import * as Problems from "./Problems.ts"

/** Conversions and quotes, asked for over HTTP or RPC; what is wrong with a request is a problem. */
export const make = Effect.gen(function* () {
  const { pairs } = yield* Settings
  const conversions = yield* Conversions
  const quotes = yield* Quotes

  const askedOf = Effect.fnUntraced(function* (body: ConversionBody.ConversionBodyFields, caller: Principal) {
    const pair = yield* Effect.fromResult(pairs.find(body.from_currency, body.to_currency)).pipe(
      Effect.catchTags(Problems.ofPair)
    )
    const [from, to] = [Currency.get(pair.from), Currency.get(pair.to)]
    const amountType = body.amount_type ?? "source"
    const amount = yield* ConversionBody.amountOf(body.amount, amountType === "source" ? from : to)
    return { pair, from, to, amount, amountType, reference: body.reference ?? null, principal: caller.id }
  })

  const toMessage = Effect.fnUntraced(function* (quote: Quote) {
    const { amountType, reference } = quote.priced
    return {
      quote_id: quote.id,
      state: yield* quotes.stateOf(quote),
      expires_at: DateTime.formatIso(quote.expiresAt),
      ...numberFields(quote.priced),
      amount_type: amountType,
      ...(reference === null ? {} : { reference }),
      created_at: DateTime.formatIso(quote.createdAt),
      ...(quote.usedBy === null ? {} : { audit_id: quote.usedBy })
    }
  })

  /** The answer as JSON, and whether it was given before. */
  const convert = Effect.fnUntraced(function* (
    body: typeof ConversionBody.Convert.Type,
    idempotencyKey: string | undefined,
    caller: Principal
  ) {
    const asked = yield* askedOf(body, caller)
    return yield* conversions
      .convert({ ...asked, quoteId: body.quote_id ?? null, idempotencyKey })
      .pipe(Effect.catchTags(Problems.ofConversion))
  })

  const createQuote = Effect.fnUntraced(function* (
    body: typeof ConversionBody.Quote.Type,
    caller: Principal
  ) {
    const ttl = yield* ConversionBody.ttlOf(body.ttl)
    const asked = yield* askedOf(body, caller)
    const quote = yield* quotes.create(asked, ttl).pipe(Effect.catchTags(Problems.ofPrice))
    return yield* toMessage(quote)
  })

  const quote = Effect.fnUntraced(function* (id: QuoteId) {
    return yield* toMessage(yield* quotes.byId(id).pipe(Effect.catchTags(Problems.ofQuote)))
  })

  return { convert, createQuote, quote }
})

/** The key of a request, where it has one that can be kept. */
export const keyOf = (key: string | undefined) =>
  key === undefined || Conversion.isIdempotencyKey(key)
    ? Effect.succeed(key)
    : Effect.fail(
        Problems.invalid("/headers/idempotency-key", `must be ${Conversion.IDEMPOTENCY_KEY_ALLOWED}`)
      )
