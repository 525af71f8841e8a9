import { BigDecimal, Option } from "effect"
import { type AssetPair, keyOf } from "../money/AssetPair.ts"
import * as Decimal from "../money/Decimal.ts"
import { isWithin } from "./AnomalyChecks.ts"
import type { Rate } from "./Rate.ts"

/** Minimum number of cross rates. With fewer, it is unclear which rate is wrong. */
const MIN_CROSS_RATES = 3

/**
 * Computes the cross rate of a pair from other pairs: S→D = S'→D × S→D' / S'→D'. Returns the median over all other
 * sources and destinations, which is robust against single wrong rates.
 */
export const impliedRate = (
  pair: AssetPair,
  rates: ReadonlyArray<Pick<Rate, "pair" | "rate">>
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
 * Returns true if a rate moved away from a reference rate since the level at the start of the window. A level that
 * already differed then is not reported, and neither is a small move at the edge of the tolerance.
 */
export const hasDiverged = (
  rate: BigDecimal.BigDecimal,
  anchor: Option.Option<BigDecimal.BigDecimal>,
  reference: BigDecimal.BigDecimal,
  allowed: BigDecimal.BigDecimal
): boolean =>
  !isWithin(rate, reference, allowed) &&
  Option.match(anchor, {
    onNone: () => true,
    onSome: (level) =>
      isWithin(level, reference, allowed) && !isWithin(rate, level, BigDecimal.multiply(allowed, SMALL_MOVE))
  })

/** Largest move to ignore, as a fraction of the tolerance. */
const SMALL_MOVE = BigDecimal.make(25n, 2)
