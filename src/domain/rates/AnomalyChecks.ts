import { BigDecimal, DateTime, Duration, Option } from "effect"
import type { AssetPair } from "../money/AssetPair.ts"
import * as Decimal from "../money/Decimal.ts"
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

/** Maximum tolerance around the inverse of a rate within which another one counts as inverted. */
const MAX_INVERSE_TOLERANCE = BigDecimal.make(1n, 1)
/** Rates that differ by less are near their own level, also at parity, where a rate and its inverse are close. */
export const MIN_INVERSION = BigDecimal.make(3n, 2)
/** The inverse must be nearer than the rate itself by this factor. */
const INVERSE_NEARNESS = BigDecimal.make(25n, 2)

/** Returns true if a rate is near the inverse of another one, and far from the other one itself. */
export const isInverse = (rate: BigDecimal.BigDecimal, other: BigDecimal.BigDecimal): boolean => {
  if (isWithin(rate, other, MIN_INVERSION)) return false
  const change = BigDecimal.subtract(
    Decimal.quotient(BigDecimal.max(rate, other), BigDecimal.min(rate, other)),
    ONE
  )
  const tolerance = BigDecimal.min(MAX_INVERSE_TOLERANCE, BigDecimal.multiply(change, INVERSE_NEARNESS))
  return isWithin(BigDecimal.multiply(rate, other), ONE, tolerance)
}

/**
 * Maximum change, as a fraction, that new quotes of the same provider can confirm. Larger changes, among them a slipped
 * decimal point, need another provider or an operator.
 */
const MAX_CONFIRMABLE_CHANGE = BigDecimal.make(4n, 0)

/**
 * Returns true if new quotes of the same provider can confirm the rate. Never for a first rate, an inversion, a factor
 * of ten, a possible stock split, or a rate that other pairs or another provider contradict: those need another provider
 * or an operator.
 */
export const isConfirmable = (
  anomalies: ReadonlyArray<RateAnomaly>,
  rate: BigDecimal.BigDecimal,
  last: Option.Option<Rate>
): boolean =>
  anomalies.every((anomaly) => anomaly.reason === "jump" && anomaly.split === undefined) &&
  Option.exists(last, (good) => isWithin(rate, good.rate, MAX_CONFIRMABLE_CHANGE))

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

/** Returns true if the exchange rate of the pair is fixed by law. Such a rate is expected to stay unchanged. */
export const isPegged = ({ from, to }: AssetPair): boolean =>
  PEGGED_GROUPS.some((group) => group.has(from) && group.has(to))

/** Currencies that are pegged to the first of their group, and so to each other. */
const PEGGED_GROUPS: ReadonlyArray<ReadonlySet<string>> = [
  new Set(["EUR", "XOF", "XAF", "KMF", "CVE"]),
  new Set(["USD", "AED", "SAR", "QAR", "OMR", "BHD", "JOD"]),
  new Set(["ZAR", "NAD", "LSL", "SZL"])
]
