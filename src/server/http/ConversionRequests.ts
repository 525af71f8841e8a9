import { Context, DateTime, Effect, Layer, Result } from "effect"
import type { QuoteMessage } from "../../api/conversion/ConversionMessage.ts"
import type * as Problem from "../../api/Problem.ts"
import { Settings } from "../../config/Settings.ts"
import { type ConversionInput, Conversions } from "../../conversion/Conversions.ts"
import type { ConversionOutcome } from "../../conversion/CommittedConversion.ts"
import type { PriceInput } from "../../conversion/Pricing.ts"
import { Quotes } from "../../conversion/Quotes.ts"
import type { Principal } from "../../domain/access/Principal.ts"
import { formatPrice } from "../../domain/conversion/PricedConversion.ts"
import type { Quote, QuoteId } from "../../domain/conversion/Quote.ts"
import { IDEMPOTENCY_KEY_FORMAT, isIdempotencyKey } from "../../domain/conversion/IdempotencyKey.ts"
import * as Currency from "../../domain/money/Currency.ts"
import * as Problems from "../middleware/Problems.ts"
import * as ConversionBody from "./ConversionBody.ts"

type QuoteMessage = typeof QuoteMessage.Type

type PricingProblem =
  | Problem.ClockSkewed
  | Problem.InvalidRequest
  | Problem.RateTooOld
  | Problem.RateUnavailable
  | Problem.StoreUnavailable
  | Problem.UnsupportedCurrency
  | Problem.UnsupportedPair

type ConversionProblem =
  | PricingProblem
  | Problem.IdempotencyConflict
  | Problem.IdempotencyMismatch
  | Problem.NotFound
  | Problem.QuoteExpired
  | Problem.QuoteUsed

/** Validates and runs the conversion and quote requests of HTTP and RPC. Errors are problems. */
export class ConversionRequests extends Context.Service<
  ConversionRequests,
  {
    /** Validates a conversion. */
    readonly toInput: (
      body: ConversionBody.Convert,
      idempotencyKey: string | undefined,
      principal: Principal
    ) => Result.Result<
      ConversionInput,
      Problem.InvalidRequest | Problem.UnsupportedCurrency | Problem.UnsupportedPair
    >
    readonly convert: (
      body: ConversionBody.Convert,
      idempotencyKey: string | undefined,
      principal: Principal
    ) => Effect.Effect<ConversionOutcome, ConversionProblem>
    readonly createQuote: (
      body: ConversionBody.Quote,
      principal: Principal
    ) => Effect.Effect<QuoteMessage, PricingProblem>
    readonly quote: (id: QuoteId) => Effect.Effect<QuoteMessage, Problem.NotFound | Problem.StoreUnavailable>
  }
>()("effex/server/http/ConversionRequests") {
  static readonly layer = Layer.effect(
    ConversionRequests,
    Effect.gen(function* () {
      const { pairs } = yield* Settings
      const conversions = yield* Conversions
      const quotes = yield* Quotes

      const toPriceInput = (body: ConversionBody.Convert | ConversionBody.Quote, principal: Principal) => {
        const found = Result.mapError(
          pairs.find(body.from_currency, body.to_currency),
          Problems.fromPairError
        )
        return Result.flatMap(found, (pair) => {
          const [from, to] = [Currency.get(pair.from), Currency.get(pair.to)]
          const { amount_type: amountType = "source", reference = null } = body
          return Result.map(
            ConversionBody.parseAmount(body.amount, amountType === "source" ? from : to),
            (amount): PriceInput => ({
              pair,
              from,
              to,
              amount,
              amountType,
              reference,
              principal: principal.id
            })
          )
        })
      }

      const toQuoteMessage = Effect.fnUntraced(function* (quote: Quote) {
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

      const toInput: ConversionRequests["Service"]["toInput"] = (body, idempotencyKey, principal) =>
        Result.map(toPriceInput(body, principal), (priceInput) => ({
          ...priceInput,
          quoteId: body.quote_id ?? null,
          idempotencyKey
        }))

      const convert: ConversionRequests["Service"]["convert"] = (body, idempotencyKey, principal) => {
        const input = toInput(body, idempotencyKey, principal)
        return Result.isFailure(input)
          ? Effect.fail(input.failure)
          : Effect.catchTags(conversions.convert(input.success), Problems.conversionErrors)
      }

      const createQuote = Effect.fnUntraced(function* (body: ConversionBody.Quote, principal: Principal) {
        const ttl = yield* ConversionBody.parseTtl(body.ttl)
        const input = yield* Effect.fromResult(toPriceInput(body, principal))
        const quote = yield* quotes.create(input, ttl).pipe(Effect.catchTags(Problems.pricingErrors))
        return yield* toQuoteMessage(quote)
      })

      const quote = Effect.fnUntraced(function* (id: QuoteId) {
        return yield* toQuoteMessage(yield* quotes.byId(id).pipe(Effect.catchTags(Problems.quoteErrors)))
      })

      return ConversionRequests.of({ toInput, convert, createQuote, quote })
    })
  )
}

/** Validates the `Idempotency-Key` of a request. Undefined without one. */
export const parseIdempotencyKey = (
  key: string | undefined
): Result.Result<string | undefined, Problem.InvalidRequest> =>
  key === undefined || isIdempotencyKey(key)
    ? Result.succeed(key)
    : Result.fail(Problems.invalid("/headers/idempotency-key", `must be ${IDEMPOTENCY_KEY_FORMAT}`))
