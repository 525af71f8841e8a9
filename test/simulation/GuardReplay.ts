import { BigDecimal, DateTime, Effect, Layer, Logger, Option } from "effect"
import { TestClock } from "effect/testing"
import type { AssetPair } from "../../src/domain/money/AssetPair.ts"
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
const START = Date.UTC(2022, 0, 1)
const HOUR = 3_600_000
const WEEK = 7 * 24
const MONTH = 30 * 24

/** Defaults of `GUARD_MAX_JUMP` and `GUARD_MAX_DEVIATION`, and the largest move that a cross-check ignores. */
const MAX_JUMP = 0.2
const MAX_DEVIATION = 0.1
const SMALL_MOVE = MAX_DEVIATION / 4

export interface Deployment {
  readonly name: string
  /** Providers in the order of failover; true for those that send tables with the time of their quotes. */
  readonly providers: ReadonlyArray<readonly [name: "flutterwave" | "fixer", isTable: boolean]>
  /** Hours after which an operator decides about a true change; infinity if there is no operator. */
  readonly operatorHours: number
}

export const NO_QUOTE_TIMES: Deployment = {
  name: "one provider without quote times",
  providers: [["flutterwave", false]],
  operatorHours: 8
}

export const QUOTE_TIMES: Deployment = {
  name: "one provider with quote times",
  providers: [["fixer", true]],
  operatorHours: 48
}

export const TWO_PROVIDERS: Deployment = {
  name: "two providers",
  providers: [
    ["flutterwave", false],
    ["fixer", true]
  ],
  operatorHours: Infinity
}

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
  const rate = Effect.fnUntraced(function* (pair: AssetPair) {
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

interface Scope {
  readonly destinations: ReadonlyArray<string>
  readonly seed: number
  /** First days of the year; all by default. */
  readonly days?: number
}

/**
 * Replays a year of hourly polls of the pairs from USD and EUR into some currencies. Counts the wrong rates that were
 * served, which are further from all recent true rates than the guard promises, and the rates beyond its limits.
 */
export const replay = Effect.fnUntraced(function* (
  { operatorHours, providers }: Deployment,
  { days = 365, destinations, seed }: Scope
) {
  const pairs = SOURCES.flatMap((from) => destinations.map((to) => pairOf(from, to)))
  const random = makeRandom(seed)
  const market = Market.make(random)
  const faults = MarketFaults.make(
    market,
    pairs,
    providers.map(([, isTable]) => ({ isTable })),
    random
  )
  const events = market.events.filter(
    ({ currency, hour }) => destinations.includes(currency) && hour < days * 24
  )
  const database = MemoryGuard.make()
  const sources = providers.map(([name, isTable], index) => {
    const ofProvider = faults[index]
    if (ofProvider === undefined) throw new Error("no faults")
    return makeSource(name, isTable, ofProvider)
  })
  const settings = TestSettings.layer({
    RATE_SOURCES: SOURCES.join(),
    RATE_DESTINATIONS: destinations.join(),
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

  const figures = {
    polls: 0,
    served: 0,
    wrong: 0,
    beyondLimits: 0,
    furthest: 0,
    decisions: 0,
    refusedRight: 0
  }
  /** Polls in a row without a right rate, by pair. */
  const waiting = new Map<string, number>()
  const longestWait = new Map<string, number>()

  /** Served rates by pair, with their hours. */
  const history = new Map(pairs.map(({ key }) => [key, new Array<readonly [hour: number, rate: number]>()]))

  /** Returns true if a rate of the only provider differs too much from the starts of both windows. */
  const isBeyondLimits = (pair: AssetPair, hour: number, rate: number) => {
    const accepted = database.acceptedAt(pair.key)
    const earliest = accepted === undefined ? 0 : hourOf(accepted)
    const past = history.get(pair.key) ?? []
    const week = past.findLast(([at]) => at >= earliest && at <= Math.max(hour - WEEK, earliest))
    const month = past.find(([at]) => at >= earliest && at > hour - MONTH)
    return [week, month].some((found) => found !== undefined && !within(rate, found[1], MAX_JUMP + 1e-9))
  }

  /** Distance of a rate from the true rates since an hour, as a fraction. */
  const distanceOf = (pair: AssetPair, hour: number, rate: number, since: number) => {
    let distance = Infinity
    for (let past = hour; past >= Math.max(0, since); past--) {
      const truth = market.rateAt(pair, past)
      distance = Math.min(distance, Math.max(rate, truth) / Math.min(rate, truth) - 1)
      if (distance < 0.02) break
    }
    return distance
  }

  /** An operator accepts a change after they have verified that it is true. One decision covers the currency. */
  const operate = Effect.fnUntraced(function* (hour: number) {
    for (const pair of pairs) {
      const pending = database.pending(pair.key)
      if (pending === undefined || (waiting.get(pair.key) ?? 0) < operatorHours) continue
      const { observedAt, rate } = pending.tick
      if (hourOf(observedAt) !== hour) continue
      if (!within(Number(BigDecimal.format(rate)), market.rateAt(pair, hour), 0.01)) continue
      yield* database.accept(pending.id, { by: "operator", principal: "key_1", reason: null })
      history.get(pair.key)?.push([hour, Number(BigDecimal.format(rate))])
      figures.decisions++
      return
    }
  })

  yield* Effect.gen(function* () {
    const guard = yield* RateGuard
    /** Returns when one of the providers has a rate that the guard admits, or none has. */
    const poll = Effect.fnUntraced(function* (pair: AssetPair, siblings: PollSiblings.PollSiblings) {
      const origin = { isPoll: true, poll: Option.none(), siblings }
      for (const { rate } of sources) {
        const admitted = yield* Effect.option(
          Effect.flatMap(rate(pair), (tick) => guard.admit(tick, database.store(tick), origin))
        )
        if (Option.isSome(admitted)) break
      }
      yield* siblings.arrive(pair)
    })
    for (let hour = 0; hour < days * 24; hour++) {
      yield* TestClock.setTime(START + hour * HOUR)
      const siblings = yield* PollSiblings.make(pairs)
      yield* Effect.forEach(pairs, (pair) => poll(pair, siblings), {
        concurrency: "unbounded",
        discard: true
      })
      for (const pair of pairs) {
        figures.polls++
        const latest = database.latest(pair.key)
        const truth = market.rateAt(pair, hour)
        const isNew = latest !== undefined && hourOf(latest.observedAt) === hour
        const rate = latest === undefined ? Number.NaN : Number(BigDecimal.format(latest.rate))
        if (isNew) {
          figures.served++
          if (providers.length === 1 && isBeyondLimits(pair, hour, rate)) figures.beyondLimits++
          history.get(pair.key)?.push([hour, rate])
          const isRightAnswered = faults.some((faulty) => !faulty.isFaulty(pair, hour))
          const distance = distanceOf(pair, hour, rate, hour - WEEK)
          figures.furthest = Math.max(figures.furthest, distance)
          // Another provider that is right limits the distance from it; otherwise, only the long window does.
          const isWrong =
            providers.length > 1 && isRightAnswered
              ? distance > (1 + MAX_DEVIATION) * (1 + SMALL_MOVE) - 1
              : distance > MAX_JUMP && distanceOf(pair, hour, rate, hour - MONTH) > MAX_JUMP
          if (isWrong) figures.wrong++
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
        for (const { currency, hour: start, name } of events) {
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
    longestWait: Object.fromEntries(events.map(({ name }) => [name, longestWait.get(name) ?? 0]))
  }
})
