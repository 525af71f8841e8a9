import { Context, DateTime, Duration, Effect, Layer } from "effect"
import { Settings } from "../config/Settings.ts"
import * as UsMarketCalendar from "../domain/markets/UsMarketCalendar.ts"
import type { AssetCode } from "../domain/money/Asset.ts"
import { AssetPair } from "../domain/money/AssetPair.ts"
import { PRICE_CURRENCY } from "../domain/money/SupportedPairs.ts"
import { quoteAgeAt, type Rate, RateTooOld, type RateUnavailable } from "../domain/rates/Rate.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { Rates } from "../rates/lookup/Rates.ts"

/** The prices at which orders are accepted and sent. */
export class OrderPrices extends Context.Service<
  OrderPrices,
  {
    /**
     * Returns the latest price of an asset in US dollars. Fails with `RateTooOld` if it is older than `ORDER_MAX_PRICE_AGE`. The
     * last close of a stock is its price while its market is closed, but not any more once it has opened. A delisted asset
     * has a price only with `acceptsDelisted`.
     */
    readonly current: (
      asset: AssetCode,
      options: { readonly acceptsDelisted: boolean }
    ) => Effect.Effect<Rate, RateTooOld | RateUnavailable | StoreUnavailable>
  }
>()("effex/orders/OrderPrices") {
  static readonly layer = Layer.effect(
    OrderPrices,
    Effect.gen(function* () {
      const { orderMaxPriceAge: maxAge } = yield* Settings
      const { lookup } = yield* Rates

      const current = Effect.fn("OrderPrices.current")(function* (
        asset: AssetCode,
        { acceptsDelisted }: { readonly acceptsDelisted: boolean }
      ) {
        const pair = new AssetPair({ from: asset, to: PRICE_CURRENCY })
        const { rate } = yield* lookup(pair, { maxAge, acceptsDelisted })
        const now = yield* DateTime.now
        const age = quoteAgeAt(rate, now)
        // The lookup counts only the time in which a market was open, which is nothing just after it has opened.
        const isOpen = UsMarketCalendar.isOpen(DateTime.toEpochMillis(now))
        return isOpen && Duration.isGreaterThan(age, maxAge)
          ? yield* new RateTooOld({ pair, age, maxAge })
          : rate
      })

      return OrderPrices.of({ current })
    })
  )
}
