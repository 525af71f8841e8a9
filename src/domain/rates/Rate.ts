import { type BigDecimal, DateTime, Duration, Schema } from "effect"
import { CurrencyPair } from "../money/CurrencyPair.ts"

/** Identifies one immutable rate. A UUIDv7: ids sort by the time from which their rates are in force. */
export const RateId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("RateId"))
export type RateId = typeof RateId.Type

/** A rate that was stored: units of `pair.to` for one unit of `pair.from`. It never changes; a correction is a new one. */
export interface Rate {
  readonly id: RateId
  readonly pair: CurrencyPair
  /** Exact, positive. */
  readonly rate: BigDecimal.BigDecimal
  /** Who said so, such as `flutterwave`; `sandbox` for made-up rates. */
  readonly provider: string
  /** When it was observed at the provider; in force from then on. */
  readonly observedAt: DateTime.Utc
}

/** A rate as a provider answered it, before it is stored. */
export interface RateTick {
  readonly pair: CurrencyPair
  /** `destinationAmount / sourceAmount`. */
  readonly rate: BigDecimal.BigDecimal
  readonly sourceAmount: BigDecimal.BigDecimal
  readonly destinationAmount: BigDecimal.BigDecimal
  readonly provider: string
  /** The provider's own rate field, as it was written. */
  readonly providerRate: string
  /** The provider's whole answer, as JSON text. */
  readonly raw: string
  readonly observedAt: DateTime.Utc
  /** When it was so, as the provider says; a provider may not say. */
  readonly quotedAt?: DateTime.Utc | undefined
  /** What it was computed from, where the provider does not quote the pair itself. */
  readonly legs?: ReadonlyArray<RateLeg> | undefined
}

/**
 * A rate that a provider quotes, and from which others of the same answer are computed: `provider`, `raw` and
 * `observedAt` are theirs. It is stored once, under the id that it has from the start, and never in force itself.
 */
export interface RateLeg {
  readonly id: RateId
  readonly pair: CurrencyPair
  readonly rate: BigDecimal.BigDecimal
  /** As the provider wrote it. */
  readonly providerRate: string
}

/** Everything that is kept of one rate. */
export interface RateRecord {
  readonly rate: Rate
  readonly sourceAmount: BigDecimal.BigDecimal
  readonly destinationAmount: BigDecimal.BigDecimal
  /** The provider's own rate field, as it was written. */
  readonly providerRate: string
  /** The provider's whole answer, as JSON text. */
  readonly raw: string
  /** The rates that it was computed from; none where the provider quoted it. */
  readonly derivedFrom: ReadonlyArray<RateId>
  /** When it became known here. */
  readonly recordedAt: DateTime.Utc
}

/** No rate is known for the pair, and none could be had. */
export class RateUnavailable extends Schema.TaggedError<RateUnavailable>()("RateUnavailable", {
  pair: CurrencyPair
}) {
  override get message(): string {
    return `No rate of ${this.pair.key} is known yet, and the provider gave none`
  }
}

/** A rate is known, but it is older than the caller accepts and could not be refreshed. */
export class RateTooOld extends Schema.TaggedError<RateTooOld>()("RateTooOld", {
  pair: CurrencyPair,
  age: Schema.Duration,
  maxAge: Schema.Duration
}) {
  override get message(): string {
    const [age, allowed] = [this.age, this.maxAge].map(
      (duration) => `${Math.floor(Duration.toSeconds(duration))} seconds`
    )
    return `The latest rate of ${this.pair.key} is ${age} old, ${allowed} are allowed, and it could not be refreshed`
  }
}

/** Names the provider of made-up rates. */
export const SANDBOX = "sandbox"

/** Whether a rate is made up, and says nothing of real ones. */
export const isMadeUp = ({ provider }: { readonly provider: string }): boolean => provider === SANDBOX

/** How old a rate is. Never negative: a provider's clock may run ahead. */
export const ageAt = (rate: Rate, now: DateTime.Utc): Duration.Duration =>
  Duration.millis(Math.max(0, DateTime.toEpochMillis(now) - DateTime.toEpochMillis(rate.observedAt)))

/** Whether `a` replaces `b` as the latest of its pair: observed later, or a later correction of the same moment. */
export const isNewer = (a: Rate, b: Rate): boolean => {
  const difference = DateTime.toEpochMillis(a.observedAt) - DateTime.toEpochMillis(b.observedAt)
  return difference === 0 ? a.id > b.id : difference > 0
}

/** Whether a rate is older than a limit, at a moment in milliseconds. */
export const isStaleAt = (now: number, staleAfter: Duration.Duration) => {
  const oldest = now - Duration.toMillis(staleAfter)
  return (rate: Rate): boolean => DateTime.toEpochMillis(rate.observedAt) < oldest
}
