import { DateTime, Effect, Result } from "effect"
import type * as Problem from "../../api/Problem.ts"
import { Settings } from "../../config/Settings.ts"
import { type ConversionRequest, Conversions } from "../../conversion/Conversions.ts"
import type { Asked } from "../../conversion/Pricing.ts"
import { Quotes } from "../../conversion/Quotes.ts"
import type { Principal } from "../../domain/access/Principal.ts"
import { formatPrice, type Quote, type QuoteId } from "../../domain/conversion/AuditRecord.ts"
import * as Conversion from "../../domain/conversion/Conversion.ts"
import * as Currency from "../../domain/money/Currency.ts"
import * as ConversionBody from "./ConversionBody.ts"
import * as Problems from "../middleware/Problems.ts"

/** Conversions and quotes, asked for over HTTP or RPC; what is wrong with a request is a problem. */
export const make = Effect.gen(function* () {
  const { pairs } = yield* Settings
  const conversions = yield* Conversions
  const quotes = yield* Quotes

  const askedOf = (body: ConversionBody.ConversionBodyFields, caller: Principal) => {
    const found = Result.mapError(pairs.find(body.from_currency, body.to_currency), Problems.pairProblem)
    return Result.flatMap(found, (pair) => {
      const [from, to] = [Currency.get(pair.from), Currency.get(pair.to)]
      const { amount_type: amountType = "source", reference = null } = body
      return Result.map(
        ConversionBody.amountOf(body.amount, amountType === "source" ? from : to),
        (amount): Asked => ({ pair, from, to, amount, amountType, reference, principal: caller.id })
      )
    })
  }

  const toMessage = Effect.fnUntraced(function* (quote: Quote) {
    const { amountType, reference } = quote.priced
    return {
      quote_id: quote.id,
      state: yield* quotes.stateOf(quote),
      expires_at: DateTime.formatIso(quote.expiresAt),
      ...formatPrice(quote.priced),
      amount_type: amountType,
      ...(reference === null ? {} : { reference }),
      created_at: DateTime.formatIso(quote.createdAt),
      ...(quote.usedBy === null ? {} : { audit_id: quote.usedBy })
    }
  })

  /** What a body asks for, under a key where there is one. */
  const requestOf = (
    body: typeof ConversionBody.Convert.Type,
    idempotencyKey: string | undefined,
    caller: Principal
  ) =>
    Result.map(askedOf(body, caller), (asked): ConversionRequest => ({
      ...asked,
      quoteId: body.quote_id ?? null,
      idempotencyKey
    }))

  /** The answer as JSON, and whether it was given before. */
  const convert = (
    body: typeof ConversionBody.Convert.Type,
    idempotencyKey: string | undefined,
    caller: Principal
  ) =>
    Effect.flatMap(Effect.fromResult(requestOf(body, idempotencyKey, caller)), (request) =>
      Effect.catchTags(conversions.convert(request), Problems.ofConversion)
    )

  const createQuote = Effect.fnUntraced(function* (
    body: typeof ConversionBody.Quote.Type,
    caller: Principal
  ) {
    const ttl = yield* ConversionBody.ttlOf(body.ttl)
    const asked = yield* Effect.fromResult(askedOf(body, caller))
    const quote = yield* quotes.create(asked, ttl).pipe(Effect.catchTags(Problems.ofPrice))
    return yield* toMessage(quote)
  })

  const quote = Effect.fnUntraced(function* (id: QuoteId) {
    return yield* toMessage(yield* quotes.byId(id).pipe(Effect.catchTags(Problems.ofQuote)))
  })

  return { requestOf, convert, createQuote, quote }
})

/** The key of a request, where it has one that can be kept. */
export const keyOf = (key: string | undefined): Result.Result<string | undefined, Problem.InvalidRequest> =>
  key === undefined || Conversion.isIdempotencyKey(key)
    ? Result.succeed(key)
    : Result.fail(
        Problems.invalid("/headers/idempotency-key", `must be ${Conversion.IDEMPOTENCY_KEY_ALLOWED}`)
      )
