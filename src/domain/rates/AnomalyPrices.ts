import { BigDecimal, Option } from "effect"
import * as Decimal from "../money/Decimal.ts"
import { isWithin } from "./AnomalyChecks.ts"
import type { RateAnomaly } from "./RateAnomaly.ts"

/** Maximum movement of a price beside a split, as a fraction. */
const SPLIT_TOLERANCE = BigDecimal.make(3n, 2)
/** Largest ratio of a split. Larger ones have happened, but a price that falls so far is more often wrong. */
const MAX_SPLIT = 100

/**
 * Detects a price that differs too much from the last good one. A factor near a whole number is named as a possible split:
 * `4:1` for four shares from one, `1:10` for one from ten.
 */
export const detectPriceJump = (
  price: BigDecimal.BigDecimal,
  last: BigDecimal.BigDecimal,
  allowed: BigDecimal.BigDecimal,
  isStock: boolean
): ReadonlyArray<RateAnomaly> => {
  if (isWithin(price, last, allowed)) return []
  const split = isStock ? Option.getOrUndefined(splitRatio(price, last)) : undefined
  return [{ reason: "jump", against: last, allowed, ...(split === undefined ? {} : { split }) }]
}

const splitRatio = (price: BigDecimal.BigDecimal, last: BigDecimal.BigDecimal): Option.Option<string> => {
  const [high, low] = [BigDecimal.max(price, last), BigDecimal.min(price, last)]
  const factor = Decimal.quotient(high, low)
  const whole = BigDecimal.round(factor, { scale: 0, mode: "half-even" })
  if (BigDecimal.isGreaterThan(whole, BigDecimal.make(BigInt(MAX_SPLIT), 0))) return Option.none()
  if (!isWithin(factor, whole, SPLIT_TOLERANCE) || BigDecimal.isLessThan(whole, BigDecimal.make(2n, 0)))
    return Option.none()
  const shares = Decimal.format(whole)
  return Option.some(BigDecimal.isLessThan(price, last) ? `${shares}:1` : `1:${shares}`)
}
