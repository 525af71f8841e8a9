import { NodeHttpClient } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import { FlutterwaveClient } from "../../src/providers/flutterwave/FlutterwaveClient.ts"
import { RateProvider } from "../../src/providers/RateProvider.ts"
import { RateSources } from "../../src/providers/RateSources.ts"
import { Broadcaster } from "../../src/rates/feed/Broadcaster.ts"
import { RateCache } from "../../src/rates/lookup/RateCache.ts"
import { RateIngest } from "../../src/rates/RateIngest.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"
import { Rates } from "../../src/rates/lookup/Rates.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { pairOf, plain, tick } from "../support/RateTicks.ts"

// How an engineer composes the layers in a test: the lookup as it runs in production, with two of them replaced.

const cached: Array<string> = []

const Flutterwave = Layer.succeed(FlutterwaveClient, {
  name: "flutterwave",
  rate: (pair) => tick(pair.from, pair.to, "1534.5")
})

const Cache = Layer.succeed(RateCache, {
  peek: () => Option.none(),
  get: () => Effect.succeedNone,
  put: (rate) => Effect.sync(() => cached.push(rate.pair.key)),
  remember: () => {},
  health: Effect.succeed("off" as const)
})

const Lookup = Rates.layer.pipe(
  Layer.provideMerge(RateIngest.layer),
  Layer.provideMerge(Broadcaster.layerMemory),
  Layer.provideMerge(Layer.mergeAll(RateRepo.layer, RateProvider.layer)),
  Layer.provide([RateSources.layer, Cache]),
  Layer.provide([Flutterwave, NodeHttpClient.layerUndici]),
  Layer.provide(SecureRandom.layerWebCrypto),
  Layer.provideMerge(TestDatabase.layer())
)

layer(Lookup, { excludeTestServices: true })(
  "The lookup with FlutterwaveClient and RateCache replaced",
  (it) => {
    it.effect("asks Flutterwave, stores its answer for ever, and then finds it in the database", () =>
      Effect.gen(function* () {
        const rates = yield* Rates
        const repo = yield* RateRepo
        const pair = pairOf("USD", "NGN")
        const first = yield* rates.lookup(pair)
        assert.strictEqual(first.source, "provider")
        assert.deepStrictEqual(cached, ["USD:NGN"])
        const second = yield* rates.lookup(pair)
        assert.strictEqual(second.source, "database")
        assert.deepStrictEqual(plain(second.rate), plain(first.rate))
        const record = Option.getOrThrow(yield* repo.byId(first.rate.id))
        assert.isTrue(DateTime.isGreaterThanOrEqualTo(record.recordedAt, record.rate.observedAt))
      })
    )
  }
)
