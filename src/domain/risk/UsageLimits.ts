import { BigDecimal, type DateTime } from "effect"
import { failedLogins, isWithinTwoDays, isYoung } from "./Assessment.ts"
import type { MovementFacts } from "./MovementFacts.ts"
import type { Newcomer, RiskRules, Velocity } from "./RiskRules.ts"

/** Largest counts and values of a wallet, in all assets and in one. A rule that is off has no limit. */
export interface UsageLimits {
  readonly total: Limits
  readonly asset: Limits
  readonly hourSmallOrders: number | undefined
}

/** Limits of `velocity` or `asset_velocity`; undefined if the rule is off. */
type Limits = Pick<Velocity, "hour_count" | "day_count" | "hour_value" | "day_value"> | undefined

/** Limits below which no rule fires for a movement. */
export interface MovementBound {
  readonly value: BigDecimal.BigDecimal
  /**
   * Value that the day of the wallet and the day before it must stay below in the asset of the movement; undefined without a
   * bound.
   */
  readonly belowTwoDays: BigDecimal.BigDecimal | undefined
}

/** Returns the limits on the usage of a wallet. */
export const limitsOf = ({ asset_velocity, small_orders, velocity }: RiskRules): UsageLimits => ({
  total: velocity.enabled ? velocity : undefined,
  asset: asset_velocity.enabled ? asset_velocity : undefined,
  hourSmallOrders: small_orders.enabled ? small_orders.hour_count : undefined
})

/**
 * Returns the bound of a movement: no rule fires while the usage, with the movement, stays within the limits and below the bound.
 * Undefined if another rule may fire, so that the movement must be assessed.
 */
export const boundOf = (
  rules: RiskRules,
  facts: MovementFacts,
  now: DateTime.Utc
): MovementBound | undefined => {
  const { circular_transfer, deposit_withdrawal, new_account, new_device } = rules
  const { deviceSince, kind, userSince, value } = facts
  if (value === undefined) return undefined
  if (kind !== "transfer" && kind !== "withdrawal") return { value, belowTwoDays: undefined }
  if (failedLogins(rules.failed_logins, facts) !== undefined) return undefined
  if (kind === "transfer" && circular_transfer.enabled && !isWithinTwoDays(circular_transfer))
    return undefined
  const isNew = ({ enabled, max_age }: Newcomer, since: DateTime.Utc | undefined) =>
    enabled && since !== undefined && isYoung(since, max_age, now)
  const bounds = [
    ...(isNew(new_account, userSince) ? [new_account.min_value] : []),
    ...(isNew(new_device, deviceSince) ? [new_device.min_value] : []),
    ...(kind === "withdrawal" && deposit_withdrawal.enabled ? [deposit_withdrawal.min_value] : []),
    ...(kind === "transfer" && circular_transfer.enabled ? [circular_transfer.min_value] : [])
  ]
  const reaches = (bound: BigDecimal.BigDecimal) => BigDecimal.isGreaterThanOrEqualTo(value, bound)
  if (bounds.some(reaches)) return undefined
  return { value, belowTwoDays: bounds.toSorted(BigDecimal.Order)[0] }
}
