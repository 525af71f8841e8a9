import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import type { AssetPair } from "../../src/domain/money/AssetPair.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { RateId, RateUnavailable } from "../../src/domain/rates/Rate.ts"
import { type FoundRate, Rates } from "../../src/rates/lookup/Rates.ts"
import { Valuation } from "../../src/wallets/Valuation.ts"
import * as TestCatalog from "../support/TestCatalog.ts"
import * as TestSettings from "../support/TestSettings.ts"

/** Rates in memory, by pair. `hanging` pairs never answer, and others have no rate. */
interface KnownRates {
  readonly [pair: string]:
    | { readonly rate: string; readonly at?: number; readonly stale?: boolean }
    | "hanging"
}

const found = (pair: AssetPair, known: Exclude<KnownRates[string], string>): FoundRate => ({
  rate: {
    id: RateId.make("01a22a37-3b1f-7000-8000-0024baa98d9d"),
    pair,
    rate: BigDecimal.fromStringUnsafe(known.rate),
    provider: "test",
    observedAt: DateTime.makeUnsafe(known.at ?? 0)
  },
  source: "memory",
  stale: known.stale ?? false
})

const ratesOf = (known: KnownRates) =>
  Layer.mock(Rates, {
    peek: (pair) => {
      const rate = known[pair.key]
      return rate === undefined || rate === "hanging" || rate.stale === true ? undefined : found(pair, rate)
    },
    countLookup: () => undefined,
    lookup: (pair) => {
      const rate = known[pair.key]
      if (rate === "hanging") return Effect.never
      return rate === undefined
        ? Effect.fail(new RateUnavailable({ pair }))
        : Effect.succeed(found(pair, rate))
    }
  })

const assets = [
  TestCatalog.asset("BTC"),
  TestCatalog.asset("ETH", "crypto", { decimals: 18 }),
  TestCatalog.asset("GONE", "stock", { state: "delisted" })
]

const value = (
  holdings: Readonly<Record<string, string>>,
  known: KnownRates,
  env: Readonly<Record<string, string>> = {}
) =>
  Effect.gen(function* () {
    const valuation = yield* Valuation
    return yield* valuation.value(
      Object.entries(holdings).map(([code, balance]) => ({
        asset: AssetCode.make(code),
        balance: BigDecimal.fromStringUnsafe(balance)
      }))
    )
  }).pipe(
    Effect.provide(
      Valuation.layer.pipe(
        Layer.provide([ratesOf(known), TestCatalog.layer(assets)]),
        Layer.provide(TestSettings.layerOnly(env))
      )
    )
  )

describe("Valuation", () => {
  it.effect("adds up the exact values at the latest rates, and rounds the sum down once", () =>
    Effect.gen(function* () {
      const total = yield* value(
        { BTC: "0.00000001", NGN: "7.00", USD: "9.99" },
        { "BTC:USD": { rate: "65000", at: 2000 }, "NGN:USD": { rate: "0.000654435204", at: 1000 } }
      )
      // 0.00065 + 0.004581046428 + 9.99
      assert.strictEqual(Decimal.format(total.value), "9.99")
      assert.strictEqual(total.currency.code, "USD")
      assert.strictEqual(DateTime.toEpochMillis(total.asOf), 1000)
      assert.deepStrictEqual(
        total.rates.map(({ rate }) => rate.pair.key),
        ["BTC:USD", "NGN:USD"]
      )
      assert.deepStrictEqual(total.unpriced, [])
    })
  )

  it.effect("is exact with 18 decimals above 2^53", () =>
    Effect.gen(function* () {
      const total = yield* value(
        { ETH: "123456789012345678.123456789012345678" },
        { "ETH:USD": { rate: "3" } }
      )
      assert.strictEqual(Decimal.formatFixed(total.value, 2), "370370367037037034.37")
    })
  )

  it.effect("values other assets in another home currency through US dollars, and names both rates", () =>
    Effect.gen(function* () {
      const total = yield* value(
        { BTC: "2", ETH: "1", EUR: "1" },
        { "BTC:USD": { rate: "60000" }, "ETH:USD": { rate: "3000" }, "USD:EUR": { rate: "0.9", at: -5 } },
        { HOME_CURRENCY: "EUR" }
      )
      assert.strictEqual(Decimal.format(total.value), "110701")
      assert.deepStrictEqual(
        total.rates.map(({ rate }) => rate.pair.key),
        ["BTC:USD", "USD:EUR", "ETH:USD"]
      )
      assert.strictEqual(DateTime.toEpochMillis(total.asOf), -5)
    })
  )

  it.effect("lists assets without a price, and values the others", () =>
    Effect.gen(function* () {
      const total = yield* value(
        { BTC: "1", GONE: "5", JPY: "1000", KES: "100", USD: "1", ETH: "0" },
        { "BTC:USD": { rate: "60000", stale: true } }
      )
      assert.strictEqual(Decimal.format(total.value), "60001")
      assert.strictEqual(total.unpriced.join(), "GONE,JPY,KES")
      assert.deepStrictEqual(
        total.rates.map(({ stale }) => stale),
        [true]
      )
    })
  )

  it.effect("waits at most the lookup budget for all rates together", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(7000)
      const fiber = yield* Effect.forkChild(
        value(
          { BTC: "1", KES: "1", NGN: "1", USD: "3" },
          { "BTC:USD": "hanging", "KES:USD": "hanging", "NGN:USD": "hanging" },
          { LOOKUP_BUDGET: "200 millis" }
        )
      )
      yield* TestClock.adjust("200 millis")
      const total = yield* Fiber.join(fiber)
      assert.strictEqual(Decimal.format(total.value), "3")
      assert.strictEqual(total.unpriced.join(), "BTC,KES,NGN")
      assert.strictEqual(DateTime.toEpochMillis(total.asOf), 7000)
    })
  )

  it.effect("needs no rate for an empty wallet", () =>
    Effect.gen(function* () {
      const total = yield* value({}, {})
      assert.strictEqual(Decimal.formatFixed(total.value, 2), "0.00")
      assert.deepStrictEqual(total.rates, [])
    })
  )
})
