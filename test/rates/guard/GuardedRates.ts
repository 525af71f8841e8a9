import { assert, layer } from "@effect/vitest"
import { BigDecimal, DateTime, Duration, Effect, Layer, Option, References } from "effect"
import { TestClock } from "effect/testing"
import * as Currency from "../../../src/domain/money/Currency.ts"
import type { AssetPair } from "../../../src/domain/money/AssetPair.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import type { RateTick } from "../../../src/domain/rates/Rate.ts"
import type { Database } from "../../../src/platform/postgres/Database.ts"
import { ProviderError, Unreachable } from "../../../src/providers/ProviderError.ts"
import { RateProvider } from "../../../src/providers/RateProvider.ts"
import { RateSources } from "../../../src/providers/RateSources.ts"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import * as PollSiblings from "../../../src/rates/guard/PollSiblings.ts"
import { Quarantine } from "../../../src/rates/guard/Quarantine.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { pairOf, tick } from "../../support/RateTicks.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import * as TestRates from "../TestRates.ts"

/** Rates of all pairs by provider; text is an unsuspicious tick. A provider without a rate is unreachable. */
interface Quotes {
  readonly [provider: string]: string | ((tick: RateTick) => RateTick)
}

let quotes: Quotes = {}

/** Sets the rates that the providers answer with. */
export const quote = (next: Quotes) =>
  Effect.sync(() => {
    quotes = next
  })

const fetchTick = Effect.fnUntraced(function* (pair: AssetPair, provider: string) {
  const quoted = quotes[provider]
  if (quoted === undefined) {
    const reason = new Unreachable({ detail: "no rate" })
    return yield* new ProviderError({ provider, pair, reason })
  }
  const base = yield* tick(pair.from, pair.to, typeof quoted === "string" ? quoted : "1500")
  return typeof quoted === "string" ? { ...base, provider } : quoted({ ...base, provider })
})

const provider = RateProvider.layer.pipe(
  Layer.provide(
    Layer.succeed(RateSources, [
      { name: "flutterwave", rate: (pair) => fetchTick(pair, "flutterwave") },
      { name: "fixer", rate: (pair) => fetchTick(pair, "fixer"), recent: (pair) => fetchTick(pair, "fixer") }
    ])
  )
)

const rates = TestRates.withProvider(provider)

type Env = Readonly<Record<string, string>>

// The feed starts with the database's rates of the configured pairs. USD:NGN is used by one test only, so that tests which
// share a database see no cross rates of each other.
const PAIRS = { RATE_SOURCES: "USD", RATE_DESTINATIONS: "NGN" }

/** Services of one process, over the database of the test. It does not log each rate that the tests quarantine. */
export const ownProcess = (env: Env = {}) =>
  Layer.fresh(Layer.provideMerge(rates, TestSettings.layer({ ...PAIRS, ...env }))).pipe(
    Layer.merge(Layer.succeed(References.MinimumLogLevel, "Error"))
  )

export type Services = Layer.Success<typeof rates> | Database

type GuardTest = (
  title: string,
  body: (pair: AssetPair) => Effect.Effect<void, unknown, Services>,
  env?: Env
) => void

/** Pairs without a common currency, because a decision on one pair covers its currency. */
const CODES = Currency.all
  .map(({ code }) => code)
  .filter((code) => !["USD", "EUR", "NGN", "KES", "GHS", "XOF"].includes(code))
const PAIRS_OF_TESTS = CODES.flatMap((from, index) => {
  const to = CODES[index + 1]
  return index % 2 === 0 && to !== undefined ? [pairOf(from, to)] : []
})

/** Runs tests over one database. Each has its own process, clock and pair. */
export const suite = (name: string, define: (test: GuardTest) => void) =>
  layer(TestDatabase.layer(), { excludeTestServices: true })(name, (it) => {
    const pairs = PAIRS_OF_TESTS.values()
    define((title, body, env) => {
      const pair = pairs.next().value ?? assert.fail("no pair left")
      it.effect(title, () =>
        Effect.andThen(TestClock.setTime(START), Effect.provide(body(pair), ownProcess(env))).pipe(
          Effect.provide(TestClock.layer())
        )
      )
    })
  })

/** Runs a test over a database and a feed of its own. */
export const singleSuite = (title: string, env: Env, body: () => Effect.Effect<void, unknown, Services>) =>
  layer(TestDatabase.layer(env), { excludeTestServices: true })(title, (it) => {
    it.effect("serves no wrong rate", () =>
      Effect.andThen(TestClock.setTime(START), Effect.provide(body(), ownProcess(env))).pipe(
        Effect.provide(TestClock.layer())
      )
    )
  })

const START = Date.UTC(2026, 8, 21, 12)

export const operator = { principal: "key_1", reason: null }

const POLL_INTERVAL = Duration.minutes(10)

/** Polls a pair after a time. Returns the rate, or `quarantined`. */
export const poll = Effect.fnUntraced(function* (pair: AssetPair, after: Duration.Input = POLL_INTERVAL) {
  yield* TestClock.adjust(after)
  const ingest = yield* RateIngest
  return yield* outcomeOf(ingest.fetchForPoll(pair, Option.none()))
})

/** Polls several pairs at once, as the poller does. Returns the outcomes by pair. */
export const pollTogether = Effect.fnUntraced(function* (
  pairs: ReadonlyArray<AssetPair>,
  after: Duration.Input = POLL_INTERVAL
) {
  yield* TestClock.adjust(after)
  const ingest = yield* RateIngest
  const siblings = yield* PollSiblings.make(pairs)
  const outcomes = yield* Effect.forEach(
    pairs,
    (pair) => outcomeOf(ingest.fetchForPoll(pair, Option.none(), { siblings })),
    { concurrency: "unbounded" }
  )
  return Object.fromEntries(pairs.map(({ key }, index) => [key, outcomes[index] ?? ""]))
})

const isQuarantined = (error: unknown): error is ProviderError =>
  error instanceof ProviderError && error.isQuarantined

export const outcomeOf = <E>(fetch: Effect.Effect<{ readonly rate: BigDecimal.BigDecimal }, E>) =>
  fetch.pipe(
    Effect.map(({ rate }) => Decimal.format(rate)),
    Effect.catchIf(isQuarantined, () => Effect.succeed("quarantined")),
    Effect.orDie
  )

export const polls = (pair: AssetPair, count: number) =>
  Effect.all(Array.from({ length: count }, () => poll(pair)))

/** Stores a good rate of the past. Simulated days cost real time, because the services run on the test clock. */
export const storePast = Effect.fnUntraced(function* (pair: AssetPair, rate: string, daysAgo: number) {
  const repo = yield* RateRepo
  const observedAt = DateTime.subtract(yield* DateTime.now, { days: daysAgo })
  const past = yield* tick(pair.from, pair.to, rate, DateTime.formatIso(observedAt))
  yield* repo.insert({ ...past, provider: "flutterwave" })
})

/** Polls a credible rate of 1500. */
export const pollGood = (pair: AssetPair) => Effect.andThen(quote({ flutterwave: "1500" }), poll(pair))

/** Returns the latest rate, after asserting that cache, feed and database agree on it. */
export const served = Effect.fnUntraced(function* (pair: AssetPair) {
  const cache = yield* RateCache
  const broadcaster = yield* Broadcaster
  const repo = yield* RateRepo
  const stored = Option.getOrThrow(yield* repo.latest(pair))
  assert.strictEqual(Option.getOrThrow(cache.peek(pair)).id, stored.id)
  assert.strictEqual(broadcaster.latest(pair)?.id, stored.id)
  return Decimal.format(stored.rate)
})

/** Quarantined ticks of a pair, oldest first. */
export const quarantined = Effect.fnUntraced(function* (pair: AssetPair) {
  const quarantine = yield* Quarantine
  const found = yield* quarantine.page({ from: pair.from, to: pair.to }, undefined, 1000)
  return found.toReversed()
})

/** Accepts the last quarantined tick of a pair. */
export const acceptLast = Effect.fnUntraced(function* (pair: AssetPair) {
  const quarantine = yield* Quarantine
  const last = (yield* quarantined(pair)).at(-1) ?? assert.fail("nothing is quarantined")
  return yield* quarantine.accept(last.id, operator)
})

/** {@link quarantined} as text, such as `2250 jump 1 pending`. */
export const quarantinedText = Effect.fnUntraced(function* (pair: AssetPair) {
  const found = yield* quarantined(pair)
  return found.map(
    ({ agreeing, anomalies, decision, rate, status }) =>
      `${Decimal.format(rate)} ${anomalies.map(({ reason }) => reason).join("+")} ${agreeing} ${status}${decision === null ? "" : ` by ${decision.by}`}`
  )
})

/** A rate that the provider quotes anew at each poll. */
export const newlyQuoted =
  (rate: string) =>
  (base: RateTick): RateTick => ({
    ...base,
    rate: BigDecimal.fromStringUnsafe(rate),
    quotedAt: base.observedAt
  })

export const quotedAt =
  (time: string, rate = "1500") =>
  (base: RateTick): RateTick => ({
    ...base,
    rate: BigDecimal.fromStringUnsafe(rate),
    quotedAt: DateTime.makeUnsafe(time)
  })
