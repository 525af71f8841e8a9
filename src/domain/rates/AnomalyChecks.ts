import { BigDecimal, DateTime, Duration, Option } from "effect"
import { type CurrencyPair, keyOf } from "../money/CurrencyPair.ts"
import * as Decimal from "../money/Decimal.ts"
import * as ApproximateRates from "./ApproximateRates.ts"
import type { Rate, RateTick } from "./Rate.ts"
import type { RateAnomaly } from "./RateAnomaly.ts"

const ONE = BigDecimal.make(1n, 0)

/** Returns true if the larger of two rates exceeds the smaller by at most the fraction `allowed`. */
export const isWithin = (
  a: BigDecimal.BigDecimal,
  b: BigDecimal.BigDecimal,
  allowed: BigDecimal.BigDecimal
): boolean =>
  BigDecimal.isLessThanOrEqualTo(
    BigDecimal.max(a, b),
    BigDecimal.multiply(BigDecimal.min(a, b), BigDecimal.sum(ONE, allowed))
  )

/** Returns the allowed change from a rate of the given age. It grows by `maxJump` per day. */
export const allowedJump = (
  maxJump: BigDecimal.BigDecimal,
  age: Duration.Duration
): BigDecimal.BigDecimal => {
  const seconds = Math.floor(Duration.toSeconds(age))
  if (seconds === 0) return maxJump
  const days = Decimal.quotient(BigDecimal.make(BigInt(seconds), 0), BigDecimal.make(86_400n, 0), 6)
  return BigDecimal.multiply(maxJump, BigDecimal.sum(ONE, days))
}

/** Maximum change (as a fraction) that agreeing ticks can confirm. Larger changes need an operator. */
const MAX_CONFIRMABLE_CHANGE = BigDecimal.make(9n, 0)

/** Returns true if agreeing ticks can confirm the rate, and false if an operator must decide. */
export const isConfirmable = (
  anomalies: ReadonlyArray<RateAnomaly>,
  rate: BigDecimal.BigDecimal,
  last: Option.Option<Rate>
): boolean =>
  anomalies.every(({ reason }) => reason === "jump" || reason === "triangle" || reason === "disagrees") &&
  Option.match(last, {
    onNone: () => true,
    onSome: (good) => isWithin(rate, good.rate, MAX_CONFIRMABLE_CHANGE)
  })

/** Tolerance around the inverse of the last good rate within which a rate counts as inverted. */
const INVERSE_TOLERANCE = BigDecimal.make(5n, 2)

/** Detects a change from the last good rate that is too large, and whether it looks like an inversion. */
export const detectJump = (
  rate: BigDecimal.BigDecimal,
  last: Rate,
  allowed: BigDecimal.BigDecimal
): ReadonlyArray<RateAnomaly> => {
  if (isWithin(rate, last.rate, allowed)) return []
  const jump: RateAnomaly = { reason: "jump", against: last.rate, allowed }
  const inversion: RateAnomaly = { reason: "inverted", against: last.rate }
  return isWithin(BigDecimal.multiply(rate, last.rate), ONE, INVERSE_TOLERANCE) ? [inversion, jump] : [jump]
}

/** Tolerance around the approximate rate of a pair. Wide, because the approximation may be years out of date. */
const APPROXIMATION_TOLERANCE = BigDecimal.make(29n, 0)

/** Detects an inverted first rate of a pair, by comparison with its approximate rate. */
export const detectInversion = (
  rate: BigDecimal.BigDecimal,
  pair: CurrencyPair
): ReadonlyArray<RateAnomaly> => {
  const magnitude = Option.getOrUndefined(ApproximateRates.magnitudeOf(pair))
  if (magnitude === undefined || isWithin(rate, magnitude, APPROXIMATION_TOLERANCE)) return []
  // On a logarithmic scale, a rate and its inverse lie on opposite sides of 1.
  const isOnOppositeSide =
    (BigDecimal.isGreaterThan(magnitude, ONE) && BigDecimal.isLessThan(rate, ONE)) ||
    (BigDecimal.isLessThan(magnitude, ONE) && BigDecimal.isGreaterThan(rate, ONE))
  return isOnOppositeSide ? [{ reason: "inverted", against: magnitude }] : []
}

const MAX_QUOTE_AGE = Duration.days(7)
/** Tolerance for clock skew. */
const MAX_CLOCK_SKEW = Duration.minutes(5)

/** Detects a rate that was quoted too long ago, or in the future. */
export const detectOutdated = (
  { observedAt, quotedAt }: Pick<RateTick, "observedAt" | "quotedAt">,
  now: DateTime.Utc
): ReadonlyArray<RateAnomaly> => {
  const latest = DateTime.addDuration(now, MAX_CLOCK_SKEW)
  const earliest = DateTime.subtractDuration(now, MAX_QUOTE_AGE)
  const at = [...(quotedAt === undefined ? [] : [quotedAt]), observedAt].find((time) =>
    DateTime.isGreaterThan(time, latest)
  )
  if (at !== undefined) return [{ reason: "outdated", at }]
  return quotedAt !== undefined && DateTime.isLessThan(quotedAt, earliest)
    ? [{ reason: "outdated", at: quotedAt }]
    : []
}

/** Minimum number of cross rates. With fewer, it is unclear which rate is wrong. */
const MIN_CROSS_RATES = 3

/**
 * Computes the cross rate of a pair from other pairs: S→D = S'→D × S→D' / S'→D'. Returns the median over all other
 * sources and destinations, which is robust against single wrong rates.
 */
export const impliedRate = (
  pair: CurrencyPair,
  rates: ReadonlyArray<Rate>
): Option.Option<{ readonly rate: BigDecimal.BigDecimal; readonly routes: number }> => {
  const byPair = new Map(rates.map((rate) => [rate.pair.key, rate.rate]))
  const sameDestination = rates.filter((rate) => rate.pair.to === pair.to && rate.pair.from !== pair.from)
  const sameSource = rates.filter((rate) => rate.pair.from === pair.from && rate.pair.to !== pair.to)
  const routes = sameDestination
    .flatMap((first) =>
      sameSource.flatMap((second) => {
        const between = byPair.get(keyOf(first.pair.from, second.pair.to))
        return between === undefined
          ? []
          : [Decimal.quotient(BigDecimal.multiply(first.rate, second.rate), between)]
      })
    )
    .toSorted(BigDecimal.Order)
  const median = routes[Math.floor(routes.length / 2)]
  return median === undefined || routes.length < MIN_CROSS_RATES
    ? Option.none()
    : Option.some({ rate: median, routes: routes.length })
}

/**
 * Returns true if a rate moved away from a reference rate. A level that already differed when it was accepted is not
 * reported again, and neither is a small move at the edge of the tolerance.
 */
export const hasDiverged = (
  rate: BigDecimal.BigDecimal,
  last: Option.Option<Rate>,
  reference: BigDecimal.BigDecimal,
  allowed: BigDecimal.BigDecimal
): boolean =>
  !isWithin(rate, reference, allowed) &&
  Option.match(last, {
    onNone: () => true,
    onSome: (good) =>
      isWithin(good.rate, reference, allowed) &&
      !isWithin(rate, good.rate, BigDecimal.multiply(allowed, SMALL_MOVE))
  })

/** Largest move to ignore, as a fraction of the tolerance. */
const SMALL_MOVE = BigDecimal.make(25n, 2)

/** Returns true if the exchange rate of the pair is fixed by law. Such a rate is expected to stay unchanged. */
export const isPegged = ({ from, to }: CurrencyPair): boolean =>
  PEGGED_GROUPS.some((group) => group.has(from) && group.has(to))

/** Currencies that are pegged to the first of their group, and so to each other. */
const PEGGED_GROUPS: ReadonlyArray<ReadonlySet<string>> = [
  new Set(["EUR", "XOF", "XAF", "KMF", "CVE"]),
  new Set(["USD", "AED", "SAR", "QAR", "OMR", "BHD", "JOD"]),
  new Set(["ZAR", "NAD", "LSL", "SZL"])
]
