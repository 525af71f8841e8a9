import { assert, layer } from "@effect/vitest"
import { BigDecimal, Context, Deferred, Duration, Effect, Exit, Fiber, Layer, Option, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { describe } from "vitest"
import type { AssetPair } from "../../../src/domain/money/AssetPair.ts"
import { Redis } from "../../../src/platform/Redis.ts"
import { RedisKeys } from "../../../src/platform/RedisKeys.ts"
import { StoreUnavailable } from "../../../src/platform/postgres/StoreUnavailable.ts"
import { CircuitOpen, ProviderError } from "../../../src/providers/ProviderError.ts"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { RateGuard } from "../../../src/rates/guard/RateGuard.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { type FetchError, SharedSingleFlight } from "../../../src/rates/lookup/SharedSingleFlight.ts"
import { UnquotedPairs } from "../../../src/rates/lookup/UnquotedPairs.ts"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import type { Rate } from "../../../src/domain/rates/Rate.ts"
import { pairOf, plain } from "../../support/RateTicks.ts"
import * as TcpProxy from "../../support/TcpProxy.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { failing, rate, TestProvider } from "../../support/TestProvider.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import { eventuallyFrom } from "../../support/Waiters.ts"

const NODES = 5
const CALLERS = 20
/** Below the TTL of a claim. */
const SHORTENED_TTL_MILLIS = 4000

const redisEnv = TestRedis.envOf(3)

/** The provider and the database that all nodes share. */
const shared = RateRepo.layer.pipe(
  Layer.provideMerge(SecureRandom.layerWebCrypto),
  Layer.provideMerge(TestDatabase.layer())
)

/** A node with its own memory, cache and connection to Redis. */
const node = (env: Readonly<Record<string, string>> = redisEnv) =>
  RateIngest.layer.pipe(
    Layer.provide(RateGuard.layer),
    Layer.provideMerge(
      Layer.mergeAll(
        SharedSingleFlight.layerRedis,
        UnquotedPairs.layerRedis,
        RateCache.layerRedis,
        Broadcaster.layerMemory
      )
    ),
    Layer.provideMerge(Layer.merge(Redis.layer, RedisKeys.layerOf("db1"))),
    Layer.provide(TestSettings.layer(env)),
    Layer.fresh,
    Layer.build
  )

const nodes = (count: number) => Effect.all(Array.from({ length: count }, () => node()))

const fetchEverywhere = (nodes: ReadonlyArray<Context.Context<RateIngest>>, pair: AssetPair) =>
  Effect.forEach(
    nodes.flatMap((context) => Array.from({ length: CALLERS }, () => Context.get(context, RateIngest))),
    (ingest) => Effect.result(ingest.fetch(pair)),
    { concurrency: "unbounded" }
  )

const delayed = (answer: ReturnType<typeof rate>, by: Duration.Input) => (pair: AssetPair) =>
  Effect.delay(answer(pair), by)

describe.skipIf(!TestRedis.isAvailable)("SharedSingleFlight.layerRedis", { concurrent: true }, () => {
  layer(shared, { excludeTestServices: true })((it) => {
    const test = (
      title: string,
      body: Effect.Effect<
        void,
        unknown,
        Layer.Success<typeof shared> | Layer.Success<typeof TestProvider.layer> | Scope.Scope
      >
    ) => it.effect(title, () => Effect.provide(body, Layer.fresh(TestProvider.layer)))

    test(
      "calls the provider once for concurrent misses of a pair on all nodes",
      Effect.gen(function* () {
        const provider = yield* TestProvider
        const all = yield* nodes(NODES)
        yield* provider.respondWith(delayed(rate("1500.25"), "2 seconds"))
        const pair = pairOf("USD", "NGN")
        const fetched = yield* Effect.forEach(yield* fetchEverywhere(all, pair), Effect.fromResult)
        assert.strictEqual(yield* provider.calls, 1)
        assert.strictEqual(fetched.length, NODES * CALLERS)
        assert.strictEqual(new Set(fetched.map((rate) => JSON.stringify(plain(rate)))).size, 1)
        for (const context of all) {
          const cached = Context.get(context, RateCache).peek(pair)
          assert.strictEqual(cached._tag === "Some" && cached.value.id, fetched[0]?.id)
        }
        // Another pair has another flight.
        yield* fetchEverywhere(all, pairOf("USD", "KES"))
        assert.strictEqual(yield* provider.calls, 2)
      })
    )

    test(
      "bypasses a recent outcome for polls, but joins a flight in progress",
      Effect.gen(function* () {
        const provider = yield* TestProvider
        const ingests = (yield* nodes(2)).map((context) => Context.get(context, RateIngest))
        const pair = pairOf("USD", "UGX")
        const pollEverywhere = Effect.forEach(ingests, (ingest) => ingest.fetchForPoll(pair, Option.none()), {
          concurrency: "unbounded"
        })
        for (let poll = 1; poll <= 3; poll++) {
          yield* provider.respondWith(delayed(rate(`150${poll}.5`), "50 millis"))
          for (const { rate } of yield* pollEverywhere)
            assert.strictEqual(BigDecimal.format(rate), `150${poll}.5`)
          assert.strictEqual(yield* provider.calls, poll)
        }
      })
    )

    test(
      "shares a provider failure with all callers for one second",
      Effect.gen(function* () {
        const provider = yield* TestProvider
        const all = yield* nodes(NODES)
        yield* provider.respondWith((pair) => Effect.delay(failing(pair), "2 seconds"))
        const pair = pairOf("EUR", "NGN")
        const results = yield* fetchEverywhere(all, pair)
        const errors = yield* Effect.forEach(results, (result) => Effect.flip(Effect.fromResult(result)))
        assert.strictEqual(yield* provider.calls, 1)
        for (const error of errors) {
          assert.instanceOf(error, ProviderError)
          assert.strictEqual(error.message, errors[0]?.message)
        }
        yield* provider.respondWith(rate("1"))
        yield* Effect.sleep("1100 millis")
        for (const result of yield* fetchEverywhere(all, pair)) yield* Effect.fromResult(result)
        assert.strictEqual(yield* provider.calls, 2)
      })
    )

    test(
      "takes over from a process that died, but not from one that is slow",
      Effect.gen(function* () {
        const provider = yield* TestProvider
        const [one, other] = [yield* node(), yield* node()]
        const { use } = Context.get(one, Redis)
        const deadClaim = "claim of a dead process"
        yield* use((client) => client.set("effex:db1:flight:GBP:NGN", deadClaim, "PX", 300))
        let claimAtCall: string | null = deadClaim
        yield* provider.respondWith((pair) =>
          use((client) => client.get("effex:db1:flight:GBP:NGN")).pipe(
            Effect.orDie,
            Effect.tap((claim) => Effect.sync(() => (claimAtCall = claim))),
            Effect.andThen(rate("1500")(pair))
          )
        )
        yield* Context.get(one, RateIngest).fetch(pairOf("GBP", "NGN"))
        assert.notStrictEqual(claimAtCall, deadClaim)
        assert.strictEqual(yield* provider.calls, 1)

        // The provider answers when the slow process has renewed its claim.
        const slowFlight = "effex:db1:flight:GBP:KES"
        const renewed = use((client) => client.pttl(slowFlight)).pipe(
          Effect.orDie,
          Effect.map((ttl) => ttl > SHORTENED_TTL_MILLIS || undefined)
        )
        yield* provider.respondWith((pair) =>
          use((client) => client.pexpire(slowFlight, SHORTENED_TTL_MILLIS)).pipe(
            Effect.orDie,
            Effect.andThen(eventuallyFrom("renewal", renewed)),
            Effect.andThen(rate("2000")(pair))
          )
        )
        for (const result of yield* fetchEverywhere([one, other], pairOf("GBP", "KES")))
          yield* Effect.fromResult(result)
        assert.strictEqual(yield* provider.calls, 2)
      })
    )

    test(
      "releases the claim after a failure of its own process, and when that process stops",
      Effect.gen(function* () {
        const { use } = Context.get(yield* node(), Redis)
        const pair = pairOf("CAD", "NGN")
        const isClaimed = Effect.map(
          use((client) => client.exists("effex:db1:flight:CAD:NGN")),
          (count) => count === 1
        )
        const scope = yield* Scope.make()
        const { run } = Context.get(yield* Scope.provide(node(), scope), SharedSingleFlight)
        const runShared = (fetch: Effect.Effect<Rate, FetchError>) =>
          run(pair, fetch, { bypassRecent: false })
        const open = new CircuitOpen({ retryAfter: Duration.seconds(3) })
        yield* Effect.flip(runShared(Effect.fail(new StoreUnavailable({ cause: "disconnected" }))))
        assert.isFalse(yield* isClaimed)
        yield* Effect.flip(
          runShared(Effect.fail(new ProviderError({ provider: "test", pair, reason: open })))
        )
        assert.isFalse(yield* isClaimed)
        yield* Effect.exit(runShared(Effect.die("broken")))
        assert.isFalse(yield* isClaimed)
        const started = yield* Deferred.make<void>()
        const caller = yield* Effect.forkChild(
          runShared(Effect.andThen(Deferred.succeed(started, undefined), Effect.never))
        )
        yield* Deferred.await(started)
        yield* Fiber.interrupt(caller)
        assert.isTrue(yield* isClaimed)
        yield* Scope.close(scope, Exit.void)
        assert.isFalse(yield* isClaimed)
      })
    )

    test(
      "fetches while Redis is unavailable",
      Effect.gen(function* () {
        const { hostname, port } = new URL(redisEnv.REDIS_URL)
        const proxy = yield* TcpProxy.open({ host: hostname, port: Number(port) })
        const provider = yield* TestProvider
        const context = yield* node({ REDIS_URL: `redis://127.0.0.1:${proxy.port}/3` })
        const ingest = Context.get(context, RateIngest)
        for (const [disrupt, to] of [
          [proxy.blackhole, "GHS"],
          [proxy.reset, "ZMW"]
        ] as const) {
          disrupt()
          yield* ingest.fetch(pairOf("USD", to))
        }
        assert.strictEqual(yield* provider.calls, 2)
      })
    )
  })
})
