import { BigDecimal, DateTime } from "effect"
import type { AssetCode } from "../money/Asset.ts"

/** Movements of a wallet in one asset, in the latest hour and day with one. Both are in UTC. */
export interface Usage {
  readonly asset: AssetCode
  /** Start of the hour, in epoch milliseconds. */
  readonly hour: number
  readonly hourCount: number
  /** Values are in `HOME_CURRENCY`. */
  readonly hourValue: BigDecimal.BigDecimal
  readonly hourSmallOrders: number
  readonly dayCount: number
  readonly dayValue: BigDecimal.BigDecimal
  /** Value of the day before that day. */
  readonly previousDayValue: BigDecimal.BigDecimal
  /** In units of the asset. */
  readonly dayAmount: BigDecimal.BigDecimal
}

/** Usage of all assets together, in which amounts and days before have no meaning. */
export type TotalUsage = Omit<Usage, "asset" | "dayAmount" | "previousDayValue">

/** Increment of the usage by one movement. */
export interface UsageIncrement {
  readonly asset: AssetCode
  readonly value: BigDecimal.BigDecimal
  readonly amount: BigDecimal.BigDecimal
  readonly isSmallOrder: boolean
}

const HOUR_MILLIS = 3_600_000
const DAY_MILLIS = 24 * HOUR_MILLIS
const ZERO = BigDecimal.make(0n, 0)

const hourOf = (millis: number) => Math.floor(millis / HOUR_MILLIS) * HOUR_MILLIS
const dayOf = (millis: number) => Math.floor(millis / DAY_MILLIS) * DAY_MILLIS

/**
 * Returns the hour that a movement counts for. The clocks of two nodes differ by milliseconds: once one node counts for an
 * hour, no node counts for an earlier one.
 */
export const hourAt = (now: DateTime.Utc, usages: ReadonlyArray<Usage>): number =>
  usages.reduce((latest, { hour }) => Math.max(latest, hour), hourOf(DateTime.toEpochMillis(now)))

/** End of the hour and of the day that a movement counts for. */
export const endsOf = (hour: number) => ({
  hour: DateTime.makeUnsafe(hour + HOUR_MILLIS),
  day: DateTime.makeUnsafe(dayOf(hour) + DAY_MILLIS)
})

/** Returns the usage that still counts in an hour: the counts of earlier hours and days are zero. */
const current = (usage: Usage, hour: number): Usage => {
  if (usage.hour === hour) return usage
  const isDay = dayOf(usage.hour) === dayOf(hour)
  const isPreviousDay = dayOf(usage.hour) === dayOf(hour) - DAY_MILLIS
  return {
    asset: usage.asset,
    hour,
    hourCount: 0,
    hourValue: ZERO,
    hourSmallOrders: 0,
    dayCount: isDay ? usage.dayCount : 0,
    dayValue: isDay ? usage.dayValue : ZERO,
    previousDayValue: isDay ? usage.previousDayValue : isPreviousDay ? usage.dayValue : ZERO,
    dayAmount: isDay ? usage.dayAmount : ZERO
  }
}

const NONE = {
  hour: 0,
  hourCount: 0,
  hourValue: ZERO,
  hourSmallOrders: 0,
  dayCount: 0,
  dayValue: ZERO,
  previousDayValue: ZERO,
  dayAmount: ZERO
}

/** Returns the usage of one asset in an hour. */
export const ofAsset = (usages: ReadonlyArray<Usage>, asset: AssetCode, hour: number): Usage => {
  const found = usages.find((usage) => usage.asset === asset)
  return found === undefined ? { ...NONE, asset, hour } : current(found, hour)
}

/** Returns the usage of all assets together in an hour. */
export const total = (usages: ReadonlyArray<Usage>, hour: number): TotalUsage => {
  const [first, ...rest] = usages.map((usage) => current(usage, hour))
  return rest.reduce<TotalUsage>(
    (sum, usage) => ({
      hour,
      hourCount: sum.hourCount + usage.hourCount,
      hourValue: BigDecimal.sum(sum.hourValue, usage.hourValue),
      hourSmallOrders: sum.hourSmallOrders + usage.hourSmallOrders,
      dayCount: sum.dayCount + usage.dayCount,
      dayValue: BigDecimal.sum(sum.dayValue, usage.dayValue)
    }),
    first ?? NONE
  )
}

/** Returns the usages with one more movement. */
export const add = (
  usages: ReadonlyArray<Usage>,
  { amount, asset, isSmallOrder, value }: UsageIncrement,
  hour: number
): ReadonlyArray<Usage> => {
  const before = ofAsset(usages, asset, hour)
  const after: Usage = {
    asset,
    hour,
    hourCount: before.hourCount + 1,
    hourValue: BigDecimal.sum(before.hourValue, value),
    hourSmallOrders: before.hourSmallOrders + (isSmallOrder ? 1 : 0),
    dayCount: before.dayCount + 1,
    dayValue: BigDecimal.sum(before.dayValue, value),
    previousDayValue: before.previousDayValue,
    dayAmount: BigDecimal.sum(before.dayAmount, amount)
  }
  return [...usages.filter((usage) => usage.asset !== asset), after]
}
