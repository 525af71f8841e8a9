import { BigDecimal, Duration, Option } from "effect"
import * as PollerSetting from "../domain/rates/PollerSetting.ts"
import { define } from "./SettingDefinition.ts"
import {
  currencies,
  duration,
  durationOrOff,
  listOf,
  margin,
  optionalDuration,
  orOff,
  pairMargin,
  percentage,
  wholeNumber
} from "./SettingParsers.ts"

/** Which rates there are, how fresh they are kept, which are believed, and what a conversion keeps of them. */

export const RATE_SOURCES = define({
  name: "RATE_SOURCES",
  meaning: "the currencies to convert from",
  ...currencies("USD,CAD,GBP,EUR")
})

export const RATE_DESTINATIONS = define({
  name: "RATE_DESTINATIONS",
  meaning: "the currencies to convert into",
  ...currencies("XOF,XAF,EGP,ETB,GHS,KES,MAD,NGN,ZAR,UGX,ZMW")
})

export const POLL_INTERVAL = define<Option.Option<Duration.Duration>>({
  name: "POLL_INTERVAL",
  fallback: Option.some(PollerSetting.DEFAULT_POLL_INTERVAL),
  shown: "10 minutes",
  meaning: "from the start of one poll to the start of the next; `off` polls only on demand",
  ...durationOrOff(PollerSetting.MIN_POLL_INTERVAL, PollerSetting.MAX_POLL_INTERVAL)
})

export const POLL_SPACING = define({
  name: "POLL_SPACING",
  shown: "500 millis; none for the built-in sandbox",
  meaning: "from the start of one request to the provider to the start of the next",
  ...optionalDuration("0 millis", "1 minute")
})

export const POLL_CONCURRENCY = define({
  name: "POLL_CONCURRENCY",
  fallback: 4,
  shown: "4",
  meaning: "how many requests of a poll may be under way at once",
  allowed: "a whole number from 1 to 64",
  parse: wholeNumber(1, 64)
})

export const CACHE_TTL = define({
  name: "CACHE_TTL",
  shown: "twice POLL_INTERVAL; 120 seconds while polling is off",
  meaning: "how long Redis keeps a rate",
  ...optionalDuration("1 second", "30 days")
})

export const STALE_AFTER = define({
  name: "STALE_AFTER",
  fallback: Duration.minutes(10),
  shown: "10 minutes",
  meaning: "the age at which a lookup refreshes a rate, and marks it as stale where it cannot",
  ...duration("1 second", "30 days")
})

export const LOOKUP_BUDGET = define({
  name: "LOOKUP_BUDGET",
  fallback: Duration.seconds(1),
  shown: "1 second",
  meaning: "the longest that a lookup waits for the provider when it has a last known good rate",
  ...duration("1 millis", "30 seconds")
})

export const GUARD_MAX_JUMP = define({
  name: "GUARD_MAX_JUMP",
  fallback: BigDecimal.make(2n, 1),
  shown: "20%",
  meaning: "how far a rate may be from the last good one, and as much again for each day of its age",
  ...percentage
})

export const GUARD_MAX_DEVIATION = define({
  name: "GUARD_MAX_DEVIATION",
  fallback: BigDecimal.make(1n, 1),
  shown: "10%",
  meaning: "how far a rate may go away from what other pairs and another provider come to",
  ...percentage
})

export const GUARD_CROSS_CHECK = define<Option.Option<Duration.Duration>>({
  name: "GUARD_CROSS_CHECK",
  fallback: Option.some(Duration.hours(1)),
  shown: "1 hour",
  meaning: "how often another provider is asked, to compare with; `off` asks it only about what is suspect",
  ...durationOrOff("1 minute", "1 day")
})

export const GUARD_MAX_UNCHANGED = define<Option.Option<Duration.Duration>>({
  name: "GUARD_MAX_UNCHANGED",
  fallback: Option.some(Duration.days(7)),
  shown: "7 days",
  meaning: "how long a provider may repeat the same digits, unless the pair is pegged",
  ...durationOrOff("1 hour", "30 days")
})

export const GUARD_CONFIRMATIONS = define<Option.Option<number>>({
  name: "GUARD_CONFIRMATIONS",
  fallback: Option.some(3),
  shown: "3",
  meaning: "how many polls in a row must bring a level that was put aside, before it is taken",
  allowed: "off, or a whole number from 2 to 1000",
  parse: orOff(wholeNumber(2, 1000))
})

export const CONVERSION_MARGIN = define({
  name: "CONVERSION_MARGIN",
  fallback: BigDecimal.make(5n, 3),
  shown: "0.005",
  meaning: "what a conversion keeps of the mid rate, as a fraction of it",
  allowed: "a decimal from 0 to below 1, such as 0.005",
  parse: margin
})

export const CONVERSION_MARGINS = define<ReadonlyMap<string, BigDecimal.BigDecimal>>({
  name: "CONVERSION_MARGINS",
  fallback: new Map(),
  shown: "none",
  meaning: "margins of single pairs, such as `USD:NGN=0.01,EUR:KES=0.008`",
  allowed: "pairs and decimals from 0 to below 1, such as USD:NGN=0.01, separated by commas",
  parse: (text) => Option.map(listOf(pairMargin)(text), (all) => new Map(all))
})
