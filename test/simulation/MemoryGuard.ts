import { type BigDecimal, DateTime, Duration, Effect, Layer, Option } from "effect"
import { isWithin } from "../../src/domain/rates/AnomalyChecks.ts"
import type { Step } from "../../src/domain/rates/AnomalyLevels.ts"
import { type DecidedBy, type DecisionDetails, QuarantineId } from "../../src/domain/rates/QuarantinedRate.ts"
import type { Rate, RateTick } from "../../src/domain/rates/Rate.ts"
import * as RateIds from "../../src/domain/rates/RateIds.ts"
import {
  type CurrencyDecision,
  LEVEL_WINDOW,
  MAX_LEVEL_AGE,
  RateLevelRepo
} from "../../src/rates/guard/RateLevelRepo.ts"
import { QuarantineDecisionRepo } from "../../src/rates/guard/QuarantineDecisionRepo.ts"
import { type NewQuarantined, QuarantineRepo } from "../../src/rates/guard/QuarantineRepo.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"

interface QuarantinedRow extends NewQuarantined {
  readonly id: QuarantineId
  readonly streak: QuarantineId
  decidedBy: DecidedBy | undefined
  principal: string | null
  rate: Rate | undefined
}

/** Rates and quarantined ticks of one pair, in the order of their observation. */
interface PairHistory {
  readonly rates: Array<Rate>
  readonly byProvider: Map<string, Array<Rate>>
  readonly quarantined: Array<QuarantinedRow>
  readonly lastQuarantined: Map<string, QuarantinedRow>
  lastAccepted: QuarantinedRow | undefined
  lastAcceptedByOperator: QuarantinedRow | undefined
}

/** Index of the first rate after a time. */
const firstAfter = (rates: ReadonlyArray<Rate>, time: DateTime.Utc) => {
  const millis = DateTime.toEpochMillis(time)
  let [low, high] = [0, rates.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const rate = rates[middle]
    if (rate !== undefined && DateTime.toEpochMillis(rate.observedAt) <= millis) low = middle + 1
    else high = middle
  }
  return low
}

/** Creates the tables of the guard in memory, with the queries of PostgreSQL, for simulations that are too long for it. */
export const make = () => {
  const histories = new Map<string, PairHistory>()
  const byId = new Map<string, QuarantinedRow>()
  const decisions: Array<QuarantinedRow> = []
  const legs = new Map<string, BigDecimal.BigDecimal>()
  let latestRates: ReadonlyArray<Rate> | undefined
  let count = 0

  const historyOf = ({ pair }: Pick<RateTick, "pair">) => {
    const existing = histories.get(pair.key)
    if (existing !== undefined) return existing
    const created: PairHistory = {
      rates: [],
      byProvider: new Map(),
      quarantined: [],
      lastQuarantined: new Map(),
      lastAccepted: undefined,
      lastAcceptedByOperator: undefined
    }
    histories.set(pair.key, created)
    return created
  }

  const ratesOf = ({ byProvider }: PairHistory, provider: string) => {
    const rates = byProvider.get(provider) ?? []
    byProvider.set(provider, rates)
    return rates
  }

  const store = (tick: RateTick) =>
    Effect.map(DateTime.now, (now): Rate => {
      const { observedAt, pair, provider, quotedAt, rate } = tick
      const id = RateIds.make(observedAt, now, count++)
      const stored: Rate = { id, pair, provider, rate, observedAt, ...(quotedAt && { quotedAt }) }
      const history = historyOf(tick)
      history.rates.push(stored)
      latestRates = undefined
      ratesOf(history, provider).push(stored)
      for (const leg of tick.legs ?? []) legs.set(`${provider} ${leg.pair.key}`, leg.rate)
      return stored
    })

  /** Levels of the last 30 days. The windows start a while ago, but not before the last accepted rate. */
  const levelOf = (rates: ReadonlyArray<Rate>, now: DateTime.Utc, accepted: DateTime.Utc | undefined) => {
    const earliest = DateTime.subtractDuration(now, MAX_LEVEL_AGE)
    const inForce = (time: DateTime.Utc) => {
      const start = accepted === undefined ? time : DateTime.max(time, accepted)
      const rate = rates[Math.max(0, firstAfter(rates, start) - 1)]
      return rate !== undefined && DateTime.isLessThanOrEqualTo(rate.observedAt, earliest)
        ? rates[firstAfter(rates, earliest)]
        : rate
    }
    const last = rates.at(-1)
    const anchor = inForce(DateTime.subtractDuration(now, LEVEL_WINDOW))
    const oldest = inForce(earliest)
    if (last === undefined || anchor === undefined || oldest === undefined) return Option.none()
    return Option.some({
      last: last.rate,
      anchor: anchor.rate,
      anchorAt: anchor.observedAt,
      oldest: oldest.rate,
      oldestAt: oldest.observedAt
    })
  }

  const levels: RateLevelRepo["Service"]["levels"] = (tick) =>
    Effect.map(DateTime.now, (now) => {
      const history = historyOf(tick)
      const { lastAccepted, rates } = history
      const accepted = lastAccepted?.tick.observedAt
      const own = ratesOf(history, tick.provider)
      const lastOwn = own.at(-1)
      const next =
        lastOwn === undefined || lastOwn === rates.at(-1) ? undefined : rates[rates.lastIndexOf(lastOwn) + 1]
      const fallback =
        lastOwn !== undefined &&
        next !== undefined &&
        Duration.isLessThanOrEqualTo(DateTime.distance(lastOwn.observedAt, next.observedAt), Duration.days(1))
          ? next
          : undefined
      const byOperator = Option.filter(Option.fromUndefinedOr(history.lastAcceptedByOperator), ({ tick }) =>
        Duration.isLessThan(DateTime.distance(tick.observedAt, now), Duration.days(1))
      )
      return {
        all: levelOf(rates, now, accepted),
        own: levelOf(own, now, accepted),
        fallback: Option.map(Option.fromUndefinedOr(fallback), ({ rate }) => rate),
        accepted: Option.flatMap(byOperator, ({ rate }) => Option.fromUndefinedOr(rate?.rate))
      }
    })

  const largeSteps: RateLevelRepo["Service"]["largeSteps"] = (tick, isOwn, since, minimum) =>
    Effect.sync(() => {
      const { quarantined, rates } = historyOf(tick)
      const good = rates
        .slice(Math.max(0, firstAfter(rates, since) - 1))
        .filter(({ provider }) => !isOwn || provider === tick.provider)
      const last = good.at(-1)
      const start =
        last === undefined
          ? 0
          : quarantined.findLastIndex(({ tick }) => DateTime.isLessThan(tick.observedAt, last.observedAt))
      const refused = quarantined
        .slice(Math.max(0, start))
        .filter(
          ({ rate, tick: { observedAt, provider } }) =>
            rate === undefined &&
            provider === tick.provider &&
            last !== undefined &&
            DateTime.isGreaterThan(observedAt, last.observedAt)
        )
      const ticks = [...good, ...refused.map(({ tick }) => tick), tick].map(({ rate }) => rate)
      return ticks
        .slice(1)
        .map((to, index): Step => ({ from: ticks[index] ?? to, to }))
        .filter(({ from, to }) => !isWithin(from, to, minimum))
    })

  const currencyDecisions: RateLevelRepo["Service"]["currencyDecisions"] = ({ pair }) =>
    Effect.map(DateTime.now, (now) =>
      decisions
        .filter(
          ({ tick }) =>
            [pair.from, pair.to].includes(tick.pair.to) &&
            ![pair.from, pair.to].includes(tick.pair.from) &&
            Duration.isLessThan(DateTime.distance(tick.observedAt, now), LEVEL_WINDOW)
        )
        .map(({ lastGoodId, principal, rate, tick }): CurrencyDecision => ({
          pair: tick.pair,
          rate: rate?.rate ?? tick.rate,
          before: Option.map(
            Option.fromUndefinedOr(historyOf(tick).rates.find(({ id }) => id === lastGoodId)),
            (good) => good.rate
          ),
          observedAt: tick.observedAt,
          principal: principal ?? ""
        }))
        .toReversed()
    )

  const latestOfProvider: QuarantineRepo["Service"]["latestOfProvider"] = (tick) =>
    Effect.sync(() => {
      const history = historyOf(tick)
      const lastGood = ratesOf(history, tick.provider).at(-1)
      const last = history.lastQuarantined.get(tick.provider)
      return Option.map(Option.fromUndefinedOr(last), (row) => ({
        streakId: row.streak,
        rate: row.tick.rate,
        observedAt: row.tick.observedAt,
        agreeing: row.agreeing,
        status: row.rate === undefined ? ("pending" as const) : ("accepted" as const),
        isStreakRejected: false,
        isInterrupted:
          lastGood !== undefined && DateTime.isGreaterThan(lastGood.observedAt, row.tick.observedAt)
      }))
    })

  const insert: QuarantineRepo["Service"]["insert"] = (quarantined) =>
    Effect.map(DateTime.now, (now) => {
      const id = QuarantineId.make(RateIds.make(quarantined.tick.observedAt, now, count++))
      const streak = Option.getOrElse(quarantined.streakId, () => id)
      const undecided = { decidedBy: undefined, principal: null, rate: undefined }
      const row: QuarantinedRow = { ...quarantined, id, streak, ...undecided }
      const history = historyOf(quarantined.tick)
      history.quarantined.push(row)
      history.lastQuarantined.set(quarantined.tick.provider, row)
      byId.set(id, row)
      return id
    })

  const evidenceOf: QuarantineRepo["Service"]["evidenceOf"] = (id, tolerance) =>
    Effect.sync(() => {
      const row = byId.get(id)
      if (row === undefined) throw new Error("no such row")
      const { quarantined } = historyOf(row.tick)
      const streak = quarantined
        .slice(quarantined.findIndex((same) => same.id === row.streak))
        .filter((same) => same.streak === row.streak)
      const far = streak.findLastIndex(({ tick }) => !isWithin(tick.rate, row.tick.rate, tolerance))
      const near = streak.slice(far + 1)
      const quotes = near.flatMap(({ tick }) =>
        tick.quotedAt ? [DateTime.toEpochMillis(tick.quotedAt)] : []
      )
      return { quotes: new Set(quotes).size, since: near[0]?.tick.observedAt ?? row.tick.observedAt }
    })

  const accept = Effect.fnUntraced(function* (id: QuarantineId, details: DecisionDetails) {
    const row = byId.get(id)
    if (row === undefined || row.rate !== undefined) return Option.none<Rate>()
    const rate = yield* store(row.tick)
    const history = historyOf(row.tick)
    history.lastAccepted = row
    if (details.by === "operator") history.lastAcceptedByOperator = row
    for (const same of history.quarantined) {
      if (same.streak !== row.streak || same.rate !== undefined) continue
      same.rate = rate
      same.decidedBy = details.by
      same.principal = details.principal
    }
    if (details.by === "operator") decisions.push(row)
    return Option.some(rate)
  })

  const latest = (key: string) => histories.get(key)?.rates.at(-1)

  const layer = Layer.mergeAll(
    Layer.mock(RateRepo, {
      insert: store,
      latest: ({ key }) => Effect.sync(() => Option.fromUndefinedOr(latest(key))),
      latestAll: Effect.succeed([])
    }),
    Layer.mock(RateLevelRepo, {
      levels,
      largeSteps,
      currencyDecisions,
      lastLegs: (tick) =>
        Effect.sync(() =>
          (tick.legs ?? []).map((leg) => ({
            leg,
            last: Option.fromUndefinedOr(legs.get(`${tick.provider} ${leg.pair.key}`))
          }))
        ),
      unchangedSince: () => Effect.succeedNone
    }),
    Layer.mock(QuarantineDecisionRepo, { accept }),
    Layer.mock(QuarantineRepo, { latestOfProvider, evidenceOf, insert })
  )

  return {
    layer,
    store,
    latest,
    /** Latest rate of every pair. */
    snapshot: (): ReadonlyArray<Rate> =>
      (latestRates ??= Array.from(histories.values()).flatMap(({ rates }) => rates.at(-1) ?? [])),
    /** Last pending tick of a pair. */
    pending: (key: string) => {
      const last = histories.get(key)?.quarantined.at(-1)
      return last?.rate === undefined ? last : undefined
    },
    /** Time of the last tick of a pair that was accepted from the quarantine. */
    acceptedAt: (key: string) => histories.get(key)?.lastAccepted?.tick.observedAt,
    accept
  }
}

export type MemoryGuard = ReturnType<typeof make>
