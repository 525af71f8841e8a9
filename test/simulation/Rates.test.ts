import { assert, describe, it } from "@effect/vitest"
import { Clock, DateTime, Duration, Effect, Exit, Fiber, Layer, Option, Schema, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import type { CurrencyPair } from "../../src/domain/money/CurrencyPair.ts"
import { ageAt, isNewer, type Rate } from "../../src/domain/rates/Rate.ts"
import { Broadcaster } from "../../src/rates/feed/Broadcaster.ts"
import { RateCache } from "../../src/rates/lookup/RateCache.ts"
import { RateGuard } from "../../src/rates/guard/RateGuard.ts"
import { RateIngest } from "../../src/rates/RateIngest.ts"
import { type FoundRate, Rates } from "../../src/rates/lookup/Rates.ts"
import { SharedSingleFlight } from "../../src/rates/lookup/SharedSingleFlight.ts"
import { makeReader } from "../support/FeedReader.ts"
import { poll } from "../support/SampleRates.ts"
import * as TestSettings from "../support/TestSettings.ts"
import { pairOf } from "../support/RateTicks.ts"
import * as MemoryRates from "./MemoryRates.ts"
import * as FaultyProvider from "./FaultyProvider.ts"

const PAIRS = ["NGN", "KES"].map((to) => pairOf("USD", to))
const STALE_AFTER = Duration.minutes(10)
const BUDGET = Duration.seconds(1)
const SETTINGS = { RATE_SOURCES: "USD", RATE_DESTINATIONS: "NGN,KES", GUARD_CONFIRMATIONS: "off" }

const below = (limit: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: limit - 1 }))
const literal = <const L extends string>(value: L) => Schema.Literal(value)
const pairs = below(PAIRS.length)
const Lookup = Schema.Tuple([literal("lookup"), pairs])
const Time = Schema.Tuple([literal("time"), Schema.Literals([1, 500, 1000, 61_000, 599_000, 1_200_000])])
const Mood = Schema.Tuple([
  literal("provider"),
  pairs,
  Schema.Literals(["true", "slow", "jump", "inverted", "failing", "silent"])
])

/** What may happen, told apart by the first member. */
const Action = Schema.Union([
  Lookup,
  Lookup,
  Schema.Tuple([literal("lookup within"), pairs, Schema.Literals([1, 30, 300])]),
  Time,
  Time,
  Mood,
  Mood,
  Schema.Tuple([literal("poll")]),
  Schema.Tuple([literal("store"), Schema.Literals(["well", "slow", "gone", "mute"])]),
  Schema.Tuple([literal("elsewhere"), pairs]),
  Schema.Tuple([literal("followed"), pairs]),
  Schema.Tuple([literal("take"), below(2)]),
  Schema.Tuple([literal("resume"), below(2)]),
  Schema.Tuple([literal("restart")])
])
type Action = typeof Action.Type

/** One process of effex, over a database and a provider that it shares with others. */
const makeProcess = Effect.fnUntraced(function* (
  database: MemoryRates.MemoryRates,
  provider: FaultyProvider.FaultyProvider
) {
  const services = Rates.layer.pipe(
    Layer.provideMerge(RateIngest.layerNoDeps),
    Layer.provide([SharedSingleFlight.layerMemory, RateGuard.layerNoDeps]),
    Layer.provideMerge(Layer.mergeAll(RateCache.layerMemory, Broadcaster.layerMemory)),
    Layer.provideMerge(Layer.mergeAll(database.layer, provider.layer)),
    Layer.provide(SecureRandom.layerWebCrypto),
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
    const [rates, cache, intake] = [yield* Rates, yield* RateCache, yield* RateIngest]
    return { scope, readers, broadcaster, rates, cache, intake, told: new Map<string, Rate>() }
  }).pipe(Effect.provide(context))
})

type Process = Effect.Success<ReturnType<typeof makeProcess>>

/** Looks a rate up in the background, and holds what comes of it to the promises of a lookup. */
const lookup = Effect.fnUntraced(function* (
  { cache, rates, scope, told }: Process,
  { database, provider }: World,
  pair: CurrencyPair,
  maxAge: Duration.Duration
) {
  const isHeld = Option.isSome(cache.peek(pair))
  const floor = told.get(pair.key)
  const startedAt = yield* Clock.currentTimeMillis

  const found = ({ rate, source, stale }: FoundRate, now: DateTime.Utc) => {
    assert.isTrue(provider.isTrue(rate.rate), "a rate that nobody gave")
    assert.include(database.rates, rate, "a rate that is not stored")
    assert.strictEqual(stale, Duration.isGreaterThan(ageAt(rate, now), STALE_AFTER))
    assert.isFalse(floor !== undefined && isNewer(floor, rate), "an older rate after a newer one")
    if (source !== "provider")
      assert.isTrue(Duration.isLessThanOrEqualTo(ageAt(rate, now), maxAge), "max_age")
    const newest = told.get(pair.key)
    if (newest === undefined || isNewer(rate, newest)) told.set(pair.key, rate)
  }

  const work = Effect.gen(function* () {
    const exit = yield* Effect.exit(rates.lookup(pair, { maxAge }))
    const now = yield* DateTime.now
    const took = Duration.millis(DateTime.toEpochMillis(now) - startedAt)
    if (isHeld)
      assert.isTrue(Duration.isLessThanOrEqualTo(took, BUDGET), `${Duration.format(took)} with a rate`)
    if (Exit.isSuccess(exit)) return found(exit.value, now)
    const error = Option.getOrThrow(Exit.findErrorOption(exit))
    if (error._tag === "RateTooOld") {
      const age = Option.map(cache.peek(pair), (rate) => ageAt(rate, now))
      assert.isFalse(
        Option.exists(age, Duration.isLessThanOrEqualTo(maxAge)),
        "refused, though there was one"
      )
    } else assert.isFalse(isHeld, `${error._tag}, though there is a last known good rate`)
  })
  return yield* Effect.forkIn(work, scope, { startImmediately: true })
})

interface World {
  readonly database: MemoryRates.MemoryRates
  readonly provider: FaultyProvider.FaultyProvider
}

const pollAll = ({ broadcaster, intake }: Process) =>
  Effect.forEach(PAIRS, (pair) => Effect.ignore(intake.takePolled(pair, Option.none())), {
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
    // It reads what the database knows, which may take its time.
    const beginning = yield* Effect.forkChild(makeProcess(database, provider))
    yield* TestClock.adjust("1 second")
    process = yield* Fiber.join(beginning)
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
        return provider.be(pairAt(action[1]), action[2])
      case "poll":
        return yield* Effect.forkIn(pollAll(process), process.scope, { startImmediately: true })
      case "store":
        return database.be(action[1])
      case "elsewhere":
        return yield* Effect.flatMap(provider.tickOf(pairAt(action[1])), database.storeElsewhere)
      case "followed": {
        // Another process has stored a rate, and this one is told.
        const rate = yield* Effect.flatMap(provider.tickOf(pairAt(action[1])), database.storeElsewhere)
        process.cache.remember(rate)
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

  // All is well again, and what is under way has ended.
  database.be("well")
  for (const pair of PAIRS) provider.be(pair, "true")
  yield* TestClock.adjust("10 minutes")
  yield* pollAll(process)
  for (const fiber of lookups) {
    const exit = fiber.pollUnsafe() ?? assert.fail("a lookup goes on for ever")
    if (Exit.isFailure(exit) && !Exit.hasInterrupts(exit)) yield* exit
  }
  yield* allIsWell(process, world)
  yield* Scope.close(process.scope, Exit.void)
}, Effect.scoped)

/** Whoever asks and whoever reads is told the latest rate. */
const allIsWell = Effect.fnUntraced(function* (process: Process, { database, provider }: World) {
  for (const pair of PAIRS) {
    const latest = database.latest(pair.key)
    const found = yield* process.rates.lookup(pair)
    assert.deepStrictEqual([found.rate.id, found.stale], [latest?.id, false])
  }
  for (const { pairs, take, view } of process.readers) {
    yield* take
    for (const { key } of pairs) assert.strictEqual(view.get(key)?.id, database.latest(key)?.id)
  }
  assert.strictEqual(provider.mostAtOnce(), 1, "callers who miss at once cause one call")
  assert.strictEqual(new Set(database.rates.map(({ id }) => id)).size, database.rates.length)
  for (const { rate } of database.rates)
    assert.isTrue(provider.isTrue(rate), "a rate that nobody gave is stored")
})

describe("The way of a rate, from the provider to who asks and who reads", () => {
  it.effect.prop(
    "keeps every promise, whatever the provider, the store, the clock and the process do",
    [Schema.Array(Action)],
    ([history]) => Effect.andThen(TestClock.adjust("1 day"), play(history)),
    { arbitrary: { runs: 1000, size: 60, maxShrinks: 300 }, timeout: 120_000 }
  )
})
