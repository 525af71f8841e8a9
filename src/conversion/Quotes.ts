import { Context, DateTime, type Duration, Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import type { Owner } from "../domain/access/Principal.ts"
import { type Quote, QuoteId } from "../domain/conversion/Quote.ts"
import { type QuoteState, stateAt } from "../domain/conversion/QuoteState.ts"
import type { AmountOutOfRange } from "../domain/conversion/Conversion.ts"
import { QuoteNotFound } from "../domain/conversion/ConversionErrors.ts"
import { type RateTooOld, RateUnavailable } from "../domain/rates/Rate.ts"
import type { ClockSkewed } from "../platform/ClockSkew.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { type PriceInput, Pricing } from "./Pricing.ts"
import { QuoteRepo } from "./QuoteRepo.ts"

/** Quotes: prices that are locked for a limited time. */
export class Quotes extends Context.Service<
  Quotes,
  {
    /** Prices an amount at the current rate and locks the price for `ttl`. */
    readonly create: (
      input: PriceInput,
      ttl: Duration.Duration
    ) => Effect.Effect<
      Quote,
      AmountOutOfRange | ClockSkewed | RateUnavailable | RateTooOld | StoreUnavailable
    >
    /** Returns a quote to its owner. For others, it is not found. */
    readonly byId: (id: QuoteId, owner: Owner) => Effect.Effect<Quote, QuoteNotFound | StoreUnavailable>
    /** Returns the state of a quote at the current time. */
    readonly stateOf: (quote: Quote) => Effect.Effect<QuoteState>
  }
>()("effex/conversion/Quotes") {
  static readonly layerNoDeps = Layer.effect(
    Quotes,
    Effect.gen(function* () {
      const pricing = yield* Pricing
      const repo = yield* QuoteRepo
      const random = yield* SecureRandom.SecureRandom

      const create = Effect.fn("Quotes.create")(function* (input: PriceInput, ttl: Duration.Duration) {
        let quote = yield* price(input, ttl)
        if (yield* repo.insert(quote)) return quote
        yield* pricing.evictUnknownRate(input.pair, quote.priced.rateId)
        quote = yield* price(input, ttl)
        return (yield* repo.insert(quote)) ? quote : yield* new RateUnavailable({ pair: input.pair })
      })

      const price = Effect.fnUntraced(function* (input: PriceInput, ttl: Duration.Duration) {
        const priced = yield* pricing.price(input)
        const createdAt = DateTime.max(yield* DateTime.now, priced.rateFetchedAt)
        return {
          priced,
          id: QuoteId.make(yield* random.uuidV7()),
          owner: input.owner[0],
          createdAt,
          expiresAt: DateTime.addDuration(createdAt, ttl),
          usedBy: null
        } satisfies Quote
      })

      const byId = Effect.fn("Quotes.byId")(function* (id: QuoteId, owner: Owner) {
        const quote = yield* repo.byId(id)
        return Option.isSome(quote) && owner.includes(quote.value.owner)
          ? quote.value
          : yield* new QuoteNotFound({ quoteId: id })
      })

      const stateOf = Effect.fnUntraced(function* (quote: Quote) {
        return stateAt(quote, yield* DateTime.now)
      })

      return Quotes.of({ create, byId, stateOf })
    })
  )

  static readonly layer = Quotes.layerNoDeps.pipe(Layer.provide(QuoteRepo.layer))
}
