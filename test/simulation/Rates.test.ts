import { assert, describe, it } from "@effect/vitest"
import { Clock, DateTime, Duration, Effect, Exit, Fiber, Layer, Option, Schema, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import type { AssetPair } from "../../src/domain/money/AssetPair.ts"
import { ageAt, isNewer, type Rate } from "../../src/domain/rates/Rate.ts"
import * as App from "../../src/App.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { Broadcaster } from "../../src/rates/feed/Broadcaster.ts"
import { RateCache } from "../../src/rates/lookup/RateCache.ts"
import { AnomalyDetector } from "../../src/rates/guard/AnomalyDetector.ts"
import { RateGuard } from "../../src/rates/guard/RateGuard.ts"
import { RateIngest } from "../../src/rates/RateIngest.ts"
import { type FoundRate, Rates } from "../../src/rates/lookup/Rates.ts"
import { makeReader } from "../support/FeedReader.ts"
import { poll } from "../support/SampleRates.ts"
import * as TestSettings from "../support/TestSettings.ts"
import { pairOf } from "../support/RateTicks.ts"
import * as MemoryRates from "./MemoryRates.ts"
import * as FaultyProvider from "./FaultyProvider.ts"
import { SIMULATION_RUNS } from "./SimulationRuns.ts"

const PAIRS = ["NGN", "KES"].map((to) => pairOf("USD", to))
const STALE_AFTER = Duration.minutes(10)
const BUDGET = Duration.seconds(1)
const SETTINGS = { RATE_SOURCES: "USD", RATE_DESTINATIONS: "NGN,KES", GUARD_CONFIRMATIONS: "off" }

const below = (limit: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: limit - 1 }))
const literal = <const L extends string>(value: L) => Schema.Literal(value)
const pairs = below(PAIRS.length)
const Lookup = Schema.Tuple([literal("lookup"), pairs])
const Time = Schema.Tuple([literal("time"), Schema.Literals([1, 500, 1000, 61_000, 599_000, 1_200_000])])
const Mode = Schema.Tuple([
  literal("provider"),
  pairs,
  Schema.Literals(["correct", "slow", "jump", "inverted", "failing", "hanging"])
])

/** Possible actions, discriminated by the first member. */
const Action = Schema.Union([
  Lookup,
  Lookup,
  Schema.Tuple([literal("lookup within"), pairs, Schema.Literals([1, 30, 300])]),
  Time,
  Time,
  Mode,
  Mode,
  Schema.Tuple([literal("poll")]),
  Schema.Tuple([literal("store"), Schema.Literals(["healthy", "slow", "down", "lossy"])]),
  Schema.Tuple([literal("store in other process"), pairs]),
  Schema.Tuple([literal("publish from other process"), pairs]),
  Schema.Tuple([literal("take"), below(2)]),
  Schema.Tuple([literal("resume"), below(2)]),
  Schema.Tuple([literal("restart")])
])
type Action = typeof Action.Type

/** Creates a process over a database and a provider that outlive it. */
const makeProcess = Effect.fnUntraced(function* (
  database: MemoryRates.MemoryRates,
  provider: FaultyProvider.FaultyProvider
) {
  const services = Rates.layer.pipe(
    Layer.provideMerge(RateIngest.layer),
    Layer.provide(RateGuard.layerNoDeps.pipe(Layer.provide(AnomalyDetector.layerNoDeps))),
    Layer.provideMerge(App.sharedRates),
    Layer.provideMerge(Layer.mergeAll(database.layer, provider.layer)),
    Layer.provide([SecureRandom.layerWebCrypto, Layer.mock(Database)({})]),
    Layer.provideMerge(TestSettings.layer(SETTINGS))
  )
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const context = yield* Layer.buildWithScope(Layer.fresh(services), scope)
  return yield* Effect.gen(function* () {
    const broadcaster = yield* Broadcaster
    const open = Effect.forEach([PAIRS, PAIRS.slice(1)], (wanted) =>
      makeReader(broadcaster, wanted, wanted !== PAIRS)
    )
    const readers = yield* Scope.provide(open, scope)
    const [rates, cache, ingest] = [yield* Rates, yield* RateCache, yield* RateIngest]
    return { scope, readers, broadcaster, rates, cache, ingest, served: new Map<string, Rate>() }
  }).pipe(Effect.provide(context))
})

type Process = Effect.Success<ReturnType<typeof makeProcess>>

/** Looks up a rate in the background, and asserts the guarantees of a lookup on its result. */
const lookup = Effect.fnUntraced(function* (
  { cache, rates, scope, served }: Process,
  { database, provider }: World,
  pair: AssetPair,
  maxAge: Duration.Duration
) {
  const isCached = Option.isSome(cache.peek(pair))
  const lastServed = served.get(pair.key)
  const startedAt = yield* Clock.currentTimeMillis

  const assertFound = ({ rate, source, stale }: FoundRate, now: DateTime.Utc) => {
    assert.isTrue(provider.isCorrect(rate.rate), "a rate that the provider did not send")
    assert.include(database.rates, rate, "a rate that is not stored")
    assert.strictEqual(stale, Duration.isGreaterThan(ageAt(rate, now), STALE_AFTER))
    assert.isFalse(lastServed !== undefined && isNewer(lastServed, rate), "an older rate after a newer one")
    if (source !== "provider")
      assert.isTrue(Duration.isLessThanOrEqualTo(ageAt(rate, now), maxAge), "max_age")
    const newest = served.get(pair.key)
    if (newest === undefined || isNewer(rate, newest)) served.set(pair.key, rate)
  }

  const work = Effect.gen(function* () {
    const exit = yield* Effect.exit(rates.lookup(pair, { maxAge }))
    const now = yield* DateTime.now
    const elapsed = Duration.millis(DateTime.toEpochMillis(now) - startedAt)
    if (isCached)
      assert.isTrue(
        Duration.isLessThanOrEqualTo(elapsed, BUDGET),
        `${Duration.format(elapsed)} with a cached rate`
      )
    if (Exit.isSuccess(exit)) return assertFound(exit.value, now)
    const error = Option.getOrThrow(Exit.findErrorOption(exit))
    if (error._tag === "RateTooOld") {
      const age = Option.map(cache.peek(pair), (rate) => ageAt(rate, now))
      assert.isFalse(
        Option.exists(age, Duration.isLessThanOrEqualTo(maxAge)),
        "RateTooOld although the cached rate is fresh enough"
      )
    } else assert.isFalse(isCached, `${error._tag} although a last known good rate is cached`)
  })
  return yield* Effect.forkIn(work, scope, { startImmediately: true })
})

interface World {
  readonly database: MemoryRates.MemoryRates
  readonly provider: FaultyProvider.FaultyProvider
}

const pollAll = ({ broadcaster, ingest }: Process) =>
  Effect.forEach(PAIRS, (pair) => Effect.ignore(ingest.fetchForPoll(pair, Option.none())), {
    concurrency: 2
  }).pipe(Effect.andThen(broadcaster.publishPoll(poll(1))))

const play = Effect.fnUntraced(function* (history: ReadonlyArray<Action>) {
  const world: World = { database: MemoryRates.make(), provider: FaultyProvider.make() }
  const { database, provider } = world
  let process = yield* makeProcess(database, provider)
  yield* pollAll(process)
  const lookups: Array<Effect.Success<ReturnType<typeof lookup>>> = []
  const pairAt = (index: number) => PAIRS[index] ?? assert.fail("no such pair")
  const readerAt = (index: number) => process.readers[index] ?? assert.fail("no such reader")

  const restart = Effect.gen(function* () {
    yield* Scope.close(process.scope, Exit.void)
    // Its layers read the database, which may be slow.
    const restarted = yield* Effect.forkChild(makeProcess(database, provider))
    yield* TestClock.adjust("1 second")
    process = yield* Fiber.join(restarted)
  })

  const act = Effect.fnUntraced(function* (action: Action) {
    switch (action[0]) {
      case "lookup":
        return lookups.push(yield* lookup(process, world, pairAt(action[1]), Duration.infinity))
      case "lookup within":
        return lookups.push(yield* lookup(process, world, pairAt(action[1]), Duration.seconds(action[2])))
      case "time":
        return yield* TestClock.adjust(action[1])
      case "provider":
        return provider.setMode(pairAt(action[1]), action[2])
      case "poll":
        return yield* Effect.forkIn(pollAll(process), process.scope, { startImmediately: true })
      case "store":
        return database.setMode(action[1])
      case "store in other process":
        return yield* Effect.flatMap(provider.correctTick(pairAt(action[1])), database.storeFromOtherProcess)
      case "publish from other process": {
        // Another process has stored a rate, and this one receives it.
        const rate = yield* Effect.flatMap(
          provider.correctTick(pairAt(action[1])),
          database.storeFromOtherProcess
        )
        process.cache.putLocal(rate)
        return yield* process.broadcaster.publish(rate)
      }
      case "take":
        return yield* readerAt(action[1]).take
      case "resume":
        return yield* Scope.provide(readerAt(action[1]).resume, process.scope)
      case "restart":
        return yield* restart
    }
  })

  yield* Effect.forEach(history, act, { discard: true })

  // Recovery: everything is healthy, and the lookups in progress end.
  database.setMode("healthy")
  for (const pair of PAIRS) provider.setMode(pair, "correct")
  yield* TestClock.adjust("10 minutes")
  yield* pollAll(process)
  for (const fiber of lookups) {
    const exit = fiber.pollUnsafe() ?? assert.fail("a lookup never ends")
    if (Exit.isFailure(exit) && !Exit.hasInterrupts(exit)) yield* exit
  }
  yield* assertRecovered(process, world)
  yield* Scope.close(process.scope, Exit.void)
}, Effect.scoped)

/** Asserts that lookups and subscribers have the latest rates. */
const assertRecovered = Effect.fnUntraced(function* (process: Process, { database, provider }: World) {
  for (const pair of PAIRS) {
    const latest = database.latest(pair.key)
    const found = yield* process.rates.lookup(pair)
    assert.deepStrictEqual([found.rate.id, found.stale], [latest?.id, false])
  }
  for (const { pairs, take, view } of process.readers) {
    yield* take
    for (const { key } of pairs) assert.strictEqual(view.get(key)?.id, database.latest(key)?.id)
  }
  assert.strictEqual(provider.maxConcurrentCalls(), 1, "concurrent misses share one call")
  assert.strictEqual(new Set(database.rates.map(({ id }) => id)).size, database.rates.length)
  for (const { rate } of database.rates)
    assert.isTrue(provider.isCorrect(rate), "a stored rate that the provider did not send")
})

describe("Simulation of lookups, polls and subscriptions", () => {
  it.effect.prop(
    "keeps all guarantees under any history of provider, database, clock and process faults",
    [Schema.Array(Action)],
    ([history]) => Effect.andThen(TestClock.adjust("1 day"), play(history)),
    { arbitrary: { runs: SIMULATION_RUNS, size: 60, maxShrinks: 300 } }
  )
})
