import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import { type Rate, RateId } from "../../../src/domain/rates/Rate.ts"
import { StoreUnavailable } from "../../../src/platform/postgres/Database.ts"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { RateGuard } from "../../../src/rates/guard/RateGuard.ts"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { Rates } from "../../../src/rates/lookup/Rates.ts"
import { SharedSingleFlight } from "../../../src/rates/lookup/SharedSingleFlight.ts"
import { failing, TestProvider } from "../../support/TestProvider.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import { pairOf, plain, tick } from "../../support/RateTicks.ts"

const gone = Effect.fail(new StoreUnavailable({ cause: "gone" }))

/** A database that never answers. */
const NoDatabase = Layer.succeed(RateRepo, {
  insert: () => gone,
  insertLed: () => gone,
  insertIf: () => gone,
  latest: () => gone,
  latestAll: gone,
  latestIds: gone,
  byId: () => gone
})

/** What another process left in Redis, and nothing in memory. */
const cacheOf = (shared: Option.Option<Rate>) =>
  Layer.effect(
    RateCache,
    Effect.map(RateCache, (memory) => ({ ...memory, get: () => Effect.succeed(shared) }))
  ).pipe(Layer.provide(RateCache.layerMemory))

const lookupWith = (shared: Option.Option<Rate>) =>
  Effect.gen(function* () {
    const rates = yield* Rates
    const provider = yield* TestProvider
    yield* provider.answer(failing)
    return { found: yield* Effect.result(rates.lookup(pairOf("USD", "NGN"))), calls: yield* provider.calls }
  }).pipe(
    Effect.provide(
      Rates.layer.pipe(
        Layer.provideMerge(RateIngest.layerNoDeps),
        Layer.provide([SharedSingleFlight.layerMemory, Layer.mock(RateGuard)({})]),
        Layer.provideMerge(Broadcaster.layerMemory),
        Layer.provideMerge(Layer.mergeAll(NoDatabase, cacheOf(shared), TestProvider.layer)),
        Layer.provideMerge(Layer.merge(TestSettings.layer(), SecureRandom.layerWebCrypto))
      )
    )
  )

const cachedAt = Effect.fnUntraced(function* (observedAt: string) {
  const { pair, provider, rate, ...given } = yield* tick("USD", "NGN", "1500", observedAt)
  const id = RateId.make("01980000-0000-7000-8000-000000000001")
  return { id, pair, rate, provider, observedAt: given.observedAt } satisfies Rate
})

describe("Rates.lookup without a database", () => {
  it.live("answers with what Redis knows, however old, and says that it is stale", () =>
    Effect.gen(function* () {
      const cached = yield* cachedAt("2026-01-01T00:00:00.000Z")
      const { found } = yield* lookupWith(Option.some(cached))
      const { rate, source, stale } = yield* Effect.fromResult(found)
      assert.deepStrictEqual(plain(rate), plain(cached))
      assert.deepStrictEqual({ source, stale }, { source: "cache", stale: true })
    })
  )

  it.live(
    "says that the store is unavailable where nothing is known, and stores no rate that it could not keep",
    () =>
      Effect.gen(function* () {
        const { calls, found } = yield* lookupWith(Option.none())
        assert.strictEqual((yield* Effect.flip(Effect.fromResult(found)))._tag, "StoreUnavailable")
        assert.strictEqual(calls, 0)
      })
  )
})
