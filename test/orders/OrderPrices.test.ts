import { assert, it } from "@effect/vitest"
import { DateTime, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { RateId, RateUnavailable } from "../../src/domain/rates/Rate.ts"
import { OrderPrices } from "../../src/orders/OrderPrices.ts"
import { Rates } from "../../src/rates/lookup/Rates.ts"
import { tick } from "../support/RateTicks.ts"
import * as TestSettings from "../support/TestSettings.ts"

const QUOTED_AT = "2026-12-04T20:59:00Z"

/** Finds one rate, as a lookup does that counts only the time in which a market is open. Its asset is delisted. */
const rates = Layer.mock(Rates, {
  peek: () => undefined,
  countLookup: () => undefined,
  lookup: (pair, options) =>
    options?.acceptsDelisted === true
      ? Effect.map(tick(pair.from, pair.to, "20", QUOTED_AT), (found) => ({
          rate: {
            ...found,
            id: RateId.make("01a22a37-3b1f-7000-8000-0024baa98d9d"),
            quotedAt: DateTime.makeUnsafe(QUOTED_AT)
          },
          source: "memory" as const,
          stale: false
        }))
      : new RateUnavailable({ pair, reason: "it is delisted" })
})

const layer = OrderPrices.layer.pipe(
  Layer.provide([rates, TestSettings.layerOnly({ ORDER_MAX_PRICE_AGE: "2 minutes" })])
)

/** The price at a time, or the reason why there is none. */
const priceAt = Effect.fnUntraced(function* (time: string, acceptsDelisted = true) {
  yield* TestClock.setTime(Date.parse(time))
  return yield* (yield* OrderPrices).current(AssetCode.make("STOK"), { acceptsDelisted }).pipe(
    Effect.map(({ rate }) => Decimal.format(rate)),
    Effect.catch(({ _tag }) => Effect.succeed(_tag))
  )
})

it.effect("OrderPrices accepts the last close until the market opens, and then only a new price", () =>
  Effect.gen(function* () {
    // A Friday, a minute before the close at 21:00 UTC.
    assert.strictEqual(yield* priceAt(QUOTED_AT), "20")
    assert.strictEqual(yield* priceAt("2026-12-06T12:00:00Z"), "20")
    assert.strictEqual(yield* priceAt("2026-12-07T14:29:59Z"), "20")
    assert.strictEqual(yield* priceAt("2026-12-07T14:30:00Z"), "RateTooOld")
  }).pipe(Effect.provide(layer))
)

it.effect("OrderPrices has a price of a delisted asset only for those who accept it", () =>
  Effect.gen(function* () {
    assert.strictEqual(yield* priceAt(QUOTED_AT, true), "20")
    assert.strictEqual(yield* priceAt(QUOTED_AT, false), "RateUnavailable")
  }).pipe(Effect.provide(layer))
)
