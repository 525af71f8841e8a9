import { Context, Effect, Layer } from "effect"
import type { BigDecimal } from "effect"
import { Settings } from "../config/Settings.ts"
import type { PricedConversion } from "../domain/AuditRecord.ts"
import { type AmountOutOfRange, type AmountType, compute, marginOf } from "../domain/Conversion.ts"
import type { Currency } from "../domain/Currency.ts"
import type { CurrencyPair } from "../domain/CurrencyPair.ts"
import type { RateTooOld, RateUnavailable } from "../domain/Rate.ts"
import type { StoreUnavailable } from "../platform/Database.ts"
import * as Traced from "../platform/Traced.ts"
import { Rates } from "../rates/Rates.ts"

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
  }
>()("effex/conversion/Pricing") {
  static readonly layer = Layer.effect(
    Pricing,
    Effect.gen(function* () {
      const { margins } = yield* Settings
      const rates = yield* Rates
      const traced = yield* Traced.make

      const price = Effect.fnUntraced(function* (asked: Asked) {
        const { amount, amountType, from, pair, principal, reference, to } = asked
        const { rate, stale } = yield* rates.lookup(pair)
        const margin = marginOf(margins, pair.key)
        const computed = yield* Effect.fromResult(
          compute({ amount, amountType, from, to, midRate: rate.rate, margin })
        )
        return {
          ...computed,
          amountType,
          rateId: rate.id,
          provider: rate.provider,
          rateFetchedAt: rate.observedAt,
          stale,
          reference,
          principal
        }
      }, traced("Pricing.price"))

      return Pricing.of({ price })
    })
  )
}
