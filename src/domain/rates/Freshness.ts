import { DateTime, Duration } from "effect"
import * as UsMarketCalendar from "../markets/UsMarketCalendar.ts"
import type { AssetCode, AssetKind } from "../money/Asset.ts"
import type { AssetPair } from "../money/AssetPair.ts"
import * as Rates from "./Rate.ts"
import type { Rate } from "./Rate.ts"

/**
 * Decides which rates are fresh. The age of a rate is the time since it was observed or quoted, whichever is longer ago.
 * The price of a stock ages only while its market is open: over a weekend, the last close stays fresh.
 */
export interface Freshness {
  /** Age from which a rate is stale: `STALE_AFTER`. */
  readonly staleAfter: Duration.Duration
  /** Returns true if the age of a rate at `now` is known and at most `maxAge`. Both are in milliseconds. */
  readonly isFresh: (rate: Rate, maxAge: number, now: number) => boolean
  /** Returns true if a rate was quoted at most `maxAge` before `now`, in milliseconds, or the quote's time is unknown. */
  readonly isQuoteFresh: (rate: Pick<Rate, "pair" | "quotedAt">, maxAge: number, now: number) => boolean
  /** Returns the age of a rate since it was observed. Zero for a rate from the future, whose age is unknown. */
  readonly ageAt: (rate: Pick<Rate, "pair" | "observedAt">, now: DateTime.Utc) => Duration.Duration
  /** Returns the age of a rate since it was observed, or quoted if that is longer ago. */
  readonly quoteAgeAt: (rate: Rate, now: DateTime.Utc) => Duration.Duration
  /** Returns true if a rate is stale at `now`, in epoch milliseconds. */
  readonly isStale: (rate: Rate, now: number) => boolean
  /** Returns a predicate for rates that are stale at `now`, in epoch milliseconds. */
  readonly isStaleAt: (now: number) => (rate: Rate) => boolean
}

/** Makes the rule for a `STALE_AFTER`. `kindOf` returns undefined for an asset that is not in the catalogue. */
export const make = (
  staleAfter: Duration.Duration,
  kindOf: (code: AssetCode) => AssetKind | undefined
): Freshness => {
  const staleAfterMillis = Duration.toMillis(staleAfter)
  const isStock = ({ from, to }: AssetPair) => kindOf(from) === "stock" || kindOf(to) === "stock"

  const isQuoteFresh: Freshness["isQuoteFresh"] = (rate, maxAge, now) =>
    Rates.isQuoteFresh(rate, maxAge, now) ||
    (isStock(rate.pair) && rate.quotedAt !== undefined && openMillisSince(rate.quotedAt, now) <= maxAge)

  const isFresh: Freshness["isFresh"] = (rate, maxAge, now) =>
    Rates.isFresh(rate, maxAge, now) ||
    (isStock(rate.pair) &&
      !Rates.isFuture(rate, now) &&
      openMillisSince(rate.observedAt, now) <= maxAge &&
      isQuoteFresh(rate, maxAge, now))

  const isStale: Freshness["isStale"] = (rate, now) => !isFresh(rate, staleAfterMillis, now)

  const ageAt: Freshness["ageAt"] = (rate, now) =>
    isStock(rate.pair)
      ? Duration.millis(openMillisSince(rate.observedAt, DateTime.toEpochMillis(now)))
      : Rates.ageAt(rate, now)

  const quoteAgeAt: Freshness["quoteAgeAt"] = (rate, now) => {
    if (!isStock(rate.pair)) return Rates.quoteAgeAt(rate, now)
    const times = [rate.observedAt, rate.quotedAt ?? rate.observedAt]
    const millis = times.map((time) => openMillisSince(time, DateTime.toEpochMillis(now)))
    return Duration.millis(Math.max(...millis))
  }

  return {
    staleAfter,
    isFresh,
    isQuoteFresh,
    ageAt,
    quoteAgeAt,
    isStale,
    isStaleAt: (now) => (rate) => isStale(rate, now)
  }
}

const openMillisSince = (time: DateTime.Utc, now: number) =>
  UsMarketCalendar.openMillis(DateTime.toEpochMillis(time), now)
