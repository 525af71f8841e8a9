import { BigDecimal, DateTime, Duration, Option, Schema } from "effect"
import type { CurrencyPair } from "../money/CurrencyPair.ts"
import * as Decimal from "../money/Decimal.ts"
import type { Rate, RateTick } from "./Rate.ts"
import * as ApproximateRates from "./ApproximateRates.ts"

/** Source and destination have changed places. */
const Inverted = Schema.Struct({
  reason: Schema.tag("inverted"),
  /** The last good rate, or the magnitude of the pair where there is none. */
  against: Decimal.PositiveDecimal
})

/** Too far from the last good rate. */
const Jump = Schema.Struct({
  reason: Schema.tag("jump"),
  against: Decimal.PositiveDecimal,
  /** How far it may be, as a fraction. */
  allowed: Decimal.PositiveDecimal
})

/** Another provider says something else. */
const Disagrees = Schema.Struct({
  reason: Schema.tag("disagrees"),
  against: Decimal.PositiveDecimal,
  allowed: Decimal.PositiveDecimal,
  provider: Schema.String
})

/** The rates of other pairs say something else. */
const Triangle = Schema.Struct({
  reason: Schema.tag("triangle"),
  against: Decimal.PositiveDecimal,
  allowed: Decimal.PositiveDecimal,
  /** Over how many ways it was computed, of which `against` is the median. */
  routes: Schema.Int
})

/** The same digits for so long that nobody seems to look after them. */
const Unchanged = Schema.Struct({
  reason: Schema.tag("unchanged"),
  /** When they were seen first, or earlier. */
  since: Schema.DateTimeUtcFromString
})

/** Of a time that is long over, or has not come yet. */
const Outdated = Schema.Struct({
  reason: Schema.tag("outdated"),
  at: Schema.DateTimeUtcFromString
})

/** Why a tick is not believed, with the numbers that say so. */
export const RateAnomaly = Schema.Union([Inverted, Jump, Disagrees, Triangle, Unchanged, Outdated])
export type RateAnomaly = typeof RateAnomaly.Type

/** Every reason that there is. */
export const REASONS = RateAnomaly.members.map(({ fields }) => fields.reason.schema.literal)

/** In words, for an operator. */
export const describe = (suspicion: RateAnomaly, rate: BigDecimal.BigDecimal): string => {
  const found = Decimal.format(rate)
  switch (suspicion.reason) {
    case "inverted":
      return `${found} is the other way round: about ${Decimal.format(suspicion.against)} was to be expected`
    case "jump":
      return `${distance(rate, suspicion)} the last good rate`
    case "disagrees":
      return `${distance(rate, suspicion)} what ${suspicion.provider} says`
    case "triangle":
      return `${distance(rate, suspicion)} what other pairs come to, by ${suspicion.routes} routes`
    case "unchanged":
      return `${found} has not changed since ${DateTime.formatIso(suspicion.since)} or before`
    case "outdated":
      return `${found} is of ${DateTime.formatIso(suspicion.at)}`
  }
}

/** `2250 is 50 % above 1500, where 20 % are allowed, `. */
const distance = (
  rate: BigDecimal.BigDecimal,
  { against, allowed }: { readonly against: BigDecimal.BigDecimal; readonly allowed: BigDecimal.BigDecimal }
) => {
  const change = BigDecimal.subtract(Decimal.quotient(rate, against), ONE)
  const side = BigDecimal.isNegative(change) ? "below" : "above"
  return `${Decimal.format(rate)} is ${percent(BigDecimal.abs(change))} ${side} ${Decimal.format(against)} (${percent(allowed)} are allowed),`
}

// Cut off, since nothing is 100 % below anything.
const percent = (fraction: BigDecimal.BigDecimal) =>
  `${Decimal.format(BigDecimal.truncate(BigDecimal.multiply(fraction, HUNDRED), 1))} %`

const ONE = BigDecimal.make(1n, 0)
const HUNDRED = BigDecimal.make(100n, 0)

/** Whether one is no more than a fraction above the other, whichever is the larger. */
export const isWithin = (
  a: BigDecimal.BigDecimal,
  b: BigDecimal.BigDecimal,
  allowed: BigDecimal.BigDecimal
): boolean =>
  BigDecimal.isLessThanOrEqualTo(
    BigDecimal.max(a, b),
    BigDecimal.multiply(BigDecimal.min(a, b), BigDecimal.sum(ONE, allowed))
  )

/** How far a rate may be from one that is so old: the more days lie between, the further. */
export const allowedJump = (
  maxJump: BigDecimal.BigDecimal,
  age: Duration.Duration
): BigDecimal.BigDecimal => {
  const seconds = Math.floor(Duration.toSeconds(age))
  if (seconds === 0) return maxJump
  const days = Decimal.quotient(BigDecimal.make(BigInt(seconds), 0), BigDecimal.make(86_400n, 0), 6)
  return BigDecimal.multiply(maxJump, BigDecimal.sum(ONE, days))
}

/** Beyond this factor of the last good rate, a level is never taken without an operator. */
const BEYOND_BELIEF = BigDecimal.make(9n, 0)

/** Whether ticks that agree may make up for their reasons, or an operator must decide. */
export const mayBeConfirmed = (
  suspicions: ReadonlyArray<RateAnomaly>,
  rate: BigDecimal.BigDecimal,
  last: Option.Option<Rate>
): boolean =>
  suspicions.every(({ reason }) => reason === "jump" || reason === "triangle" || reason === "disagrees") &&
  Option.match(last, { onNone: () => true, onSome: (good) => isWithin(rate, good.rate, BEYOND_BELIEF) })

/** How near a rate must be to the inverse of the last good one to be told as inverted. */
const INVERSE_BAND = BigDecimal.make(5n, 2)

/** Too far from the last good rate; and also the other way round, where it is near the inverse of that. */
export const jump = (
  rate: BigDecimal.BigDecimal,
  last: Rate,
  allowed: BigDecimal.BigDecimal
): ReadonlyArray<RateAnomaly> => {
  if (isWithin(rate, last.rate, allowed)) return []
  const jumped: RateAnomaly = { reason: "jump", against: last.rate, allowed }
  const inverted: RateAnomaly = { reason: "inverted", against: last.rate }
  return isWithin(BigDecimal.multiply(rate, last.rate), ONE, INVERSE_BAND) ? [inverted, jumped] : [jumped]
}

/** Magnitudes are rough: what is off by less may well be true. */
const MAGNITUDE_BAND = BigDecimal.make(29n, 0)

/** For a pair that has no rate yet: nearer to the inverse of its magnitude than to its magnitude. */
export const inverted = (rate: BigDecimal.BigDecimal, pair: CurrencyPair): ReadonlyArray<RateAnomaly> => {
  const magnitude = Option.getOrUndefined(ApproximateRates.magnitudeOf(pair))
  if (magnitude === undefined || isWithin(rate, magnitude, MAGNITUDE_BAND)) return []
  // On the logarithmic scale a magnitude and its inverse lie on either side of 1.
  const otherSide =
    (BigDecimal.isGreaterThan(magnitude, ONE) && BigDecimal.isLessThan(rate, ONE)) ||
    (BigDecimal.isLessThan(magnitude, ONE) && BigDecimal.isGreaterThan(rate, ONE))
  return otherSide ? [{ reason: "inverted", against: magnitude }] : []
}

const LONGEST_AGE = Duration.days(7)
/** Clocks differ. */
const LONGEST_LEAD = Duration.minutes(5)

/** Quoted too long ago, or in the future. */
export const outdated = (
  { observedAt, quotedAt }: Pick<RateTick, "observedAt" | "quotedAt">,
  now: DateTime.Utc
): ReadonlyArray<RateAnomaly> => {
  const latest = DateTime.addDuration(now, LONGEST_LEAD)
  const earliest = DateTime.subtractDuration(now, LONGEST_AGE)
  const at = [...(quotedAt === undefined ? [] : [quotedAt]), observedAt].find((moment) =>
    DateTime.isGreaterThan(moment, latest)
  )
  if (at !== undefined) return [{ reason: "outdated", at }]
  return quotedAt !== undefined && DateTime.isLessThan(quotedAt, earliest)
    ? [{ reason: "outdated", at: quotedAt }]
    : []
}

/** Fewer do not tell which of the rates is wrong. */
const FEWEST_ROUTES = 3

/**
 * What other pairs say of one: S→D is S'→D × S→D' / S'→D'. The median over all other sources and destinations, so that
 * some wrong ones among them do not count.
 */
export const implied = (
  pair: CurrencyPair,
  rates: ReadonlyArray<Rate>
): Option.Option<{ readonly rate: BigDecimal.BigDecimal; readonly routes: number }> => {
  const byPair = new Map(rates.map((rate) => [rate.pair.key, rate.rate]))
  const into = rates.filter((rate) => rate.pair.to === pair.to && rate.pair.from !== pair.from)
  const outOf = rates.filter((rate) => rate.pair.from === pair.from && rate.pair.to !== pair.to)
  const routes = into
    .flatMap((first) =>
      outOf.flatMap((second) => {
        const between = byPair.get(`${first.pair.from}:${second.pair.to}`)
        return between === undefined
          ? []
          : [Decimal.quotient(BigDecimal.multiply(first.rate, second.rate), between)]
      })
    )
    .toSorted(BigDecimal.Order)
  const median = routes[Math.floor(routes.length / 2)]
  return median === undefined || routes.length < FEWEST_ROUTES
    ? Option.none()
    : Option.some({ rate: median, routes: routes.length })
}

/**
 * Whether a rate has gone away from what others say. A level that was away from it already was accepted, and is not
 * suspected again and again; nor is one at the edge for the little that it moves.
 */
export const hasLeft = (
  rate: BigDecimal.BigDecimal,
  last: Option.Option<Rate>,
  others: BigDecimal.BigDecimal,
  allowed: BigDecimal.BigDecimal
): boolean =>
  !isWithin(rate, others, allowed) &&
  Option.match(last, {
    onNone: () => true,
    onSome: (good) =>
      isWithin(good.rate, others, allowed) && !isWithin(rate, good.rate, BigDecimal.multiply(allowed, LITTLE))
  })

/** What is little, of how far rates may be from each other. */
const LITTLE = BigDecimal.make(25n, 2)

/** Whether the rate of a pair is fixed by law: a feed of it does not die when it does not move. */
export const isPegged = ({ from, to }: CurrencyPair): boolean =>
  PEGGED.some((together) => together.has(from) && together.has(to))

/** Currencies that are fixed to the first one of their group, and so to each other. */
const PEGGED: ReadonlyArray<ReadonlySet<string>> = [
  new Set(["EUR", "XOF", "XAF", "KMF", "CVE"]),
  new Set(["USD", "AED", "SAR", "QAR", "OMR", "BHD", "JOD"]),
  new Set(["ZAR", "NAD", "LSL", "SZL"])
]
