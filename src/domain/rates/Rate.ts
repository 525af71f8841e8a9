import { type BigDecimal, DateTime, Duration, Schema } from "effect"
import { RateLimitExceeded } from "../access/RateLimit.ts"
import { AssetPair } from "../money/AssetPair.ts"

/** Id of an immutable rate. A UUIDv7: ids sort by the time from which their rates are in force. */
export const RateId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("RateId"))
export type RateId = typeof RateId.Type

/** A stored rate: units of `pair.to` per unit of `pair.from`. Immutable: a correction is a new rate. */
export interface Rate {
  readonly id: RateId
  readonly pair: AssetPair
  /** Exact, positive. */
  readonly rate: BigDecimal.BigDecimal
  /** Provider name, such as `flutterwave`, or `sandbox` for generated rates. */
  readonly provider: string
  /** When the provider was queried. The rate is in force from then on. */
  readonly observedAt: DateTime.Utc
  /** The provider's own time of the rate. Undefined if the provider sends none. */
  readonly quotedAt?: DateTime.Utc
}

/** A rate from a provider's response, before it is stored. */
export interface RateTick {
  readonly pair: AssetPair
  /** `destinationAmount / sourceAmount`. */
  readonly rate: BigDecimal.BigDecimal
  readonly sourceAmount: BigDecimal.BigDecimal
  readonly destinationAmount: BigDecimal.BigDecimal
  readonly provider: string
  /** The rate field of the provider's response, verbatim. */
  readonly providerRate: string
  /** The provider's complete response, as JSON text. */
  readonly raw: string
  readonly observedAt: DateTime.Utc
  /** The provider's own timestamp of the rate. Undefined if the provider sends none. */
  readonly quotedAt?: DateTime.Utc | undefined
  /** The quotes that a cross rate was computed from. Undefined if the provider quoted the pair directly. */
  readonly legs?: ReadonlyArray<RateLeg> | undefined
}

/**
 * A quoted rate from which cross rates are computed. If they come from one response, it shares their `provider`, `raw` and
 * `observedAt`, is stored once under its preassigned id, and is never in force itself. Otherwise it is a stored rate.
 */
export interface RateLeg {
  readonly id: RateId
  readonly pair: AssetPair
  readonly rate: BigDecimal.BigDecimal
  /** The rate field of the provider's response, verbatim. */
  readonly providerRate: string
}

/** A rate with its full provenance. */
export interface RateRecord {
  readonly rate: Rate
  readonly sourceAmount: BigDecimal.BigDecimal
  readonly destinationAmount: BigDecimal.BigDecimal
  /** The rate field of the provider's response, verbatim. */
  readonly providerRate: string
  /** The provider's complete response, as JSON text. */
  readonly raw: string
  /** The rates that it was computed from. Empty if the provider quoted the pair directly. */
  readonly derivedFrom: ReadonlyArray<RateId>
  /** When effex stored the rate. */
  readonly recordedAt: DateTime.Utc
}

/** No rate is stored for the pair, and no provider returned one. */
export class RateUnavailable extends Schema.TaggedError<RateUnavailable>()("RateUnavailable", {
  pair: AssetPair,
  /** Reason that a caller can understand, such as that no provider quotes the pair. */
  reason: Schema.optionalKey(Schema.String),
  /** Time after which a provider may be asked again. */
  retryAfter: Schema.optionalKey(Schema.Duration)
}) {
  override get message(): string {
    if (this.reason !== undefined) return `No ${this.pair.key} rate is available: ${this.reason}`
    return `No ${this.pair.key} rate is available yet, and no provider returned one`
  }
}

/** The latest rate is older than the caller accepts and could not be refreshed. */
export class RateTooOld extends Schema.TaggedError<RateTooOld>()("RateTooOld", {
  pair: AssetPair,
  age: Schema.Duration,
  maxAge: Schema.Duration,
  /** The caller has used up its refreshes. */
  refreshes: Schema.optionalKey(RateLimitExceeded)
}) {
  override get message(): string {
    const [age, allowed] = [this.age, this.maxAge].map(
      (duration) => `${Math.floor(Duration.toSeconds(duration))} seconds`
    )
    return `The latest ${this.pair.key} rate is ${age} old; at most ${allowed} are allowed, and it could not be refreshed${this.refreshes === undefined ? "" : `. ${this.refreshes.message}`}`
  }
}

/** Provider name of sandbox rates. */
export const SANDBOX_PROVIDER = "sandbox"

/** Returns true for a generated sandbox rate, which must not be compared with real ones. */
export const isSandboxRate = ({ provider }: { readonly provider: string }): boolean =>
  provider === SANDBOX_PROVIDER

/** Nodes know the time of the database to within a round trip, so a rate may be this far ahead of another node. */
export const FUTURE_TOLERANCE = Duration.seconds(1)

const FUTURE_TOLERANCE_MILLIS = Duration.toMillis(FUTURE_TOLERANCE)

/** Milliseconds since the observation; negative for a rate from the future. */
const elapsedMillis = ({ observedAt }: Pick<Rate, "observedAt">, now: number) =>
  now - DateTime.toEpochMillis(observedAt)

/** Returns true if a rate is from the future at `now`, in epoch milliseconds: a clock was wrong, so its age is unknown. */
export const isFuture = (rate: Rate, now: number): boolean =>
  elapsedMillis(rate, now) < -FUTURE_TOLERANCE_MILLIS

/** Returns true if the provider's own time of a rate is at most `maxAge` ago, in milliseconds, or unknown. */
export const isQuoteFresh = ({ quotedAt }: Pick<Rate, "quotedAt">, maxAge: number, now: number): boolean =>
  quotedAt === undefined || now - DateTime.toEpochMillis(quotedAt) <= maxAge

/** Returns true if the age of a rate is known, and it was observed and quoted at most `maxAge` ago, in milliseconds. */
export const isFresh = (rate: Rate, maxAge: number, now: number): boolean => {
  const elapsed = elapsedMillis(rate, now)
  return elapsed >= -FUTURE_TOLERANCE_MILLIS && elapsed <= maxAge && isQuoteFresh(rate, maxAge, now)
}

/** Returns the age of a rate. Zero for a rate from the future, whose age is unknown: see {@link isFuture}. */
export const ageAt = (rate: Pick<Rate, "observedAt">, now: DateTime.Utc): Duration.Duration =>
  Duration.millis(Math.max(0, elapsedMillis(rate, DateTime.toEpochMillis(now))))

/** Returns the time since a rate was observed, or quoted if that is longer ago. */
export const quoteAgeAt = (rate: Rate, now: DateTime.Utc): Duration.Duration => {
  const age = ageAt(rate, now)
  return rate.quotedAt === undefined ? age : Duration.max(age, DateTime.distance(rate.quotedAt, now))
}

/** Returns true if `a` replaces `b` as the latest rate: it was observed later, or corrects the same observation time. */
export const isNewer = (a: Rate, b: Rate): boolean => {
  const difference = DateTime.toEpochMillis(a.observedAt) - DateTime.toEpochMillis(b.observedAt)
  return difference === 0 ? a.id > b.id : difference > 0
}

/** Returns true if `a` replaces `b` at `now`, in epoch milliseconds: it is newer, or `b` is from the future. */
export const replaces = (a: Rate, b: Rate, now: number): boolean =>
  isFuture(a, now) === isFuture(b, now) ? isNewer(a, b) : isFuture(b, now)

/** Returns a predicate for rates that are not fresh for `staleAfter` at `now`, in epoch milliseconds. */
export const isStaleAt = (now: number, staleAfter: Duration.Duration) => {
  const maxAge = Duration.toMillis(staleAfter)
  return (rate: Rate): boolean => !isFresh(rate, maxAge, now)
}
