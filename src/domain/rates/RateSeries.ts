import { BigDecimal, Option } from "effect"
import type { AssetPair } from "../money/AssetPair.ts"
import * as Decimal from "../money/Decimal.ts"
import { isInverse, isWithin } from "./AnomalyChecks.ts"
import * as ApproximateRates from "./ApproximateRates.ts"

/** A rate of a pair, at a position in the order of time. */
export interface SeriesRate {
  readonly position: number
  /** Epoch milliseconds. */
  readonly at: number
  readonly rate: BigDecimal.BigDecimal
  /** The rate is stored already. New rates are judged by it. */
  readonly isStored: boolean
}

/** Consecutive rates that do not fit the rates around them. */
export interface Outliers {
  readonly firstPosition: number
  readonly lastPosition: number
  /** Range in which the rates would fit. */
  readonly low: BigDecimal.BigDecimal
  readonly high: BigDecimal.BigDecimal
}

/** Rates that follow each other without a break. */
interface Segment {
  readonly first: SeriesRate
  last: SeriesRate
  /** Number of new rates. */
  added: number
  /** Number of stored rates. */
  stored: number
  /** Number of rates that are far from the approximate rate of the pair. */
  implausible: number
}

const ONE = BigDecimal.make(1n, 0)
const DAY_MILLIS = 24 * 60 * 60 * 1000
const YEAR_MILLIS = 365 * DAY_MILLIS

/** Changes up to this are continuous without further checks. */
const SMALL_CHANGE = BigDecimal.make(2n, 2)
/** Time in which a rate does not cross parity, so that the inverse of the previous rate is an error. */
const INVERSION_MILLIS = 7 * DAY_MILLIS
/** Weight of a stored rate, in new rates. */
const STORED_WEIGHT = 1000
/** New rates that a change of level needs behind it. With fewer, it counts as an error. */
const SHIFT_COST = 3
/** Earlier segments to which a segment may connect, besides the best one. */
const MAX_LOOKBACK = 20

/** Time of the approximate rates. */
const APPROXIMATE_AT = Date.UTC(2026, 10, 1)
/** Maximum factor between a rate and the approximate rate at that time. */
const MAX_APPROXIMATE_FACTOR = BigDecimal.make(10n, 0)
/** Growth of that factor per year before. */
const APPROXIMATE_GROWTH = BigDecimal.make(15n, 1)

/** Returns the largest change of level, as a fraction: a factor of 3, doubled for each year between the rates. */
const maxShift = (gapMillis: number) =>
  BigDecimal.make(3n * 2n ** BigInt(Math.floor(gapMillis / YEAR_MILLIS)) - 1n, 0)

/** Returns the change that needs no support: `maxJump` and the same again per day, up to a change of level. */
const maxContinuousChange = (maxJump: BigDecimal.BigDecimal, gapMillis: number) => {
  const days = Decimal.quotient(
    BigDecimal.make(BigInt(gapMillis), 0),
    BigDecimal.make(BigInt(DAY_MILLIS), 0),
    6
  )
  return BigDecimal.min(BigDecimal.multiply(maxJump, BigDecimal.sum(ONE, days)), maxShift(gapMillis))
}

const gapOf = (previous: SeriesRate, next: SeriesRate) => next.at - previous.at

const isContinuous = (maxJump: BigDecimal.BigDecimal, previous: SeriesRate, next: SeriesRate) => {
  if (isWithin(previous.rate, next.rate, SMALL_CHANGE)) return true
  const gap = gapOf(previous, next)
  if (gap <= INVERSION_MILLIS && isInverse(next.rate, previous.rate)) return false
  return isWithin(previous.rate, next.rate, maxContinuousChange(maxJump, gap))
}

/** Returns the cost of a step in new rates: none if it is continuous, undefined if it is too large for a change of level. */
const stepCost = (maxJump: BigDecimal.BigDecimal, previous: SeriesRate, next: SeriesRate) => {
  if (isContinuous(maxJump, previous, next)) return 0
  return isWithin(previous.rate, next.rate, maxShift(gapOf(previous, next))) &&
    !isInverse(next.rate, previous.rate)
    ? SHIFT_COST
    : undefined
}

/** Returns the factor by which a rate may differ from the approximate one. Earlier rates may differ more. */
const approximateFactor = (at: number) => {
  const years = Math.max(0, Math.ceil((APPROXIMATE_AT - at) / YEAR_MILLIS))
  for (let year = approximateFactors.length; year <= years; year++) {
    approximateFactors.push(
      BigDecimal.multiply(approximateFactors[year - 1] ?? MAX_APPROXIMATE_FACTOR, APPROXIMATE_GROWTH)
    )
  }
  return approximateFactors[years] ?? MAX_APPROXIMATE_FACTOR
}
const approximateFactors = [MAX_APPROXIMATE_FACTOR]

/**
 * Judges the series of one pair by the rates before and after, and by the approximate rate of the pair. The rates that
 * fit are the largest part of the series without a step that is too large; stored rates count a thousandfold. A change of
 * level by up to a factor of three fits if more than three rates support it, an inversion or a slipped decimal point never.
 *
 * `maxJump` is the largest change, as a fraction, within a day. Add the rates in the order of time, at most one per time.
 */
export const make = (pair: AssetPair, maxJump: BigDecimal.BigDecimal) => {
  const approximate = Option.getOrUndefined(ApproximateRates.magnitudeOf(pair))
  const segments: Array<Segment> = []

  const isImplausible = ({ at, rate }: SeriesRate) =>
    approximate !== undefined && !isWithin(rate, approximate, BigDecimal.subtract(approximateFactor(at), ONE))

  const add = (rate: SeriesRate) => {
    let segment = segments.at(-1)
    if (segment === undefined || !isContinuous(maxJump, segment.last, rate)) {
      segment = { first: rate, last: rate, added: 0, stored: 0, implausible: 0 }
      segments.push(segment)
    }
    segment.last = rate
    if (rate.isStored) segment.stored += 1
    else segment.added += 1
    if (isImplausible(rate)) segment.implausible += 1
  }

  /** Returns the segments that fit, with the most rates. */
  const fittingSegments = () => {
    const chains: Array<{ readonly score: number; readonly previous: number | undefined }> = []
    let best: number | undefined
    const scoreOf = (index: number | undefined) =>
      index === undefined ? 0 : (chains[index]?.score ?? Number.NEGATIVE_INFINITY)
    for (const [index, segment] of segments.entries()) {
      const { added, implausible, stored } = segment
      const candidates = [best, ...Array.from({ length: MAX_LOOKBACK }, (_, back) => index - 1 - back)]
      let [score, previous] = [0, undefined as number | undefined]
      for (const candidate of candidates) {
        const earlier = candidate === undefined ? undefined : segments[candidate]
        if (earlier === undefined) continue
        const cost = stepCost(maxJump, earlier.last, segment.first)
        if (cost === undefined || scoreOf(candidate) - cost <= score) continue
        ;[score, previous] = [scoreOf(candidate) - cost, candidate]
      }
      const isRejected = stored === 0 && implausible * 2 > added
      score = isRejected ? Number.NEGATIVE_INFINITY : score + added + stored * STORED_WEIGHT
      chains.push({ score, previous })
      if (!isRejected && (best === undefined || score > scoreOf(best))) best = index
    }
    const fitting = new Set<Segment>()
    for (let index = best; index !== undefined; index = chains[index]?.previous) {
      const segment = segments[index]
      if (segment !== undefined) fitting.add(segment)
    }
    return fitting
  }

  const expectedRange = (segment: Segment, before: SeriesRate | undefined, after: SeriesRate | undefined) => {
    const ranges = [
      before === undefined
        ? undefined
        : around(
            before.rate,
            BigDecimal.sum(ONE, maxContinuousChange(maxJump, gapOf(before, segment.first)))
          ),
      after === undefined
        ? undefined
        : around(after.rate, BigDecimal.sum(ONE, maxContinuousChange(maxJump, gapOf(segment.last, after))))
    ].filter((range) => range !== undefined)
    const [first, second] = ranges
    if (first === undefined)
      return around(approximate ?? segment.first.rate, approximateFactor(segment.first.at))
    if (second === undefined) return first
    const [low, high] = [BigDecimal.max(first.low, second.low), BigDecimal.min(first.high, second.high)]
    return BigDecimal.isLessThanOrEqualTo(low, high)
      ? { low, high }
      : { low: BigDecimal.min(first.low, second.low), high: BigDecimal.max(first.high, second.high) }
  }

  /** Returns the outliers among the new rates, in the order of time. */
  const outliers = (): ReadonlyArray<Outliers> => {
    const fitting = fittingSegments()
    const following: Array<SeriesRate | undefined> = []
    let after: SeriesRate | undefined
    for (const segment of segments.toReversed()) {
      following.push(after)
      if (fitting.has(segment)) after = segment.first
    }
    following.reverse()
    const found: Array<Outliers> = []
    let before: SeriesRate | undefined
    for (const [index, segment] of segments.entries()) {
      if (fitting.has(segment)) before = segment.last
      else if (segment.added > 0) {
        found.push({
          firstPosition: segment.first.position,
          lastPosition: segment.last.position,
          ...expectedRange(segment, before, following[index])
        })
      }
    }
    return found
  }

  return { add, outliers }
}

const around = (rate: BigDecimal.BigDecimal, factor: BigDecimal.BigDecimal) => ({
  low: Decimal.quotient(rate, factor, 4),
  high: Decimal.quotient(BigDecimal.multiply(rate, factor), ONE, 4)
})
