import { Context, DateTime, Effect, Layer, Option, Result } from "effect"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import type { QuoteMessage } from "../../api/conversion/ConversionMessage.ts"
import type * as Problem from "../../api/Problem.ts"
import { Conversions } from "../../conversion/Conversions.ts"
import type { ConversionInput } from "../../conversion/ConversionInput.ts"
import type { ConversionOutcome } from "../../conversion/CommittedConversion.ts"
import type { PriceInput } from "../../conversion/Pricing.ts"
import { Quotes } from "../../conversion/Quotes.ts"
import type { Identity } from "../../domain/access/Principal.ts"
import { formatPrice } from "../../domain/conversion/PricedConversion.ts"
import type { Quote, QuoteId } from "../../domain/conversion/Quote.ts"
import * as Currency from "../../domain/money/Currency.ts"
import * as Problems from "../middleware/Problems.ts"
import * as ConversionBody from "../encoding/ConversionBody.ts"

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

type InputProblem = Problem.InvalidRequest | Problem.UnsupportedCurrency | Problem.UnsupportedPair

/** Validates and runs the conversion and quote requests of HTTP and RPC. Errors are problems. */
export class ConversionRequests extends Context.Service<
  ConversionRequests,
  {
    /** Validates a conversion. */
    readonly toInput: (
      body: ConversionBody.Convert,
      idempotencyKey: string | undefined,
      identity: Identity
    ) => Result.Result<ConversionInput, InputProblem>
    /** Validates and converts. A used idempotency key returns its conversion, whatever the settings allow today. */
    readonly convert: (
      body: ConversionBody.Convert,
      idempotencyKey: string | undefined,
      identity: Identity
    ) => Effect.Effect<ConversionOutcome, ConversionProblem>
    readonly createQuote: (
      body: ConversionBody.Quote,
      identity: Identity
    ) => Effect.Effect<QuoteMessage, PricingProblem>
    /** Returns a quote to its owner. */
    readonly quote: (
      id: QuoteId,
      identity: Identity
    ) => Effect.Effect<QuoteMessage, Problem.NotFound | Problem.StoreUnavailable>
  }
>()("effex/server/http/ConversionRequests") {
  static readonly layer = Layer.effect(
    ConversionRequests,
    Effect.gen(function* () {
      const { pairs } = yield* AssetCatalog
      const conversions = yield* Conversions
      const quotes = yield* Quotes

      const toPriceInput = (body: ConversionBody.Convert | ConversionBody.Quote, identity: Identity) => {
        const found = Result.mapError(
          pairs.findCurrencies(body.from_currency, body.to_currency),
          Problems.fromPairError
        )
        return Result.flatMap(found, (pair) => {
          const [from, to] = [Currency.get(pair.from), Currency.get(pair.to)]
          const { amount_type: amountType = "source", reference = null } = body
          const { code, minorUnit: decimals } = amountType === "source" ? from : to
          return Result.map(
            ConversionBody.parseAmount(body.amount, { code, decimals }),
            (amount): PriceInput => ({
              pair,
              from,
              to,
              amount,
              amountType,
              reference,
              principal: identity.id,
              owner: identity.owner
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

      const toInput: ConversionRequests["Service"]["toInput"] = (body, idempotencyKey, identity) =>
        Result.map(toPriceInput(body, identity), (priceInput) => ({
          ...priceInput,
          quoteId: body.quote_id ?? null,
          idempotencyKey
        }))

      const convert: ConversionRequests["Service"]["convert"] = (body, idempotencyKey, identity) => {
        const input = toInput(body, idempotencyKey, identity)
        return Result.isFailure(input)
          ? convertDisallowed(body, idempotencyKey, identity, input.failure)
          : Effect.catchTags(conversions.convert(input.success), Problems.conversionErrors)
      }

      /** A retry returns its stored conversion even if the settings do not allow the request any more. */
      const convertDisallowed = Effect.fnUntraced(function* (
        body: ConversionBody.Convert,
        idempotencyKey: string | undefined,
        { owner }: Identity,
        problem: InputProblem
      ) {
        const request = ConversionBody.toRequestFields(body)
        if (idempotencyKey === undefined || request === undefined) return yield* problem
        const stored = yield* conversions
          .findStored(owner, idempotencyKey, request)
          .pipe(Effect.catchTags(Problems.idempotentErrors))
        return Option.isSome(stored) ? stored.value : yield* problem
      })

      const createQuote = Effect.fnUntraced(function* (body: ConversionBody.Quote, identity: Identity) {
        const ttl = yield* ConversionBody.parseTtl(body.ttl)
        const input = yield* Effect.fromResult(toPriceInput(body, identity))
        const quote = yield* quotes.create(input, ttl).pipe(Effect.catchTags(Problems.pricingErrors))
        return yield* toQuoteMessage(quote)
      })

      const quote = Effect.fnUntraced(function* (id: QuoteId, { owner }: Identity) {
        const found = yield* quotes.byId(id, owner).pipe(Effect.catchTags(Problems.quoteErrors))
        return yield* toQuoteMessage(found)
      })

      return ConversionRequests.of({ toInput, convert, createQuote, quote })
    })
  )
}
