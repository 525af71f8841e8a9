import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Layer, Option } from "effect"
import * as App from "../../src/App.ts"
import { FlutterwaveClient } from "../../src/providers/flutterwave/FlutterwaveClient.ts"
import { RateCache } from "../../src/rates/lookup/RateCache.ts"
import { Rates } from "../../src/rates/lookup/Rates.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"
import { pairOf, plain, tick } from "../support/RateTicks.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

// Example of a test that composes the app's layers and replaces two services.

const cachedPairs: Array<string> = []

const flutterwave = Layer.succeed(FlutterwaveClient, {
  name: "flutterwave",
  rate: (pair) => tick(pair.from, pair.to, "1534.5")
})

const emptyCache = Layer.succeed(RateCache, {
  peek: () => Option.none(),
  pairs: () => [],
  get: () => Effect.succeedNone,
  put: (rate) => Effect.sync(() => cachedPairs.push(rate.pair.key)),
  putLocal: () => {},
  evict: () => Effect.void,
  health: Effect.succeed({ status: "off" as const })
})

const lookup = App.rates.pipe(
  Layer.provideMerge(emptyCache),
  Layer.provideMerge(App.rateFoundation),
  Layer.provideMerge(App.providers),
  Layer.provide(flutterwave),
  Layer.provideMerge(App.pollerSettings),
  Layer.provideMerge(TestDatabase.layer())
)

layer(lookup, { excludeTestServices: true })("Rates with FlutterwaveClient and RateCache replaced", (it) => {
  it.effect("fetches a rate from Flutterwave, stores it, and then finds it in the database", () =>
    Effect.gen(function* () {
      const rates = yield* Rates
      const repo = yield* RateRepo
      const pair = pairOf("USD", "NGN")
      const first = yield* rates.lookup(pair)
      assert.strictEqual(first.source, "provider")
      assert.deepStrictEqual(cachedPairs, ["USD:NGN"])
      const second = yield* rates.lookup(pair)
      assert.strictEqual(second.source, "database")
      assert.deepStrictEqual(plain(second.rate), plain(first.rate))
      const record = Option.getOrThrow(yield* repo.byId(first.rate.id))
      assert.isTrue(DateTime.isGreaterThanOrEqualTo(record.recordedAt, record.rate.observedAt))
    })
  )
})
