import { assert, it } from "@effect/vitest"
import { BigDecimal, DateTime, Duration, Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import type { CurrencyPair } from "../../../src/domain/money/CurrencyPair.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import type { RateTick } from "../../../src/domain/rates/Rate.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { ProviderError, Unreachable } from "../../../src/providers/ProviderError.ts"
import { RateProvider } from "../../../src/providers/RateProvider.ts"
import { RateSources } from "../../../src/providers/RateSources.ts"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { Quarantine } from "../../../src/rates/guard/Quarantine.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import { pairOf, tick } from "../../support/RateTicks.ts"

/** What providers say of a pair; text is a rate of now. One that is not named gives no answer. */
interface Says {
  readonly [provider: string]: string | ((tick: RateTick) => RateTick)
}

let says: Says = {}

/** Says from now on what is given, of every pair. */
export const say = (given: Says) =>
  Effect.sync(() => {
    says = given
  })

const tickOf = Effect.fnUntraced(function* (pair: CurrencyPair, provider: string) {
  const said = says[provider]
  if (said === undefined) {
    const reason = new Unreachable({ detail: "it says nothing" })
    return yield* new ProviderError({ provider, pair, reason })
  }
  const made = yield* tick(pair.from, pair.to, typeof said === "string" ? said : "1500")
  return typeof said === "string" ? { ...made, provider } : said({ ...made, provider })
})

const Provider = RateProvider.layer.pipe(
  Layer.provide(
    Layer.succeed(RateSources, [
      { name: "flutterwave", rate: (pair) => tickOf(pair, "flutterwave") },
      { name: "fixer", rate: (pair) => tickOf(pair, "fixer"), recent: (pair) => tickOf(pair, "fixer") }
    ])
  )
)

const isPutAside = (error: unknown): error is ProviderError =>
  error instanceof ProviderError && error.putAside

/** Everything that lets a rate in, without the database and the settings. */
const layerNoDeps = Quarantine.layer.pipe(
  Layer.provideMerge(RateIngest.layer),
  Layer.provideMerge(Layer.mergeAll(RateCache.layerMemory, Broadcaster.layerMemory)),
  Layer.provideMerge(Layer.mergeAll(RateRepo.layer, Provider)),
  Layer.provideMerge(SecureRandom.layerWebCrypto)
)

/** Everything that lets a rate in, over a database of the test's own. */
export const layer = (env: Readonly<Record<string, string>> = {}) =>
  Layer.provideMerge(layerNoDeps, TestDatabase.layer(env))

/** The same in a process of its own, over a database that others use as well. */
export const layerOver = (url: string) =>
  Layer.provideMerge(
    layerNoDeps,
    Layer.provideMerge(Database.layer, TestSettings.layer({ DATABASE_URL: url }))
  ).pipe(Layer.fresh)

/** Who decides in tests. */
export const operator = { principal: "key_1", reason: null }

/** A quiet time after the last poll. */
export const INTERVAL = Duration.minutes(10)

/** What a poll of a pair came to, 10 minutes after the one before: the rate, or `put aside`. */
export const poll = Effect.fnUntraced(function* (pair: CurrencyPair, after: Duration.Input = INTERVAL) {
  yield* TestClock.adjust(after)
  const intake = yield* RateIngest
  return yield* outcome(intake.takePolled(pair, Option.none()))
})

export const outcome = <E>(taken: Effect.Effect<{ readonly rate: BigDecimal.BigDecimal }, E>) =>
  taken.pipe(
    Effect.map(({ rate }) => Decimal.format(rate)),
    Effect.catchIf(isPutAside, () => Effect.succeed("put aside")),
    Effect.orDie
  )

/** The clock of tests begins in 1970. To be set before a database is there, which counts the days. */
export const begin = TestClock.setTime(Date.UTC(2026, 10, 21, 12))

/** What is served, told and stored as the latest of a pair: all three must be one. */
export const served = Effect.fnUntraced(function* (pair: CurrencyPair) {
  const cache = yield* RateCache
  const broadcaster = yield* Broadcaster
  const repo = yield* RateRepo
  const stored = Option.getOrThrow(yield* repo.latest(pair))
  assert.strictEqual(Option.getOrThrow(cache.peek(pair)).id, stored.id)
  assert.strictEqual(broadcaster.newest(pair)?.id, stored.id)
  return Decimal.format(stored.rate)
})

/** What was put aside of a pair, oldest first, in short. */
export const putAside = Effect.fnUntraced(function* (pair: CurrencyPair) {
  const quarantine = yield* Quarantine
  const found = yield* quarantine.page({ from: pair.from, to: pair.to }, undefined, 1000)
  return found.toReversed()
})

export const short = Effect.fnUntraced(function* (pair: CurrencyPair) {
  const found = yield* putAside(pair)
  return found.map(
    ({ agreeing, decision, rate, status, anomalies }) =>
      `${Decimal.format(rate)} ${anomalies.map(({ reason }) => reason).join("+")} ${agreeing} ${status}${decision === null ? "" : ` by ${decision.by}`}`
  )
})

export const quotedAt =
  (moment: string, rate = "1500") =>
  (made: RateTick): RateTick => ({
    ...made,
    rate: BigDecimal.fromStringUnsafe(rate),
    quotedAt: DateTime.makeUnsafe(moment)
  })

/** The pair that most tests are about. */
export const NAIRA = pairOf("USD", "NGN")

/** What a test may use. */
export type Services = Layer.Success<ReturnType<typeof layer>>

/** A test over a database of its own, with the settings of `env`. */
export const test = (
  name: string,
  body: Effect.Effect<void, unknown, Services>,
  env: Readonly<Record<string, string>> = {}
) => it.effect(name, () => Effect.andThen(begin, Effect.provide(body, layer(env))))

export const polls = (count: number) => Effect.all(Array.from({ length: count }, () => poll(NAIRA)))

/** A poll that is believed. */
export const good = Effect.andThen(say({ flutterwave: "1500" }), poll(NAIRA))
