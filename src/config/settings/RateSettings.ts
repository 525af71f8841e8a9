import { BigDecimal, Duration, Option } from "effect"
import * as PollerSetting from "../../domain/rates/PollerSetting.ts"
import { define } from "../SettingDefinition.ts"
import {
  currencies,
  duration,
  durationOrOff,
  flag,
  listOf,
  margin,
  optionalDuration,
  orOff,
  pairMargin,
  percentage,
  wholeNumber
} from "../SettingParsers.ts"

/** Settings for currencies, polling, caching, the rate guard and conversion margins. */

export const RATE_SOURCES = define({
  name: "RATE_SOURCES",
  description: "Currencies to convert from",
  ...currencies("USD,CAD,GBP,EUR")
})

export const RATE_DESTINATIONS = define({
  name: "RATE_DESTINATIONS",
  description: "Currencies to convert to",
  ...currencies("XOF,XAF,EGP,ETB,GHS,KES,MAD,NGN,ZAR,UGX,ZMW")
})

export const RATE_ON_DEMAND = define({
  name: "RATE_ON_DEMAND",
  ...flag,
  defaultValue: true,
  defaultText: "true",
  description:
    "`false` turns off rates on demand: of the other ordered pairs of the currencies above, such as NGN:USD"
})

export const POLL_INTERVAL = define<Option.Option<Duration.Duration>>({
  name: "POLL_INTERVAL",
  defaultValue: Option.some(PollerSetting.DEFAULT_POLL_INTERVAL),
  defaultText: "10 minutes",
  description: "Time from the start of one poll to the start of the next. `off` polls only on demand",
  ...durationOrOff(PollerSetting.MIN_POLL_INTERVAL, PollerSetting.MAX_POLL_INTERVAL)
})

export const POLL_SPACING = define({
  name: "POLL_SPACING",
  defaultText: "500 millis; 0 millis in the sandbox",
  description: "Minimum time between the starts of two requests to a provider",
  ...optionalDuration("0 millis", "1 minute")
})

export const POLL_CONCURRENCY = define({
  name: "POLL_CONCURRENCY",
  defaultValue: 4,
  defaultText: "4",
  description: "Maximum concurrent provider requests of a poll",
  allowed: "a whole number from 1 to 64",
  parse: wholeNumber(1, 64)
})

export const POLL_REQUESTED = define({
  name: "POLL_REQUESTED",
  defaultValue: 20,
  defaultText: "20",
  description:
    "Maximum pairs that the poller also refreshes because they were asked for in the last hour, the most recent ones first. `0` refreshes none",
  allowed: "a whole number from 0 to 1000",
  parse: wholeNumber(0, 1000)
})

export const CACHE_TTL = define({
  name: "CACHE_TTL",
  defaultText: "twice POLL_INTERVAL; 120 seconds while polling is off",
  description: "Expiry time of rates in Redis",
  ...optionalDuration("1 second", "30 days")
})

export const STALE_AFTER = define({
  name: "STALE_AFTER",
  defaultValue: Duration.minutes(10),
  defaultText: "10 minutes",
  description:
    "Age at which a rate becomes stale. A lookup refreshes a stale rate, or returns it marked as `stale` if that fails",
  ...duration("1 second", "30 days")
})

export const LOOKUP_BUDGET = define({
  name: "LOOKUP_BUDGET",
  defaultValue: Duration.seconds(1),
  defaultText: "1 second",
  description: "Maximum time that a lookup waits for a provider before it returns the last known good rate",
  ...duration("1 millis", "30 seconds")
})

export const GUARD_MAX_JUMP = define({
  name: "GUARD_MAX_JUMP",
  defaultValue: BigDecimal.make(2n, 1),
  defaultText: "20%",
  description: "Maximum change of a rate from the last good one, and from the ones of 7 and 30 days ago",
  ...percentage
})

export const GUARD_MAX_JUMP_CRYPTO = define({
  name: "GUARD_MAX_JUMP_CRYPTO",
  defaultValue: BigDecimal.make(5n, 1),
  defaultText: "50%",
  description: "Maximum change of the price of a cryptocurrency from the last good one",
  ...percentage
})

export const GUARD_MAX_JUMP_STOCK = define({
  name: "GUARD_MAX_JUMP_STOCK",
  defaultValue: BigDecimal.make(3n, 1),
  defaultText: "30%",
  description: "Maximum change of the price of a stock from the last good one",
  ...percentage
})

export const GUARD_MAX_DEVIATION = define({
  name: "GUARD_MAX_DEVIATION",
  defaultValue: BigDecimal.make(1n, 1),
  defaultText: "10%",
  description:
    "Maximum deviation of a rate from cross rates and from another provider, and the maximum sum of small changes within 7 days",
  ...percentage
})

export const GUARD_FIRST_RATE_FACTOR = define<Option.Option<BigDecimal.BigDecimal>>({
  name: "GUARD_FIRST_RATE_FACTOR",
  defaultValue: Option.some(BigDecimal.make(5n, 0)),
  defaultText: "5",
  description:
    "Maximum factor between the first rate of a pair and its approximate rate in effex. `off` compares it only with cross rates and other providers",
  allowed: "off, or a whole number from 2 to 1000",
  parse: orOff((text: string) =>
    Option.map(wholeNumber(2, 1000)(text), (factor) => BigDecimal.make(BigInt(factor), 0))
  )
})

export const GUARD_CROSS_CHECK = define<Option.Option<Duration.Duration>>({
  name: "GUARD_CROSS_CHECK",
  defaultValue: Option.some(Duration.hours(1)),
  defaultText: "1 hour",
  description: "How often rates are compared with another provider. `off` compares only suspicious rates",
  ...durationOrOff("1 minute", "1 day")
})

export const GUARD_MAX_UNCHANGED = define<Option.Option<Duration.Duration>>({
  name: "GUARD_MAX_UNCHANGED",
  defaultValue: Option.some(Duration.days(7)),
  defaultText: "7 days",
  description: "Maximum time that a provider may return the same value, unless the pair is pegged",
  ...durationOrOff("1 hour", "30 days")
})

export const GUARD_CONFIRMATIONS = define<Option.Option<number>>({
  name: "GUARD_CONFIRMATIONS",
  defaultValue: Option.some(3),
  defaultText: "3",
  description:
    "Number of new quotes of a provider, over a day, that must confirm a quarantined rate before it is accepted. `off` requires another provider or an operator",
  allowed: "off, or a whole number from 2 to 1000",
  parse: orOff(wholeNumber(2, 1000))
})

export const CONVERSION_MARGIN = define({
  name: "CONVERSION_MARGIN",
  defaultValue: BigDecimal.make(5n, 3),
  defaultText: "0.005",
  description: "Margin of conversions, as a fraction of the mid rate",
  allowed: "a decimal from 0 to less than 1, such as 0.005",
  parse: margin
})

export const CONVERSION_MARGINS = define<ReadonlyMap<string, BigDecimal.BigDecimal>>({
  name: "CONVERSION_MARGINS",
  defaultValue: new Map(),
  defaultText: "none",
  description: "Margins of individual pairs, such as `USD:NGN=0.01,EUR:KES=0.008`",
  allowed: "a comma-separated list of pairs and margins from 0 to less than 1, such as USD:NGN=0.01",
  parse: (text) => Option.map(listOf(pairMargin)(text), (all) => new Map(all))
})

/** Settings of rates, by the names of their values. */
export const rateSettings = {
  /** Other ordered pairs of the configured currencies are fetched when they are asked for. */
  rateOnDemand: RATE_ON_DEMAND,
  /** Poll interval unless the database overrides it (see `PollerSettings`). None: polling is off. */
  pollInterval: POLL_INTERVAL,
  pollConcurrency: POLL_CONCURRENCY,
  /** Maximum pairs, beyond those that are always polled, that the poller refreshes because they were asked for. */
  pollRequested: POLL_REQUESTED,
  /** None: derived from the poll interval. */
  cacheTtl: CACHE_TTL,
  staleAfter: STALE_AFTER,
  lookupBudget: LOOKUP_BUDGET,
  /** Maximum change from the last good rate, and within 7 days, as a fraction. */
  guardMaxJump: GUARD_MAX_JUMP,
  /** Maximum change of the price of a cryptocurrency from the last good one, as a fraction. */
  guardMaxJumpCrypto: GUARD_MAX_JUMP_CRYPTO,
  /** Maximum change of the price of a stock from the last good one, as a fraction. */
  guardMaxJumpStock: GUARD_MAX_JUMP_STOCK,
  /** Maximum deviation from cross rates and from another provider, and sum of small changes, as a fraction. */
  guardMaxDeviation: GUARD_MAX_DEVIATION,
  /** Maximum factor between a first rate and its approximate rate. None: any. */
  guardFirstRateFactor: GUARD_FIRST_RATE_FACTOR,
  /** Maximum age of another provider's rate for comparison. None: only suspicious rates are compared. */
  guardCrossCheck: GUARD_CROSS_CHECK,
  /** None: a provider may return the same value indefinitely. */
  guardMaxUnchanged: GUARD_MAX_UNCHANGED,
  /** None: only an operator can accept a quarantined rate. */
  guardConfirmations: GUARD_CONFIRMATIONS
}
