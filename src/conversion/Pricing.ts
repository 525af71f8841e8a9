import { Clock, Context, Effect, Layer, Result } from "effect"
import type { BigDecimal } from "effect"
import { Settings } from "../config/Settings.ts"
import type { Owner } from "../domain/access/Principal.ts"
import type { PricedConversion } from "../domain/conversion/PricedConversion.ts"
import {
  type AmountOutOfRange,
  type AmountType,
  compute,
  type Terms,
  makeTerms
} from "../domain/conversion/Conversion.ts"
import { marginOf } from "../domain/conversion/Margins.ts"
import type { Currency } from "../domain/money/Currency.ts"
import type { AssetPair } from "../domain/money/AssetPair.ts"
import type { Rate, RateId, RateTooOld, RateUnavailable } from "../domain/rates/Rate.ts"
import * as ClockSkew from "../platform/ClockSkew.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as ExportedSpans from "../platform/telemetry/ExportedSpans.ts"
import { type FoundRate, type LookupOptions, Rates } from "../rates/lookup/Rates.ts"

/** An amount to price. */
export interface PriceInput {
  readonly pair: AssetPair
  readonly from: Currency
  readonly to: Currency
  /** In `from` or `to`, depending on `amountType`. Exact, with no more decimals than the currency has. */
  readonly amount: BigDecimal.BigDecimal
  readonly amountType: AmountType
  readonly reference: string | null
  readonly principal: string
  /** Owner of the quote or of the idempotency key. */
  readonly owner: Owner
  /** Maximum age of the rate. Any rate is accepted by default. */
  readonly lookup?: LookupOptions
}

/** Prices conversions at the latest rate, less the margin of the pair. */
export class Pricing extends Context.Service<
  Pricing,
  {
    readonly price: (
      input: PriceInput
    ) => Effect.Effect<
      PricedConversion,
      AmountOutOfRange | ClockSkew.ClockSkewed | RateUnavailable | RateTooOld | StoreUnavailable
    >
    /** Fails while the clock of this node is too far from the database's to price anything or to use a quote. */
    readonly requireAllowedSkew: Effect.Effect<void, ClockSkew.ClockSkewed>
    /**
     * Prices synchronously with a fresh rate in memory. Returns undefined where there is none or the price is invalid;
     * {@link price} then returns the price or the error.
     */
    readonly priceFromMemory: (input: PriceInput) => PricedConversion | undefined
    /** Removes a rate that the database does not contain from the caches. The next price comes from the database. */
    readonly evictUnknownRate: (pair: AssetPair, id: RateId) => Effect.Effect<void>
  }
>()("effex/conversion/Pricing") {
  static readonly layer = Layer.effect(
    Pricing,
    Effect.gen(function* () {
      const { margins } = yield* Settings
      const rates = yield* Rates
      const clock = yield* Clock.Clock
      const skew = yield* Effect.service(ClockSkew.ClockSkew)
      /** Margins are constant, so the terms of a rate never change. */
      const termsByRate = new WeakMap<Rate, Terms>()
      const traced = yield* ExportedSpans.make

      const termsAt = (rate: Rate): Terms => {
        const cached = termsByRate.get(rate)
        if (cached !== undefined) return cached
        const terms = makeTerms(rate.rate, marginOf(margins, rate.pair.key))
        termsByRate.set(rate, terms)
        return terms
      }

      const priceAt = (input: PriceInput, { rate, stale }: FoundRate) => {
        const { amount, amountType, from, principal, reference, to } = input
        return Result.map(
          compute({ amount, amountType, from, to, terms: termsAt(rate) }),
          (computed): PricedConversion => ({
            ...computed,
            amountType,
            rateId: rate.id,
            provider: rate.provider,
            rateFetchedAt: rate.observedAt,
            stale,
            reference,
            principal
          })
        )
      }

      const price = (input: PriceInput) =>
        traced("Pricing.price")(
          requireAllowedSkew.pipe(
            Effect.andThen(rates.lookup(input.pair, input.lookup)),
            Effect.flatMap((found) => Effect.fromResult(priceAt(input, found)))
          )
        )

      const requireAllowedSkew = Effect.provideService(ClockSkew.requireAllowed, ClockSkew.ClockSkew, skew)

      const priceFromMemory = (input: PriceInput) => {
        if (ClockSkew.errorOf(skew) !== undefined) return undefined
        const found = rates.peek(input.pair, clock.currentTimeMillisUnsafe())
        const priced = found && Result.getOrUndefined(priceAt(input, found))
        if (found === undefined || priced === undefined) return undefined
        rates.countLookup(found)
        return priced
      }

      const evictUnknownRate: Pricing["Service"]["evictUnknownRate"] = Effect.fnUntraced(
        function* (pair, id) {
          yield* Effect.logWarning(
            `The rate ${id} of ${pair.key} is not in the database and was removed from the caches; was a backup restored?`
          )
          yield* rates.evict(pair, id)
        }
      )

      return Pricing.of({ evictUnknownRate, price, priceFromMemory, requireAllowedSkew })
    })
  )
}
