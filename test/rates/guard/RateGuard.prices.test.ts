import { assert, layer } from "@effect/vitest"
import { BigDecimal, DateTime, Duration, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import type { AssetKind } from "../../../src/domain/money/Asset.ts"
import type { RateTick } from "../../../src/domain/rates/Rate.ts"
import { ProviderError, Untraded } from "../../../src/providers/ProviderError.ts"
import { RateProvider } from "../../../src/providers/RateProvider.ts"
import { RateSources } from "../../../src/providers/RateSources.ts"
import { Quarantine } from "../../../src/rates/guard/Quarantine.ts"
import { Rates } from "../../../src/rates/lookup/Rates.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { pairOf, tick } from "../../support/RateTicks.ts"
import * as TestCatalog from "../../support/TestCatalog.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import * as TestRates from "../TestRates.ts"
import { operator, poll, quarantinedText, type Services } from "./GuardedRates.ts"

/** A Monday during trading hours in New York. */
const MONDAY = "2026-09-21T15:00:00Z"

let quotes: Readonly<Record<string, string>> = {}
/** Assets that are not traded any more. */
let untraded: ReadonlySet<string> = new Set()

const provider = RateProvider.layer.pipe(
  Layer.provide(
    Layer.succeed(RateSources, [
      {
        name: "prices",
        quotes: () => true,
        rate: Effect.fnUntraced(function* (pair) {
          const detail = `no trade of ${pair.from}`
          if (untraded.has(pair.from))
            return yield* new ProviderError({ provider: "prices", pair, reason: new Untraded({ detail }) })
          const base = yield* tick(pair.from, pair.to, quotes[pair.from] ?? "1")
          return { ...base, provider: "prices", quotedAt: base.observedAt } satisfies RateTick
        })
      }
    ])
  )
)

const kinds: ReadonlyMap<string, AssetKind> = new Map([
  ["BTC", "crypto"],
  ["ETH", "crypto"],
  ["SOL", "crypto"],
  ["AAPL", "stock"],
  ["MSFT", "stock"],
  ["ABAN", "stock"],
  ["NFLX", "stock"]
])
const services = Layer.fresh(
  TestRates.withProvider(provider).pipe(
    Layer.provideMerge(TestCatalog.layer(Array.from(kinds, ([code, kind]) => TestCatalog.asset(code, kind)))),
    Layer.provideMerge(TestSettings.layerOnly({ RATE_SOURCES: "USD", RATE_DESTINATIONS: "NGN" }))
  )
)

const quote = (next: Readonly<Record<string, string>>) =>
  Effect.sync(() => {
    quotes = next
    untraded = new Set()
  })
const halt = (code: string) =>
  Effect.sync(() => {
    untraded = new Set([code])
  })

layer(TestDatabase.layer(), { excludeTestServices: true })("RateGuard, prices", (it) => {
  const test = <E>(title: string, body: Effect.Effect<void, E, Services>) =>
    it.effect(title, () =>
      TestClock.setTime(Date.parse(MONDAY)).pipe(
        Effect.andThen(Effect.provide(body, services)),
        Effect.provide(TestClock.layer())
      )
    )

  test(
    "accepts the first price of an asset without a wait, and changes within the limit of its kind",
    Effect.gen(function* () {
      yield* quote({ BTC: "50000", AAPL: "200" })
      assert.strictEqual(yield* poll(pairOf("BTC", "USD")), "50000")
      assert.strictEqual(yield* poll(pairOf("AAPL", "USD")), "200")
      yield* quote({ BTC: "72000", AAPL: "250" })
      assert.strictEqual(yield* poll(pairOf("BTC", "USD")), "72000")
      assert.strictEqual(yield* poll(pairOf("AAPL", "USD")), "250")
      yield* quote({ BTC: "109000", AAPL: "330" })
      assert.strictEqual(yield* poll(pairOf("BTC", "USD")), "quarantined")
      assert.strictEqual(yield* poll(pairOf("AAPL", "USD")), "quarantined")
      assert.deepStrictEqual(yield* quarantinedText(pairOf("BTC", "USD")), ["109000 jump 1 pending"])
    })
  )

  test(
    "accepts a settled level of a cryptocurrency after an hour of new quotes",
    Effect.gen(function* () {
      const pair = pairOf("ETH", "USD")
      yield* quote({ ETH: "3000" })
      yield* poll(pair)
      yield* quote({ ETH: "1500" })
      const outcomes = yield* Effect.all(Array.from({ length: 8 }, () => poll(pair)))
      assert.deepStrictEqual(outcomes, [...Array.from({ length: 6 }, () => "quarantined"), "1500", "1500"])
    })
  )

  test(
    "quarantines a split until an operator decides, however many quotes repeat it",
    Effect.gen(function* () {
      const pair = pairOf("MSFT", "USD")
      yield* quote({ MSFT: "400" })
      yield* poll(pair)
      yield* quote({ MSFT: "100" })
      for (let day = 0; day < 4; day++)
        assert.strictEqual(yield* poll(pair, Duration.hours(12)), "quarantined")
      const quarantine = yield* Quarantine
      const [last] = yield* quarantine.page({ from: pair.from, to: pair.to }, undefined, 1)
      assert.strictEqual(last?.anomalies[0]?.reason === "jump" ? last.anomalies[0].split : "", "4:1")
      if (last !== undefined) yield* quarantine.accept(last.id, operator)
      yield* quote({ MSFT: "101" })
      assert.strictEqual(yield* poll(pair), "101")
    })
  )

  test(
    "does not take the decision on one asset for a move of the dollar",
    Effect.gen(function* () {
      const [sol, aban] = [pairOf("SOL", "USD"), pairOf("ABAN", "USD")]
      yield* quote({ SOL: "100", ABAN: "20" })
      yield* poll(sol)
      yield* poll(aban)
      yield* quote({ SOL: "170", ABAN: "34" })
      assert.strictEqual(yield* poll(sol), "quarantined")
      const quarantine = yield* Quarantine
      const [last] = yield* quarantine.page({ from: sol.from, to: sol.to }, undefined, 1)
      if (last !== undefined) yield* quarantine.accept(last.id, operator)
      assert.strictEqual(yield* poll(aban), "quarantined")
    })
  )

  test(
    "serves the last close over a weekend, and no price of a halted stock on Monday",
    Effect.gen(function* () {
      const pair = pairOf("NFLX", "USD")
      const rates = yield* Rates
      yield* TestClock.setTime(Date.parse("2026-09-18T19:59:00Z"))
      yield* quote({ NFLX: "90" })
      assert.strictEqual(yield* poll(pair, 0), "90")
      yield* halt("NFLX")
      yield* TestClock.setTime(Date.parse("2026-09-20T12:00:00Z"))
      const weekend = yield* rates.lookup(pair)
      assert.strictEqual(BigDecimal.format(weekend.rate.rate), "90")
      assert.isFalse(weekend.stale)
      yield* TestClock.setTime(Date.parse("2026-09-21T13:45:00Z"))
      const error = yield* Effect.flip(rates.lookup(pair))
      assert.strictEqual(error._tag, "RateUnavailable")
      assert.include(error.message, "no trade of NFLX")
      // Its history stays.
      const repo = yield* RateRepo
      const stored = Option.getOrThrow(yield* repo.latest(pair))
      assert.strictEqual(DateTime.formatIso(stored.observedAt), "2026-09-18T19:59:00.000Z")
    })
  )
})
