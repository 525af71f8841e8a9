import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Effect, Layer, Logger, Option } from "effect"
import { TestClock } from "effect/testing"
import type { CurrencyPair } from "../../src/domain/money/CurrencyPair.ts"
import type { RateTick } from "../../src/domain/rates/Rate.ts"
import { RateId } from "../../src/domain/rates/Rate.ts"
import { ProviderError, Unreachable } from "../../src/providers/ProviderError.ts"
import { RateProvider } from "../../src/providers/RateProvider.ts"
import type { RateSource } from "../../src/providers/RateSource.ts"
import { Broadcaster } from "../../src/rates/feed/Broadcaster.ts"
import { AnomalyDetector } from "../../src/rates/guard/AnomalyDetector.ts"
import * as PollSiblings from "../../src/rates/guard/PollSiblings.ts"
import { RateGuard } from "../../src/rates/guard/RateGuard.ts"
import { pairOf } from "../support/RateTicks.ts"
import * as TestSettings from "../support/TestSettings.ts"
import * as Market from "./Market.ts"
import * as MarketFaults from "./MarketFaults.ts"
import * as MemoryGuard from "./MemoryGuard.ts"

const SOURCES = ["USD", "EUR"]
const DESTINATIONS = ["NGN", "EGP", "ETB", "GHS", "ZMW", "XOF"]
const PAIRS = SOURCES.flatMap((from) => DESTINATIONS.map((to) => pairOf(from, to)))
const START = Date.UTC(2022, 0, 1)
const HOUR = 3_600_000

/** A rate is wrong if it is further from all true rates of 7 days: the `GUARD_MAX_JUMP` of the simulation. */
const WRONG = 0.2

interface Deployment {
  readonly name: string
  readonly seed: number
  /** Providers in the order of failover; true for those that send tables with the time of their quotes. */
  readonly providers: ReadonlyArray<readonly [name: "flutterwave" | "fixer", isTable: boolean]>
  /** Hours after which an operator decides about a true change; infinity if there is no operator. */
  readonly operatorHours: number
}

const DEPLOYMENTS: ReadonlyArray<Deployment> = [
  {
    name: "one provider without quote times",
    seed: 1,
    providers: [["flutterwave", false]],
    operatorHours: 8
  },
  { name: "one provider with quote times", seed: 2, providers: [["fixer", true]], operatorHours: 48 },
  {
    name: "two providers",
    seed: 3,
    providers: [
      ["flutterwave", false],
      ["fixer", true]
    ],
    operatorHours: Infinity
  }
]

/** Deterministic random numbers from 0 to 1 (mulberry32). */
const makeRandom = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const decimal = (value: number) => BigDecimal.fromStringUnsafe(value.toFixed(12))
const hourOf = (time: DateTime.Utc) => Math.floor((DateTime.toEpochMillis(time) - START) / HOUR)

/** Makes a provider with faults. */
const makeSource = (
  name: string,
  isTable: boolean,
  faults: MarketFaults.MarketFaults
): RateSource["Service"] => {
  const rate = Effect.fnUntraced(function* (pair: CurrencyPair) {
    const observedAt = yield* DateTime.now
    const answer = faults.answerAt(pair, hourOf(observedAt))
    if (answer === undefined) {
      return yield* new ProviderError({ provider: name, pair, reason: new Unreachable({ detail: "down" }) })
    }
    const exact = decimal(answer.rate)
    const tick: RateTick = {
      pair,
      rate: exact,
      sourceAmount: BigDecimal.make(1n, 0),
      destinationAmount: exact,
      provider: name,
      providerRate: "",
      raw: "",
      observedAt,
      ...(answer.quotedHour !== undefined && {
        quotedAt: DateTime.makeUnsafe(START + answer.quotedHour * HOUR)
      }),
      ...(answer.dollars !== undefined && {
        legs: [
          {
            id: RateId.make("01980000-0000-7000-8000-000000000000"),
            pair: pairOf("EUR", "USD"),
            rate: decimal(answer.dollars),
            providerRate: ""
          }
        ]
      })
    }
    return tick
  })
  return { name, rate, ...(isTable && { recent: rate }) }
}

const within = (a: number, b: number, fraction: number) => Math.max(a, b) <= Math.min(a, b) * (1 + fraction)

/** Replays a year of hourly polls. */
const replay = Effect.fnUntraced(function* ({ operatorHours, providers, seed }: Deployment) {
  const random = makeRandom(seed)
  const market = Market.make(random)
  const faults = MarketFaults.make(
    market,
    PAIRS,
    providers.map(([, isTable]) => ({ isTable })),
    random
  )
  const database = MemoryGuard.make()
  const sources = providers.map(([name, isTable], index) => {
    const ofProvider = faults[index] ?? assert.fail("no faults")
    return makeSource(name, isTable, ofProvider)
  })
  const settings = TestSettings.layer({
    RATE_SOURCES: SOURCES.join(),
    RATE_DESTINATIONS: DESTINATIONS.join(),
    POLL_INTERVAL: "1 hour",
    GUARD_FIRST_RATE_FACTOR: "1000",
    PROVIDERS: providers.map(([name]) => name).join(),
    FLUTTERWAVE_SECRET_KEY: "FLWSECK-0123456789abcdef-X",
    FX_API_KEY: "0123456789abcdef0123456789abcdef"
  })
  const services = RateGuard.layerNoDeps.pipe(
    Layer.provide(AnomalyDetector.layerNoDeps),
    Layer.provide([
      database.layer,
      Layer.mock(RateProvider)({
        reference: (pair, excluded) =>
          Option.match(Option.fromUndefinedOr(sources.find(({ name }) => name !== excluded)), {
            onNone: () => Effect.succeedNone,
            onSome: ({ rate }) => Effect.option(rate(pair))
          }),
        health: Effect.die("unused")
      }),
      Layer.mock(Broadcaster)({
        publish: () => Effect.void,
        latest: () => undefined,
        contact: () => undefined,
        hasReached: () => false,
        initialEvents: () => [],
        snapshot: () => ({ _tag: "Snapshot", epoch: "1", sequence: 0, rates: database.snapshot() })
      })
    ]),
    Layer.provide(settings)
  )

  const figures = { polls: 0, served: 0, wrong: 0, furthest: 0, decisions: 0, refusedRight: 0 }
  /** Polls in a row without a right rate, by pair. */
  const waiting = new Map<string, number>()
  const longestWait = new Map<string, number>()

  /** Distance of a rate from the true rates of the last 7 days, as a fraction. */
  const distanceOf = (pair: CurrencyPair, hour: number, rate: number) => {
    let distance = Infinity
    for (let past = hour; past >= Math.max(0, hour - 168); past--) {
      const truth = market.rateAt(pair, past)
      distance = Math.min(distance, Math.max(rate, truth) / Math.min(rate, truth) - 1)
      if (distance < 0.02) break
    }
    return distance
  }

  /** An operator accepts a change after they have verified that it is true. One decision covers the currency. */
  const operate = Effect.fnUntraced(function* (hour: number) {
    for (const pair of PAIRS) {
      const pending = database.pending(pair.key)
      if (pending === undefined || (waiting.get(pair.key) ?? 0) < operatorHours) continue
      const { observedAt, rate } = pending.tick
      if (hourOf(observedAt) !== hour) continue
      if (!within(Number(BigDecimal.format(rate)), market.rateAt(pair, hour), 0.01)) continue
      yield* database.accept(pending.id, { by: "operator", principal: "key_1", reason: null })
      figures.decisions++
      return
    }
  })

  yield* Effect.gen(function* () {
    const guard = yield* RateGuard
    /** Returns when one of the providers has a rate that the guard admits, or none has. */
    const poll = Effect.fnUntraced(function* (pair: CurrencyPair, siblings: PollSiblings.PollSiblings) {
      const origin = { isPoll: true, poll: Option.none(), siblings }
      for (const { rate } of sources) {
        const admitted = yield* Effect.option(
          Effect.flatMap(rate(pair), (tick) => guard.admit(tick, database.store(tick), origin))
        )
        if (Option.isSome(admitted)) break
      }
      yield* siblings.arrive(pair)
    })
    for (let hour = 0; hour < Market.HOURS; hour++) {
      yield* TestClock.setTime(START + hour * HOUR)
      const siblings = yield* PollSiblings.make(PAIRS)
      yield* Effect.forEach(PAIRS, (pair) => poll(pair, siblings), {
        concurrency: "unbounded",
        discard: true
      })
      for (const pair of PAIRS) {
        figures.polls++
        const latest = database.latest(pair.key)
        const truth = market.rateAt(pair, hour)
        const isNew = latest !== undefined && hourOf(latest.observedAt) === hour
        const rate = latest === undefined ? Number.NaN : Number(BigDecimal.format(latest.rate))
        if (isNew) {
          figures.served++
          const distance = distanceOf(pair, hour, rate)
          figures.furthest = Math.max(figures.furthest, distance)
          if (distance > WRONG) figures.wrong++
        }
        const isRight = isNew && within(rate, truth, 0.05)
        const isRightAnswered = faults.some((faulty) => !faulty.isFaulty(pair, hour))
        if (isRight || !isRightAnswered) {
          if (isRight) waiting.delete(pair.key)
          continue
        }
        figures.refusedRight++
        const wait = (waiting.get(pair.key) ?? 0) + 1
        waiting.set(pair.key, wait)
        for (const { currency, hour: start, name } of market.events) {
          if (pair.to === currency && hour >= start && hour < start + 30 * 24) {
            longestWait.set(name, Math.max(wait, longestWait.get(name) ?? 0))
          }
        }
      }
      if (operatorHours < Infinity) yield* operate(hour)
    }
  }).pipe(Effect.provide([services, Logger.layer([])]), Effect.withTracerEnabled(false))
  const faultCount = faults.flatMap(({ count }) => Array.from(count.values())).reduce((a, b) => a + b, 0)
  return {
    ...figures,
    faults: faultCount,
    longestWait: Object.fromEntries(market.events.map(({ name }) => [name, longestWait.get(name) ?? 0]))
  }
})

describe("Simulation of a year of hourly polls", () => {
  for (const deployment of DEPLOYMENTS)
    it.effect(
      `serves no wrong rate with ${deployment.name}`,
      () =>
        Effect.gen(function* () {
          const figures = yield* replay(deployment)
          yield* Effect.logInfo(JSON.stringify(figures))
          assert.strictEqual(figures.wrong, 0)
          // Right rates are served, and each event gets through.
          assert.isAbove(figures.served, figures.polls * 0.6)
          for (const [event, polls] of Object.entries(figures.longestWait)) assert.isAtMost(polls, 72, event)
        }),
      600_000
    )
})
