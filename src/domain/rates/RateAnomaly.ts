import { BigDecimal, DateTime, Schema } from "effect"
import * as Decimal from "../money/Decimal.ts"

/** The quote from which the tick was computed, such as `EUR:USD`, if that quote and not the tick is the anomaly. */
const leg = Schema.optionalKey(Schema.String)

/** Source and destination appear to be swapped. */
const Inverted = Schema.Struct({
  reason: Schema.tag("inverted"),
  /** The last good rate, or the approximate rate of the pair if there is none. */
  against: Decimal.PositiveDecimal,
  leg
})

/** Differs too much from a good rate. */
const Jump = Schema.Struct({
  reason: Schema.tag("jump"),
  /** The last good rate; the rate in force at `since`; or the approximate rate of the pair if there is no good rate. */
  against: Decimal.PositiveDecimal,
  /** Maximum allowed change, as a fraction. */
  allowed: Decimal.PositiveDecimal,
  /** Start of the time in which small changes added up. */
  since: Schema.optionalKey(Schema.DateTimeUtcFromString),
  /** True for the first rate of a pair, which is compared with its approximate rate. */
  approximate: Schema.optionalKey(Schema.Boolean),
  /** Ratio of a possible stock split, such as `4:1` for four shares from one. */
  split: Schema.optionalKey(Schema.String),
  leg
})

/** Differs too much from the rate of another provider. */
const ProviderMismatch = Schema.Struct({
  reason: Schema.tag("disagrees"),
  against: Decimal.PositiveDecimal,
  allowed: Decimal.PositiveDecimal,
  provider: Schema.String
})

/** Differs too much from the cross rate of other pairs (triangular arbitrage check). */
const CrossRateMismatch = Schema.Struct({
  reason: Schema.tag("triangle"),
  against: Decimal.PositiveDecimal,
  allowed: Decimal.PositiveDecimal,
  /** Number of cross rates of which `against` is the median. */
  routes: Schema.Int
})

/** Unchanged for so long that the provider's feed is probably dead. */
const Unchanged = Schema.Struct({
  reason: Schema.tag("unchanged"),
  /** First known observation of the value. It may be older. */
  since: Schema.DateTimeUtcFromString
})

/** Timestamped too far in the past, or in the future. */
const Outdated = Schema.Struct({
  reason: Schema.tag("outdated"),
  at: Schema.DateTimeUtcFromString
})

/** A reason to quarantine a tick, with the numbers behind it. Stored as JSON and part of the admin API. */
export const RateAnomaly = Schema.Union([
  Inverted,
  Jump,
  ProviderMismatch,
  CrossRateMismatch,
  Unchanged,
  Outdated
])
export type RateAnomaly = typeof RateAnomaly.Type

/** Every `reason`. */
export const REASONS = RateAnomaly.members.map(({ fields }) => fields.reason.schema.literal)

/** Describes an anomaly of a rate for an operator. */
export const describe = (anomaly: RateAnomaly, rate: BigDecimal.BigDecimal): string => {
  const found = Decimal.format(rate)
  switch (anomaly.reason) {
    case "inverted":
      return anomaly.leg === undefined
        ? `${found} looks inverted; expected about ${Decimal.format(anomaly.against)}`
        : `its quote of ${anomaly.leg} looks inverted; expected about ${Decimal.format(anomaly.against)}`
    case "jump":
      return anomaly.leg === undefined
        ? describeChange(rate, anomaly, jumpReference(anomaly)) + describeSplit(anomaly)
        : `its quote of ${anomaly.leg} is far from ${Decimal.format(anomaly.against)} (${jumpReference(anomaly)})`
    case "disagrees":
      return describeChange(rate, anomaly, anomaly.provider)
    case "triangle":
      return describeChange(rate, anomaly, `median of ${anomaly.routes} cross rates`)
    case "unchanged":
      return `${found} has not changed since ${DateTime.formatIso(anomaly.since)} or earlier`
    case "outdated":
      return `${found} is timestamped ${DateTime.formatIso(anomaly.at)}, which is too old or in the future`
  }
}

const describeSplit = ({ split }: typeof Jump.Type) =>
  split === undefined ? "" : `; this may be a split of ${split}`

const jumpReference = ({ approximate, since }: typeof Jump.Type) => {
  if (since !== undefined) return `rate of ${DateTime.formatIso(since)}`
  return approximate === true ? "approximate rate" : "last good rate"
}

/** `2250 is 50 % above 1500 (last good rate); at most 20 % is allowed`. */
const describeChange = (
  rate: BigDecimal.BigDecimal,
  { against, allowed }: { readonly against: BigDecimal.BigDecimal; readonly allowed: BigDecimal.BigDecimal },
  reference: string
) => {
  const change = BigDecimal.subtract(Decimal.quotient(rate, against), ONE)
  const side = BigDecimal.isNegative(change) ? "below" : "above"
  return `${Decimal.format(rate)} is ${percent(BigDecimal.abs(change))} ${side} ${Decimal.format(against)} (${reference}); at most ${percent(allowed)} is allowed`
}

// Truncated, because a positive rate is never 100 % below another one.
const percent = (fraction: BigDecimal.BigDecimal) =>
  `${Decimal.format(BigDecimal.truncate(BigDecimal.multiply(fraction, HUNDRED), 1))} %`

const ONE = BigDecimal.make(1n, 0)
const HUNDRED = BigDecimal.make(100n, 0)
