import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Context, Duration, Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import type { CurrencyPair } from "../../../src/domain/money/CurrencyPair.ts"
import { StoreUnavailable } from "../../../src/platform/postgres/Database.ts"
import { Redis } from "../../../src/platform/Redis.ts"
import { CircuitOpen, ProviderError } from "../../../src/providers/ProviderError.ts"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { RateGuard } from "../../../src/rates/guard/RateGuard.ts"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { SharedSingleFlight } from "../../../src/rates/lookup/SharedSingleFlight.ts"
import * as TcpProxy from "../../support/TcpProxy.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { failing, rate, TestProvider } from "../../support/TestProvider.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import { pairOf, plain } from "../../support/RateTicks.ts"

const NODES = 5
const CALLERS = 20

const redisEnv = TestRedis.envOf(3)

/** One provider and one database, which all nodes of a test share. */
const Shared = Layer.mergeAll(TestProvider.layer, RateRepo.layer).pipe(
  Layer.provideMerge(SecureRandom.layerWebCrypto),
  Layer.provideMerge(TestDatabase.layer())
)

/** A node with a memory, a cache and a connection to Redis of its own. */
const node = (env: Readonly<Record<string, string>> = redisEnv) =>
  RateIngest.layerNoDeps.pipe(
    Layer.provide(RateGuard.layer),
    Layer.provideMerge(
      Layer.mergeAll(SharedSingleFlight.layerRedis, RateCache.layerRedis, Broadcaster.layerMemory)
    ),
    Layer.provideMerge(Redis.layer),
    Layer.provide(TestSettings.layer(env)),
    Layer.fresh,
    Layer.build
  )

const takeEverywhere = (nodes: ReadonlyArray<Context.Context<RateIngest>>, pair: CurrencyPair) =>
  Effect.forEach(
    nodes.flatMap((context) => Array.from({ length: CALLERS }, () => Context.get(context, RateIngest))),
    (intake) => Effect.result(intake.take(pair)),
    { concurrency: "unbounded" }
  )

const slowly = (answer: ReturnType<typeof rate>, by: Duration.Input) => (pair: CurrencyPair) =>
  Effect.delay(answer(pair), by)

describe.skipIf(!TestRedis.isAvailable)("SharedFlight over Redis", () => {
  it.live("asks the provider once for all who miss on one pair at once, on any node", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      const nodes = yield* Effect.all(Array.from({ length: NODES }, () => node()))
      yield* provider.answer(slowly(rate("1500.25"), "300 millis"))
      const pair = pairOf("USD", "NGN")
      const taken = yield* Effect.forEach(yield* takeEverywhere(nodes, pair), Effect.fromResult)
      assert.strictEqual(yield* provider.calls, 1)
      assert.strictEqual(taken.length, NODES * CALLERS)
      assert.strictEqual(new Set(taken.map((rate) => JSON.stringify(plain(rate)))).size, 1)
      for (const context of nodes) {
        const remembered = Context.get(context, RateCache).peek(pair)
        assert.strictEqual(remembered._tag === "Some" && remembered.value.id, taken[0]?.id)
      }
      // Another pair is another flight.
      yield* takeEverywhere(nodes, pairOf("USD", "KES"))
      assert.strictEqual(yield* provider.calls, 2)
    }).pipe(Effect.scoped, Effect.provide(Shared))
  )

  it.live("asks anew for a poll, however short ago the last flight ended, unless one is under way", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      const intakes = (yield* Effect.all([node(), node()])).map((context) => Context.get(context, RateIngest))
      const pair = pairOf("USD", "UGX")
      const pollEverywhere = Effect.forEach(intakes, (intake) => intake.takePolled(pair, Option.none()), {
        concurrency: "unbounded"
      })
      for (let poll = 1; poll <= 3; poll++) {
        yield* provider.answer(slowly(rate(`150${poll}.5`), "50 millis"))
        for (const { rate } of yield* pollEverywhere)
          assert.strictEqual(BigDecimal.format(rate), `150${poll}.5`)
        assert.strictEqual(yield* provider.calls, poll)
      }
    }).pipe(Effect.scoped, Effect.provide(Shared))
  )

  it.live("fails in the same way for all, and lets them ask again after a second", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      const nodes = yield* Effect.all(Array.from({ length: NODES }, () => node()))
      yield* provider.answer((pair) => Effect.delay(failing(pair), "300 millis"))
      const pair = pairOf("EUR", "NGN")
      const taken = yield* takeEverywhere(nodes, pair)
      const errors = yield* Effect.forEach(taken, (result) => Effect.flip(Effect.fromResult(result)))
      assert.strictEqual(yield* provider.calls, 1)
      for (const error of errors) {
        assert.instanceOf(error, ProviderError)
        assert.strictEqual(error.message, "test gave no rate for EUR:NGN: no answer (gone)")
      }
      yield* provider.answer(rate("1"))
      yield* Effect.sleep("1100 millis")
      for (const result of yield* takeEverywhere(nodes, pair)) yield* Effect.fromResult(result)
      assert.strictEqual(yield* provider.calls, 2)
    }).pipe(Effect.scoped, Effect.provide(Shared))
  )

  it.live("takes over from a process that is gone, and not from one that is slow", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      const [one, other] = [yield* node(), yield* node()]
      const pair = pairOf("GBP", "NGN")
      yield* Context.get(one, Redis).use((client) =>
        client.set("effex:flight:GBP:NGN", "whatever", "PX", 700)
      )
      const [waited] = yield* Effect.timed(Context.get(one, RateIngest).take(pair))
      assert.isAtLeast(Duration.toMillis(waited), 600)
      assert.strictEqual(yield* provider.calls, 1)

      yield* provider.answer(slowly(rate("2000"), "7 seconds"))
      yield* Effect.sleep("1100 millis")
      yield* takeEverywhere([one, other], pair)
      assert.strictEqual(yield* provider.calls, 2)
    }).pipe(Effect.scoped, Effect.provide(Shared))
  )

  it.live("leaves nothing behind when it fails for a reason of its own, or is interrupted", () =>
    Effect.gen(function* () {
      const context = yield* node()
      const { join } = Context.get(context, SharedSingleFlight)
      const { use } = Context.get(context, Redis)
      const pair = pairOf("CAD", "NGN")
      const isLeft = Effect.map(
        use((client) => client.exists("effex:flight:CAD:NGN")),
        (found) => found === 1
      )
      const open = new CircuitOpen({ retryAfter: Duration.seconds(3) })
      yield* Effect.flip(join(pair, Effect.fail(new StoreUnavailable({ cause: "gone" })), false))
      assert.isFalse(yield* isLeft)
      yield* Effect.flip(
        join(pair, Effect.fail(new ProviderError({ provider: "test", pair, reason: open })), false)
      )
      assert.isFalse(yield* isLeft)
      yield* Effect.exit(join(pair, Effect.die("broken"), false))
      assert.isFalse(yield* isLeft)
      yield* Effect.timeoutOption(join(pair, Effect.never, false), "100 millis")
      assert.isFalse(yield* isLeft)
    }).pipe(Effect.scoped, Effect.provide(Shared))
  )

  it.live("just asks where Redis does not answer, and does not wait for it", () =>
    Effect.gen(function* () {
      const { hostname, port } = new URL(redisEnv.REDIS_URL)
      const door = yield* TcpProxy.open({ host: hostname, port: Number(port) })
      const provider = yield* TestProvider
      const context = yield* node({ REDIS_URL: `redis://127.0.0.1:${door.port}/3` })
      const { take } = Context.get(context, RateIngest)
      for (const [shut, to] of [
        [door.blackhole, "GHS"],
        [door.reset, "ZMW"]
      ] as const) {
        shut()
        const [took] = yield* Effect.timed(take(pairOf("USD", to)))
        assert.isBelow(Duration.toMillis(took), 2000)
      }
      assert.strictEqual(yield* provider.calls, 2)
    }).pipe(Effect.scoped, Effect.provide(Shared))
  )
})
