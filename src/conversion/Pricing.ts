import { Clock, Context, Effect, Layer, Result } from "effect"
import type { BigDecimal } from "effect"
import { Settings } from "../config/Settings.ts"
import type { PricedConversion } from "../domain/conversion/AuditRecord.ts"
import {
  type AmountOutOfRange,
  type AmountType,
  compute,
  marginOf,
  type Terms,
  termsOf
} from "../domain/conversion/Conversion.ts"
import type { Currency } from "../domain/money/Currency.ts"
import type { CurrencyPair } from "../domain/money/CurrencyPair.ts"
import type { Rate, RateTooOld, RateUnavailable } from "../domain/rates/Rate.ts"
import type { StoreUnavailable } from "../platform/postgres/Database.ts"
import * as ExportedSpans from "../platform/telemetry/ExportedSpans.ts"
import { type FoundRate, Rates } from "../rates/lookup/Rates.ts"

/** What a customer asks for. */
export interface Asked {
  readonly pair: CurrencyPair
  readonly from: Currency
  readonly to: Currency
  /** In the currency of its side, exact, with no more decimals than its minor unit. */
  readonly amount: BigDecimal.BigDecimal
  readonly amountType: AmountType
  readonly reference: string | null
  readonly principal: string
}

/** What a conversion comes to at the latest rate, less the margin of its pair. */
export class Pricing extends Context.Service<
  Pricing,
  {
    readonly price: (
      asked: Asked
    ) => Effect.Effect<PricedConversion, AmountOutOfRange | RateUnavailable | RateTooOld | StoreUnavailable>
    /** As {@link price}, at once; undefined where the rate is not at hand, or not fresh, and where there is no price. */
    readonly priceNow: (asked: Asked) => PricedConversion | undefined
  }
>()("effex/conversion/Pricing") {
  static readonly layer = Layer.effect(
    Pricing,
    Effect.gen(function* () {
      const { margins } = yield* Settings
      const rates = yield* Rates
      const clock = yield* Clock.Clock
      /** The margins are those of the settings. */
      const known = new WeakMap<Rate, Terms>()
      const traced = yield* ExportedSpans.make

      const termsOfRate = (rate: Rate): Terms => {
        let terms = known.get(rate)
        if (terms === undefined)
          known.set(rate, (terms = termsOf(rate.rate, marginOf(margins, rate.pair.key))))
        return terms
      }

      const priceAt = (asked: Asked, { rate, stale }: FoundRate) => {
        const { amount, amountType, from, principal, reference, to } = asked
        return Result.map(
          compute({ amount, amountType, from, to, terms: termsOfRate(rate) }),
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

      const price = (asked: Asked) =>
        traced("Pricing.price")(
          Effect.flatMap(rates.lookup(asked.pair), (found) => Effect.fromResult(priceAt(asked, found)))
        )

      const priceNow = (asked: Asked) => {
        const found = rates.peek(asked.pair, clock.currentTimeMillisUnsafe())
        const priced = found && Result.getOrUndefined(priceAt(asked, found))
        if (found === undefined || priced === undefined) return undefined
        rates.count(found)
        return priced
      }

      return Pricing.of({ price, priceNow })
    })
  )
}
