import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Effect, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import * as CoinGecko from "../../../src/providers/coingecko/CoinGecko.ts"
import * as Massive from "../../../src/providers/massive/Massive.ts"
import { PriceSymbols } from "../../../src/providers/PriceSymbols.ts"
import * as Sandbox from "../../../src/providers/sandbox/Sandbox.ts"
import * as SandboxPrices from "../../../src/providers/sandbox/SandboxPrices.ts"
import { connect } from "../ProviderTestClient.ts"
import { symbolsOf } from "../prices/PriceTestSource.ts"

const listen = Sandbox.listen({ host: "127.0.0.1", port: 0, seed: "test" })
const key = Redacted.make("any-key")
const assets = new Map([
  ...symbolsOf("crypto", { BTC: "bitcoin", ETH: "ethereum" }),
  ...symbolsOf("stock", { AAPL: "AAPL", ABAN: "ABAN" })
])
const catalogue = { kindOf: () => undefined, ofProvider: () => assets }

const crypto = (baseUrl: string) =>
  connect(
    baseUrl,
    {},
    Effect.provideService(
      CoinGecko.make({
        name: "sandbox-crypto",
        baseUrl: `${baseUrl}/coingecko/api/v3`,
        key: Option.some(key),
        usesCodes: true
      }),
      PriceSymbols,
      catalogue
    )
  )
const stocks = (baseUrl: string) =>
  connect(
    baseUrl,
    {},
    Effect.provideService(
      Massive.make({ name: "sandbox-stocks", baseUrl: `${baseUrl}/massive`, key }),
      PriceSymbols,
      catalogue
    )
  )

const reasonOf = <A, R extends { readonly _tag: string }>(rate: Effect.Effect<A, { readonly reason: R }>) =>
  Effect.map(Effect.flip(rate), ({ reason }) => reason._tag)

describe("SandboxPrices", () => {
  it.effect("moves prices in small steps around their levels, and keeps ABAN at 20 US dollars", () =>
    Effect.gen(function* () {
      const prices = SandboxPrices.make("test")
      const seen = new Set<string>()
      let previous: BigDecimal.BigDecimal | undefined
      for (let minute = 0; minute < 600; minute++) {
        const price = yield* prices.price("bitcoin", minute * 60_000, 2)
        seen.add(BigDecimal.format(price))
        assert.isTrue(
          BigDecimal.between(price, {
            minimum: BigDecimal.make(48_900n, 0),
            maximum: BigDecimal.make(51_100n, 0)
          })
        )
        if (previous !== undefined) {
          const step = BigDecimal.abs(BigDecimal.subtract(price, previous))
          assert.isTrue(BigDecimal.isLessThan(step, BigDecimal.make(100n, 0)))
        }
        previous = price
        const aban = yield* prices.price("ABAN", minute * 60_000, 2)
        assert.strictEqual(BigDecimal.format(aban), "20")
      }
      assert.isAbove(seen.size, 300)
    })
  )

  it.effect("serves both providers in the sandbox, and marks the prices as generated", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-11-30T15:00:00Z"))
      const sandbox = yield* listen
      const ticks = [
        yield* (yield* crypto(sandbox.baseUrl)).rate("BTC", "USD"),
        yield* (yield* stocks(sandbox.baseUrl)).rate("ABAN", "USD")
      ]
      assert.deepStrictEqual(
        ticks.map(({ provider }) => provider),
        ["sandbox", "sandbox"]
      )
      assert.strictEqual(yield* sandbox.requestsTo("coingecko"), 1)
      assert.strictEqual(yield* sandbox.requestsTo("massive"), 1)
    }).pipe(Effect.scoped)
  )

  it.effect("injects faults into the price of one asset", () =>
    Effect.gen(function* () {
      const sandbox = yield* listen
      for (const [fault, tag] of [
        ["missing", "Untraded"],
        ["null-price", "Untraded"]
      ] as const) {
        yield* sandbox.injectFault({ provider: "coingecko", fault, pairs: ["BTC:USD"] })
        const source = yield* crypto(sandbox.baseUrl)
        assert.strictEqual(yield* reasonOf(source.rate("BTC", "USD")), tag, fault)
        yield* source.rate("ETH", "USD")
      }
      yield* sandbox.injectFault({ provider: "coingecko", fault: "html" })
      const html = yield* crypto(sandbox.baseUrl)
      assert.strictEqual(yield* reasonOf(html.rate("BTC", "USD")), "Malformed")
      yield* sandbox.injectFault({ provider: "massive", fault: "missing", pairs: ["AAPL:USD"] })
      const market = yield* stocks(sandbox.baseUrl)
      assert.strictEqual(yield* reasonOf(market.rate("AAPL", "USD")), "Untraded")
      yield* market.rate("ABAN", "USD")
    }).pipe(Effect.scoped)
  )

  it.effect("serves the previous close to a plan without snapshots", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-11-29T15:00:00Z"))
      const sandbox = yield* listen
      yield* sandbox.injectFault({ provider: "massive", fault: "not-authorized" })
      const tick = yield* (yield* stocks(sandbox.baseUrl)).rate("ABAN", "USD")
      assert.include(tick.raw, `"resultsCount":1`)
      assert.strictEqual(yield* sandbox.requestsTo("massive"), 2)
    }).pipe(Effect.scoped)
  )
})
