import { BigDecimal, DateTime, Duration } from "effect"
import type { MovementFacts } from "./MovementFacts.ts"
import type { Newcomer, RiskRules, RuleName, RuleOutcome, Velocity } from "./RiskRules.ts"
import * as Usage from "./Usage.ts"

/** History of the account that money leaves. Amounts are in units of its asset. */
export interface MovementHistory {
  /** Available balance of the account that money leaves. */
  readonly available: BigDecimal.BigDecimal
  /** Amount that the counterparty sent within the window of `circular_transfer`. */
  readonly received: BigDecimal.BigDecimal
  /** Amount that was sent to the counterparty within the same window. */
  readonly returned: BigDecimal.BigDecimal
  /** Amount that was deposited within the window of `deposit_withdrawal`. */
  readonly deposited: BigDecimal.BigDecimal
}

/** State of the wallet when a movement is assessed. The usage is locked until the movement is posted. */
export interface WalletState extends MovementHistory {
  readonly usages: ReadonlyArray<Usage.Usage>
}

/** Returns true if a rule can fire that looks at the history of the account: for large movements out of the wallet. */
export const needsHistory = (
  { circular_transfer, deposit_withdrawal, new_account, new_device }: RiskRules,
  { asset, deviceSince, kind, userSince, value }: MovementFacts,
  usages: ReadonlyArray<Usage.Usage>,
  hour: number,
  now: DateTime.Utc
): boolean => {
  if (kind !== "transfer" && kind !== "withdrawal") return false
  const reaches = (minimum: BigDecimal.BigDecimal, before: BigDecimal.BigDecimal) =>
    value === undefined || isGreaterThanOrEqualTo(BigDecimal.sum(before, value), minimum)
  const { dayValue, previousDayValue } = Usage.ofAsset(usages, asset, hour)
  const isNew = ({ enabled, max_age, min_value }: Newcomer, since: DateTime.Utc | undefined) =>
    enabled && since !== undefined && isYoung(since, max_age, now) && reaches(min_value, dayValue)
  return (
    isNew(new_account, userSince) ||
    isNew(new_device, deviceSince) ||
    (kind === "withdrawal"
      ? deposit_withdrawal.enabled && reaches(deposit_withdrawal.min_value, dayValue)
      : circular_transfer.enabled &&
        (!isWithinTwoDays(circular_transfer) ||
          reaches(circular_transfer.min_value, BigDecimal.sum(dayValue, previousDayValue))))
  )
}

/** Returns true if the usage of a day and of the day before it covers the window of a rule at any time. */
export const isWithinTwoDays = ({ window }: RiskRules["circular_transfer"]): boolean =>
  Duration.isLessThanOrEqualTo(window, Duration.days(1))

/** Remaining part of a limit, and its reset. */
export interface Remaining {
  /** In `HOME_CURRENCY`, or a number of movements. */
  readonly amount: BigDecimal.BigDecimal
  readonly unit: "value" | "count"
  readonly resetsAt: DateTime.Utc
}

/** A rule that fired. */
export interface FiredRule {
  readonly rule: RuleName
  readonly outcome: RuleOutcome
  /** The exceeded limit, or the reason: for administrators. */
  readonly detail: string
  /** Null if the rule has no limit with a window. */
  readonly remaining: Remaining | null
}

/** The outcome of all rules for one movement. */
export interface Assessment {
  readonly outcome: RuleOutcome
  /** Empty for nearly all movements. */
  readonly fired: ReadonlyArray<FiredRule>
}

const ZERO = BigDecimal.make(0n, 0)
const { isGreaterThan, isGreaterThanOrEqualTo, multiply, subtract } = BigDecimal

/** Assesses a movement. The strictest outcome of the rules that fire wins. */
export const assess = (
  rules: RiskRules,
  facts: MovementFacts,
  state: WalletState,
  hour: number,
  now: DateTime.Utc
): Assessment => {
  const ofAsset = Usage.ofAsset(state.usages, facts.asset, hour)
  const total = Usage.total(state.usages, hour)
  const fired: Array<FiredRule> = []
  velocity(fired, "velocity", rules.velocity, facts, total, hour)
  velocity(fired, "asset_velocity", rules.asset_velocity, facts, ofAsset, hour)
  const fire = (rule: RuleName, detail: string | undefined) => {
    if (detail !== undefined) fired.push(firing(rules, rule, facts, detail))
  }
  const isOutward = facts.kind === "transfer" || facts.kind === "withdrawal"
  if (isOutward) {
    fire("new_account", newcomer(rules.new_account, facts, facts.userSince, state, ofAsset, now))
    fire("new_device", newcomer(rules.new_device, facts, facts.deviceSince, state, ofAsset, now))
    fire("failed_logins", failedLogins(rules.failed_logins, facts))
  }
  if (facts.kind === "withdrawal")
    fire("deposit_withdrawal", depositWithdrawal(rules.deposit_withdrawal, facts, state, ofAsset))
  if (facts.kind === "transfer")
    fire("circular_transfer", circularTransfer(rules.circular_transfer, facts, state))
  if (facts.kind === "order") fire("small_orders", smallOrders(rules.small_orders, facts, total))
  return { outcome: strictest(fired), fired }
}

/** Returns what a movement adds to the usage. An unknown value counts as nothing: its rules have decided on it. */
export const incrementOf = (
  { small_orders }: Pick<RiskRules, "small_orders">,
  { amount, asset, kind, value }: MovementFacts
): Usage.UsageIncrement => ({
  asset,
  amount,
  value: value ?? ZERO,
  isSmallOrder: kind === "order" && value !== undefined && !isGreaterThan(value, small_orders.max_value)
})

/** The limit that a denied user waits longest for; undefined if no limit with a window was exceeded. */
export const remainingOf = (fired: ReadonlyArray<FiredRule>): Remaining | undefined =>
  fired
    .flatMap(({ outcome, remaining }) => (outcome === "allow" || remaining === null ? [] : [remaining]))
    .toSorted(
      (a, b) =>
        DateTime.toEpochMillis(b.resetsAt) - DateTime.toEpochMillis(a.resetsAt) ||
        BigDecimal.Order(a.amount, b.amount)
    )[0]

const STRICTEST_FIRST = ["deny", "review"] as const

const strictest = (fired: ReadonlyArray<FiredRule>): RuleOutcome =>
  STRICTEST_FIRST.find((strict) => fired.some(({ outcome }) => outcome === strict)) ?? "allow"

const firing = (rules: RiskRules, rule: RuleName, { value }: MovementFacts, detail: string): FiredRule => ({
  rule,
  outcome: value === undefined ? rules[rule].unpriced : rules[rule].outcome,
  detail,
  remaining: null
})

const UNPRICED = "the asset has no price"

const velocity = (
  fired: Array<FiredRule>,
  rule: "velocity" | "asset_velocity",
  limits: Velocity,
  { value }: MovementFacts,
  used: Usage.TotalUsage,
  hour: number
): void => {
  const { day_count, day_value, enabled, hour_count, hour_value, outcome, unpriced } = limits
  if (!enabled) return
  const exceed = (detail: keyof Velocity, unit: Remaining["unit"], left: BigDecimal.BigDecimal) => {
    const ends = Usage.endsOf(hour)
    const resetsAt = detail.startsWith("day") ? ends.day : ends.hour
    fired.push({ rule, outcome, detail, remaining: { amount: BigDecimal.max(left, ZERO), unit, resetsAt } })
  }
  const checkCount = (detail: keyof Velocity, count: number, limit: number) => {
    if (count + 1 > limit) exceed(detail, "count", BigDecimal.make(BigInt(limit - count), 0))
  }
  checkCount("hour_count", used.hourCount, hour_count)
  checkCount("day_count", used.dayCount, day_count)
  if (value === undefined) {
    fired.push({ rule, outcome: unpriced, detail: UNPRICED, remaining: null })
    return
  }
  const checkValue = (detail: keyof Velocity, sum: BigDecimal.BigDecimal, limit: BigDecimal.BigDecimal) => {
    if (isGreaterThan(BigDecimal.sum(sum, value), limit)) exceed(detail, "value", subtract(limit, sum))
  }
  checkValue("hour_value", used.hourValue, hour_value)
  checkValue("day_value", used.dayValue, day_value)
}

/** Returns true for a time that is less than `maxAge` ago. */
export const isYoung = (since: DateTime.Utc, maxAge: Duration.Duration, now: DateTime.Utc) =>
  DateTime.toEpochMillis(now) - DateTime.toEpochMillis(since) < Duration.toMillis(maxAge)

/** Counts what left the balance today, so that a balance cannot be moved in parts. */
const newcomer = (
  { enabled, max_age, min_value, share }: Newcomer,
  { amount, value }: MovementFacts,
  since: DateTime.Utc | undefined,
  { available }: WalletState,
  used: Usage.Usage,
  now: DateTime.Utc
): string | undefined => {
  if (!enabled || since === undefined || !isYoung(since, max_age, now)) return undefined
  const moved = BigDecimal.sum(used.dayAmount, amount)
  const balance = BigDecimal.sum(used.dayAmount, available)
  if (!isGreaterThanOrEqualTo(moved, multiply(balance, share))) return undefined
  if (value === undefined) return UNPRICED
  return isGreaterThanOrEqualTo(BigDecimal.sum(used.dayValue, value), min_value)
    ? `moves most of a balance; new since ${DateTime.formatIso(since)}`
    : undefined
}

const depositWithdrawal = (
  { enabled, min_value, share }: RiskRules["deposit_withdrawal"],
  { amount, value }: MovementFacts,
  { deposited }: WalletState,
  used: Usage.Usage
): string | undefined => {
  if (!enabled || BigDecimal.isZero(deposited)) return undefined
  const moved = BigDecimal.sum(used.dayAmount, amount)
  if (!isGreaterThanOrEqualTo(moved, multiply(deposited, share))) return undefined
  if (value === undefined) return UNPRICED
  return isGreaterThanOrEqualTo(BigDecimal.sum(used.dayValue, value), min_value)
    ? "withdraws what was just deposited"
    : undefined
}

/** Only what was received can be returned. Counts what was returned before, so that it cannot be returned in parts. */
const circularTransfer = (
  { enabled, min_value }: RiskRules["circular_transfer"],
  { amount, value }: MovementFacts,
  { received, returned }: WalletState
): string | undefined => {
  if (!enabled || isGreaterThanOrEqualTo(returned, received)) return undefined
  if (value === undefined) return UNPRICED
  const counted = BigDecimal.min(received, BigDecimal.sum(returned, amount))
  return isGreaterThanOrEqualTo(multiply(value, counted), multiply(min_value, amount))
    ? "returns money to its sender"
    : undefined
}

const smallOrders = (
  { enabled, hour_count, max_value }: RiskRules["small_orders"],
  { value }: MovementFacts,
  { hourSmallOrders }: Pick<Usage.Usage, "hourSmallOrders">
): string | undefined => {
  if (!enabled || hourSmallOrders + 1 <= hour_count) return undefined
  if (value === undefined) return UNPRICED
  return isGreaterThan(value, max_value) ? undefined : "too many small orders in an hour"
}

/** Returns why `failed_logins` fires; undefined if it does not. */
export const failedLogins = (
  { enabled, failures, min_value }: RiskRules["failed_logins"],
  { failedLogins: failed = 0, value }: MovementFacts
): string | undefined => {
  if (!enabled || failed < failures) return undefined
  if (value === undefined) return UNPRICED
  return isGreaterThanOrEqualTo(value, min_value) ? `${failed} failed logins before` : undefined
}
