import { BigDecimal, type DateTime, Option } from "effect"
import type { AssetPair } from "../money/AssetPair.ts"
import * as Decimal from "../money/Decimal.ts"
import { isInverse, isWithin } from "./AnomalyChecks.ts"
import * as ApproximateRates from "./ApproximateRates.ts"
import type { RateAnomaly } from "./RateAnomaly.ts"

/** Limits of the guard, as fractions. */
export interface LevelLimits {
  /** Maximum change from the last good rate, and from the levels at the start of both windows. */
  readonly maxJump: BigDecimal.BigDecimal
  /** Maximum change within the window without a single step that is larger than this. */
  readonly maxDeviation: BigDecimal.BigDecimal
}

/** A step between two consecutive rates. */
export interface Step {
  readonly from: BigDecimal.BigDecimal
  readonly to: BigDecimal.BigDecimal
}

/** Good rates of one pair, of one provider or of all, that a new rate is compared with. */
export interface Levels {
  /** The last good rate. */
  readonly last: BigDecimal.BigDecimal
  /** The rate in force at the start of the window, or the first one within it. */
  readonly anchor: BigDecimal.BigDecimal
  readonly anchorAt: DateTime.Utc
  /** The same for the long window. It stops drifts that follow each other. */
  readonly oldest: BigDecimal.BigDecimal
  readonly oldestAt: DateTime.Utc
  /**
   * Steps between consecutive rates since the anchor, up to the new rate. Rates that were refused since the last good
   * one count too: otherwise a drift would become a jump by the time that it is too large.
   */
  readonly steps: ReadonlyArray<Step>
}

/**
 * Compares a rate with the good rates of its pair. Detects an inversion, a jump from the last good rate, and a drift:
 * within the window, small steps may add up to `maxDeviation`. One larger step is a jump of the market and may come on
 * top, but nothing may be further than `maxJump` from the start of either window.
 */
export const detectLevelChange = (
  rate: BigDecimal.BigDecimal,
  levels: Levels,
  limits: LevelLimits
): ReadonlyArray<RateAnomaly> => {
  const { anchor, anchorAt, last, oldest, oldestAt } = levels
  const { maxJump } = limits
  const jumps: Array<RateAnomaly> = []
  if (!isWithin(rate, last, maxJump)) jumps.push({ reason: "jump", against: last, allowed: maxJump })
  else {
    const allowed = allowedSinceAnchor(rate, levels, limits)
    if (!isWithin(rate, anchor, allowed))
      jumps.push({ reason: "jump", against: anchor, allowed, since: anchorAt })
    else if (!isWithin(rate, oldest, maxJump))
      jumps.push({ reason: "jump", against: oldest, allowed: maxJump, since: oldestAt })
  }
  return isInverse(rate, last) ? [{ reason: "inverted", against: last }, ...jumps] : jumps
}

/** Returns the allowed change since the start of the window: `maxJump` if it holds one large step, else `maxDeviation`. */
const allowedSinceAnchor = (
  rate: BigDecimal.BigDecimal,
  { anchor, steps }: Levels,
  { maxDeviation, maxJump }: LevelLimits
) => {
  const hasJumped = steps.some(({ from, to }) => {
    // A step back to the level at the start is no jump of the market.
    if (isWithin(from, to, maxDeviation) || isWithin(to, anchor, maxDeviation)) return false
    const withoutStep = Decimal.quotient(BigDecimal.multiply(rate, from), to)
    return isWithin(withoutStep, anchor, maxDeviation)
  })
  return hasJumped ? maxJump : maxDeviation
}

/**
 * Compares the first rate of a pair with its approximate rate, for sanity only: detects an inversion, also near parity,
 * and a difference by more than `factor`, such as a slipped decimal point.
 */
export const detectImplausible = (
  rate: BigDecimal.BigDecimal,
  pair: AssetPair,
  factor: BigDecimal.BigDecimal
): ReadonlyArray<RateAnomaly> => {
  const approximate = Option.getOrUndefined(ApproximateRates.magnitudeOf(pair))
  if (approximate === undefined) return []
  if (isInverse(rate, approximate)) return [{ reason: "inverted", against: approximate }]
  const allowed = BigDecimal.subtract(factor, BigDecimal.make(1n, 0))
  return isWithin(rate, approximate, allowed)
    ? []
    : [{ reason: "jump", against: approximate, allowed, approximate: true }]
}
