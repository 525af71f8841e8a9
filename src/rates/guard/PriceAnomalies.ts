import { BigDecimal, DateTime, Duration, Effect, Option } from "effect"
import { Settings } from "../../config/Settings.ts"
import * as UsMarketCalendar from "../../domain/markets/UsMarketCalendar.ts"
import * as AnomalyChecks from "../../domain/rates/AnomalyChecks.ts"
import * as AnomalyPrices from "../../domain/rates/AnomalyPrices.ts"
import { type Rate, type RateTick, SANDBOX_PROVIDER } from "../../domain/rates/Rate.ts"
import type { RateAnomaly } from "../../domain/rates/RateAnomaly.ts"
import type { GuardLimits } from "./GuardLimits.ts"
import { RateLevelRepo } from "./RateLevelRepo.ts"

/** Trading hours of an ordinary week, as a part of its hours. */
const TRADING_PART = 32.5 / (7 * 24)

/**
 * Makes the check of the price of an asset. It compares a price only with the last good one: no other pair implies it, and
 * the first price of an asset is compared with nothing.
 */
export const make = Effect.gen(function* () {
  const { guardMaxUnchanged } = yield* Settings
  const levelRepo = yield* RateLevelRepo

  /** A stock is unchanged only by the hours in which it could have been traded. */
  const wasTradable = (
    tick: RateTick,
    since: DateTime.Utc,
    limit: Duration.Duration,
    { kind }: GuardLimits
  ) => {
    const [from, to] = [DateTime.toEpochMillis(since), DateTime.toEpochMillis(tick.observedAt)]
    return (
      kind !== "stock" || UsMarketCalendar.openMillis(from, to) >= Duration.toMillis(limit) * TRADING_PART
    )
  }

  const detectUnchanged = Effect.fnUntraced(function* (tick: RateTick, lastGood: Rate, limits: GuardLimits) {
    const limit = Option.getOrUndefined(guardMaxUnchanged)
    // The sandbox has an asset whose price never changes.
    if (limit === undefined || tick.provider === SANDBOX_PROVIDER) return []
    if (tick.provider === lastGood.provider && !BigDecimal.equals(tick.rate, lastGood.rate)) return []
    const since = yield* levelRepo.unchangedSince(tick, limit)
    return Option.toArray(Option.filter(since, (since) => wasTradable(tick, since, limit, limits))).map(
      (since): RateAnomaly => ({ reason: "unchanged", since })
    )
  })

  return Effect.fnUntraced(function* (
    tick: RateTick,
    lastGood: Option.Option<Rate>,
    limits: GuardLimits
  ): Effect.fn.Return<
    ReadonlyArray<RateAnomaly>,
    Effect.Error<ReturnType<RateLevelRepo["Service"]["levels"]>>
  > {
    const outdated = AnomalyChecks.detectOutdated(tick, yield* DateTime.now)
    if (Option.isNone(lastGood)) return outdated
    const unchanged = yield* detectUnchanged(tick, lastGood.value, limits)
    const jumps = AnomalyPrices.detectPriceJump(
      tick.rate,
      lastGood.value.rate,
      limits.maxJump,
      limits.kind === "stock"
    )
    if (unchanged.length + jumps.length === 0) return outdated
    const { accepted } = yield* levelRepo.levels(tick)
    const isAccepted = Option.exists(accepted, (rate) =>
      AnomalyChecks.isWithin(tick.rate, rate, limits.maxJump)
    )
    return isAccepted ? outdated : [...outdated, ...jumps, ...unchanged]
  })
})
