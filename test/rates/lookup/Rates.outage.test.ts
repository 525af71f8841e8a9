import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import { type Rate, RateId } from "../../../src/domain/rates/Rate.ts"
import { StoreUnavailable } from "../../../src/platform/postgres/StoreUnavailable.ts"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { RateGuard } from "../../../src/rates/guard/RateGuard.ts"
import { UnquotedPairs } from "../../../src/rates/lookup/UnquotedPairs.ts"
import { RequestedPairs } from "../../../src/rates/polling/RequestedPairs.ts"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { Rates } from "../../../src/rates/lookup/Rates.ts"
import { RateRefresh } from "../../../src/rates/lookup/RateRefresh.ts"
import { SharedSingleFlight } from "../../../src/rates/lookup/SharedSingleFlight.ts"
import { failing, TestProvider } from "../../support/TestProvider.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import { pairOf, plain, tick } from "../../support/RateTicks.ts"

const unavailable = Effect.fail(new StoreUnavailable({ cause: "disconnected" }))

/** Repository of an unavailable database. */
const unavailableRepo = Layer.succeed(RateRepo, {
  insert: () => unavailable,
  insertFenced: () => unavailable,
  insertIf: () => unavailable,
  latest: () => unavailable,
  latestAll: unavailable,
  latestIds: unavailable,
  byId: () => unavailable
})

/** Cache with a rate in Redis and none in memory. */
const cacheWith = (inRedis: Option.Option<Rate>) =>
  Layer.effect(
    RateCache,
    Effect.map(RateCache, (memory) => ({ ...memory, get: () => Effect.succeed(inRedis) }))
  ).pipe(Layer.provide(RateCache.layerMemory))

const lookupWith = (inRedis: Option.Option<Rate>) =>
  Effect.gen(function* () {
    const rates = yield* Rates
    const provider = yield* TestProvider
    yield* provider.respondWith(failing)
    return { found: yield* Effect.result(rates.lookup(pairOf("USD", "NGN"))), calls: yield* provider.calls }
  }).pipe(
    Effect.provide(
      Rates.layerNoDeps.pipe(
        Layer.provide([RateRefresh.layer, Layer.mock(RequestedPairs)({ note: () => {} })]),
        Layer.provideMerge(RateIngest.layer),
        Layer.provide([SharedSingleFlight.layerMemory, UnquotedPairs.layerMemory, Layer.mock(RateGuard)({})]),
        Layer.provideMerge(Broadcaster.layerMemory),
        Layer.provideMerge(Layer.mergeAll(unavailableRepo, cacheWith(inRedis), TestProvider.layer)),
        Layer.provideMerge(Layer.merge(TestSettings.layer(), SecureRandom.layerWebCrypto))
      )
    )
  )

const cachedAt = Effect.fnUntraced(function* (observedAt: string) {
  const { pair, provider, rate, ...given } = yield* tick("USD", "NGN", "1500", observedAt)
  const id = RateId.make("01980000-0000-7000-8000-000000000001")
  return { id, pair, rate, provider, observedAt: given.observedAt } satisfies Rate
})

describe("Rates.lookup without the database", () => {
  it.live("returns the rate of Redis as stale, however old it is", () =>
    Effect.gen(function* () {
      const cached = yield* cachedAt("2026-01-01T00:00:00.000Z")
      const { found } = yield* lookupWith(Option.some(cached))
      const { rate, source, stale } = yield* Effect.fromResult(found)
      assert.deepStrictEqual(plain(rate), plain(cached))
      assert.deepStrictEqual({ source, stale }, { source: "cache", stale: true })
    })
  )

  it.live("fails with StoreUnavailable when no rate is cached, and does not call the provider", () =>
    Effect.gen(function* () {
      const { calls, found } = yield* lookupWith(Option.none())
      assert.strictEqual((yield* Effect.flip(Effect.fromResult(found)))._tag, "StoreUnavailable")
      assert.strictEqual(calls, 0)
    })
  )
})
