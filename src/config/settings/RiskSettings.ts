import { BigDecimal, Duration, Option } from "effect"
import * as Decimal from "../../domain/money/Decimal.ts"
import type { RiskRules } from "../../domain/risk/RiskRules.ts"
import { define, type Values } from "../SettingDefinition.ts"
import { duration, oneOf, percentage, wholeNumber } from "../SettingParsers.ts"

/** Defaults of the risk rules, which administrators change at run time, with values in HOME_CURRENCY; and of held conversions. */

const MAX_DECIMALS = 18
const MAX_COUNT = 999_999

const count = (name: string, defaultValue: number, description: string) =>
  define({
    name,
    defaultValue,
    defaultText: String(defaultValue),
    description,
    allowed: `a whole number from 1 to ${MAX_COUNT}`,
    parse: wholeNumber(1, MAX_COUNT)
  })

const value = (name: string, defaultValue: bigint, description: string) =>
  define({
    name,
    defaultValue: BigDecimal.make(defaultValue, 0),
    defaultText: String(defaultValue),
    description,
    allowed: "a decimal number from 0, in plain digits",
    parse: (text: string) => Decimal.parse(text, MAX_DECIMALS)
  })

const outcome = oneOf("allow", "review", "deny")

export const RISK_HOUR_COUNT = count(
  "RISK_HOUR_COUNT",
  1000,
  "Movements of a user per hour: transfers, withdrawals, conversions and orders"
)
export const RISK_DAY_COUNT = count("RISK_DAY_COUNT", 10_000, "Movements of a user per day (UTC)")
export const RISK_HOUR_VALUE = value(
  "RISK_HOUR_VALUE",
  1_000_000n,
  "Value of the movements of a user per hour, in HOME_CURRENCY"
)
export const RISK_DAY_VALUE = value(
  "RISK_DAY_VALUE",
  5_000_000n,
  "Value of the movements of a user per day (UTC), in HOME_CURRENCY"
)
export const RISK_ASSET_HOUR_COUNT = count(
  "RISK_ASSET_HOUR_COUNT",
  1000,
  "Movements of a user in one asset per hour"
)
export const RISK_ASSET_DAY_COUNT = count(
  "RISK_ASSET_DAY_COUNT",
  10_000,
  "Movements of a user in one asset per day (UTC)"
)
export const RISK_ASSET_HOUR_VALUE = value(
  "RISK_ASSET_HOUR_VALUE",
  1_000_000n,
  "Value of the movements of a user in one asset per hour, in HOME_CURRENCY"
)
export const RISK_ASSET_DAY_VALUE = value(
  "RISK_ASSET_DAY_VALUE",
  5_000_000n,
  "Value of the movements of a user in one asset per day (UTC), in HOME_CURRENCY"
)

export const RISK_UNPRICED = define({
  name: "RISK_UNPRICED",
  defaultValue: "review" as const,
  defaultText: "review",
  description:
    "Outcome of a rule for an asset without a price: `review` (an administrator decides), `deny`, or `allow`",
  ...outcome
})

export const RISK_REVIEW_VALUE = value(
  "RISK_REVIEW_VALUE",
  10_000n,
  "Smallest value of a transfer or withdrawal that is held for review, in HOME_CURRENCY"
)

export const RISK_NEW_ACCOUNT_AGE = define({
  name: "RISK_NEW_ACCOUNT_AGE",
  defaultValue: Duration.days(1),
  defaultText: "1 day",
  description: "Age up to which an account is new",
  ...duration("1 second", "365 days")
})

export const RISK_NEW_DEVICE_AGE = define({
  name: "RISK_NEW_DEVICE_AGE",
  defaultValue: Duration.hours(1),
  defaultText: "1 hour",
  description: "Age up to which a device is new",
  ...duration("1 second", "365 days")
})

export const RISK_BALANCE_SHARE = define({
  name: "RISK_BALANCE_SHARE",
  defaultValue: BigDecimal.make(8n, 1),
  defaultText: "0.8",
  description: "Fraction of a balance, or of a deposit, that counts as most of it",
  allowed: "a decimal number above 0, at most 1",
  parse: (text: string) =>
    Option.filter(
      Decimal.parse(text, 6),
      (share) => BigDecimal.isPositive(share) && BigDecimal.isLessThanOrEqualTo(share, BigDecimal.make(1n, 0))
    )
})

export const RISK_DEPOSIT_WINDOW = define({
  name: "RISK_DEPOSIT_WINDOW",
  defaultValue: Duration.minutes(10),
  defaultText: "10 minutes",
  description: "Time after a deposit in which withdrawing most of it is held for review",
  ...duration("1 second", "365 days")
})

export const RISK_CIRCULAR_WINDOW = define({
  name: "RISK_CIRCULAR_WINDOW",
  defaultValue: Duration.hours(1),
  defaultText: "1 hour",
  description: "Time after a transfer in which returning it to its sender is held for review",
  ...duration("1 second", "365 days")
})

export const RISK_SMALL_ORDER_VALUE = value(
  "RISK_SMALL_ORDER_VALUE",
  10n,
  "Largest value of a small order, in HOME_CURRENCY"
)
export const RISK_SMALL_ORDERS = count("RISK_SMALL_ORDERS", 500, "Small orders of a user per hour")
export const RISK_FAILED_LOGINS = count(
  "RISK_FAILED_LOGINS",
  5,
  "Failed logins of an account within 15 minutes, from which its transfers and withdrawals are held for review"
)

export const RISK_REVIEW_EXPIRY = define({
  name: "RISK_REVIEW_EXPIRY",
  defaultValue: Duration.days(3),
  defaultText: "3 days",
  description: "Time after which a movement that waits for review is rejected, and its money is released",
  ...duration("1 second", "365 days")
})

export const CONVERSION_MAX_SLIPPAGE = define({
  name: "CONVERSION_MAX_SLIPPAGE",
  defaultValue: BigDecimal.make(2n, 2),
  defaultText: "2%",
  description:
    "Largest move of the rate against the user, between the request of a conversion that waits for review and its approval. Beyond it, the approval is refused",
  ...percentage
})

/** Settings of the rules, by the names of their values. */
export const ruleSettings = {
  hourCount: RISK_HOUR_COUNT,
  dayCount: RISK_DAY_COUNT,
  hourValue: RISK_HOUR_VALUE,
  dayValue: RISK_DAY_VALUE,
  assetHourCount: RISK_ASSET_HOUR_COUNT,
  assetDayCount: RISK_ASSET_DAY_COUNT,
  assetHourValue: RISK_ASSET_HOUR_VALUE,
  assetDayValue: RISK_ASSET_DAY_VALUE,
  unpriced: RISK_UNPRICED,
  reviewValue: RISK_REVIEW_VALUE,
  newAccountAge: RISK_NEW_ACCOUNT_AGE,
  newDeviceAge: RISK_NEW_DEVICE_AGE,
  balanceShare: RISK_BALANCE_SHARE,
  depositWindow: RISK_DEPOSIT_WINDOW,
  circularWindow: RISK_CIRCULAR_WINDOW,
  smallOrderValue: RISK_SMALL_ORDER_VALUE,
  smallOrders: RISK_SMALL_ORDERS,
  failedLogins: RISK_FAILED_LOGINS
}

/** Returns the rules that apply until an administrator changes them. All of them are on. */
export const rulesOf = (values: Values<typeof ruleSettings>): RiskRules => {
  const limit = { enabled: true, outcome: "deny", unpriced: values.unpriced } as const
  const review = { ...limit, outcome: "review", min_value: values.reviewValue } as const
  const newcomer = { ...review, share: values.balanceShare }
  return {
    velocity: {
      ...limit,
      hour_count: values.hourCount,
      hour_value: values.hourValue,
      day_count: values.dayCount,
      day_value: values.dayValue
    },
    asset_velocity: {
      ...limit,
      hour_count: values.assetHourCount,
      hour_value: values.assetHourValue,
      day_count: values.assetDayCount,
      day_value: values.assetDayValue
    },
    new_account: { ...newcomer, max_age: values.newAccountAge },
    new_device: { ...newcomer, max_age: values.newDeviceAge },
    deposit_withdrawal: { ...newcomer, window: values.depositWindow },
    circular_transfer: { ...review, window: values.circularWindow },
    small_orders: { ...limit, hour_count: values.smallOrders, max_value: values.smallOrderValue },
    failed_logins: { ...review, failures: values.failedLogins }
  }
}
