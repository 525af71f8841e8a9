import { BigDecimal, Context, DateTime, Duration, Effect, Layer, Option } from "effect"
import { Settings } from "../../config/Settings.ts"
import { ageAt, isSandboxRate, type Rate, type RateTick } from "../../domain/rates/Rate.ts"
import * as AnomalyChecks from "../../domain/rates/AnomalyChecks.ts"
import type { RateAnomaly } from "../../domain/rates/RateAnomaly.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { RateProvider } from "../../providers/RateProvider.ts"
import { Broadcaster } from "../feed/Broadcaster.ts"
import { RateLevelRepo } from "./RateLevelRepo.ts"

type Anomalies = ReadonlyArray<RateAnomaly>

export interface Detection {
  /** Empty for a credible tick. */
  readonly anomalies: Anomalies
  /** Another provider confirms the tick in spite of its anomalies. */
  readonly isConfirmed: boolean
}

/** Cross rates are computed from rates up to this age. */
const MAX_CROSS_RATE_AGE = Duration.hours(1)

/** A reference rate of another provider confirms or contradicts a tick up to this age. */
const MAX_REFERENCE_AGE = Duration.minutes(1)

/** Anomalies that do not quarantine a tick if another provider has the same rate. */
const CONFIRMABLE: ReadonlySet<RateAnomaly["reason"]> = new Set(["jump", "triangle"])

const make = Effect.gen(function* () {
  const { guardCrossCheck, guardMaxDeviation, guardMaxJump, guardMaxUnchanged, providers } = yield* Settings
  const provider = yield* RateProvider
  const broadcaster = yield* Broadcaster
  const levels = yield* RateLevelRepo

  const detectUnchanged = Effect.fnUntraced(function* (tick: RateTick, lastGood: Rate) {
    const limit = Option.getOrUndefined(guardMaxUnchanged)
    if (limit === undefined || AnomalyChecks.isPegged(tick.pair)) return []
    // Only a last good rate of the same provider shows that the provider's value has changed.
    if (tick.provider === lastGood.provider && !BigDecimal.equals(tick.rate, lastGood.rate)) return []
    const since = yield* levels.unchangedSince(tick, limit)
    return Option.toArray(since).map((since): RateAnomaly => ({ reason: "unchanged", since }))
  })

  const detectCrossRateMismatch = (tick: RateTick, lastGood: Option.Option<Rate>): Anomalies => {
    const isComparable = (rate: Rate) =>
      isSandboxRate(rate) === isSandboxRate(tick) &&
      Duration.isLessThanOrEqualTo(ageAt(rate, tick.observedAt), MAX_CROSS_RATE_AGE)
    const implied = AnomalyChecks.impliedRate(tick.pair, broadcaster.snapshot().rates.filter(isComparable))
    return Option.toArray(implied)
      .filter(({ rate }) => AnomalyChecks.hasDiverged(tick.rate, lastGood, rate, guardMaxDeviation))
      .map(({ rate, routes }) => ({ reason: "triangle", against: rate, allowed: guardMaxDeviation, routes }))
  }

  const referenceRate = Effect.fnUntraced(function* (tick: RateTick, maxAge: Duration.Duration) {
    const reference = yield* provider.reference(tick.pair, tick.provider, maxAge)
    const now = yield* DateTime.now
    return Option.filter(reference, (other) => AnomalyChecks.detectOutdated(other, now).length === 0)
  })

  /**
   * Compares a tick with the reference rate of another provider. An unsuspicious tick is compared with a cached reference
   * first, and with a current one only if they differ; a suspicious tick only with a current one.
   */
  const crossCheck = Effect.fnUntraced(function* (
    tick: RateTick,
    lastGood: Option.Option<Rate>,
    isSuspicious: boolean
  ) {
    const cached =
      isSuspicious || Option.isNone(guardCrossCheck)
        ? Option.none()
        : yield* referenceRate(tick, guardCrossCheck.value)
    const hasDiverged = (other: RateTick) =>
      AnomalyChecks.hasDiverged(tick.rate, lastGood, other.rate, guardMaxDeviation)
    if (!isSuspicious && !Option.exists(cached, hasDiverged)) return { isConfirmed: false, mismatches: [] }
    const current = Option.getOrUndefined(yield* referenceRate(tick, MAX_REFERENCE_AGE))
    if (current === undefined) return { isConfirmed: false, mismatches: [] }
    const mismatches: Anomalies = hasDiverged(current)
      ? [
          {
            reason: "disagrees",
            against: current.rate,
            allowed: guardMaxDeviation,
            provider: current.provider
          }
        ]
      : []
    return { isConfirmed: AnomalyChecks.isWithin(tick.rate, current.rate, guardMaxDeviation), mismatches }
  })

  /** Returns true if the provider of the tick precedes the provider of the last good rate, which is then a fallback. */
  const isPreferred = (tick: RateTick, lastGood: Option.Option<Rate>) => {
    const rank = ({ provider }: { readonly provider: string }) =>
      providers.findIndex((name) => name === provider)
    return rank(tick) >= 0 && Option.exists(lastGood, (rate) => rank(tick) < rank(rate))
  }

  const detect = Effect.fnUntraced(function* (tick: RateTick, lastGood: Option.Option<Rate>) {
    const now = yield* DateTime.now
    const good = Option.getOrUndefined(lastGood)
    const allowedJump =
      good === undefined
        ? guardMaxJump
        : AnomalyChecks.allowedJump(guardMaxJump, ageAt(good, DateTime.max(now, tick.observedAt)))
    const outdated = AnomalyChecks.detectOutdated(tick, now)
    let jumps =
      good === undefined
        ? AnomalyChecks.detectInversion(tick.rate, tick.pair)
        : AnomalyChecks.detectJump(tick.rate, good, allowedJump)
    const unchanged = good === undefined ? [] : yield* detectUnchanged(tick, good)
    let crossRateMismatches = detectCrossRateMismatch(tick, lastGood)
    const isSuspicious = outdated.length + jumps.length + unchanged.length + crossRateMismatches.length > 0
    const crossChecked = yield* crossCheck(tick, lastGood, isSuspicious)
    let providerMismatches = crossChecked.mismatches
    if (!isSuspicious && providerMismatches.length === 0) return { anomalies: [], isConfirmed: false }

    const { accepted, fallback, own } = yield* levels.referenceLevels(tick)
    const isNear = (level: Option.Option<BigDecimal.BigDecimal>) =>
      Option.exists(level, (rate) => AnomalyChecks.isWithin(tick.rate, rate, allowedJump))
    if (isNear(accepted)) return { anomalies: outdated, isConfirmed: false }
    if (isNear(own)) {
      jumps = []
      // The provider has recovered at its own level, which already differed from the fallback's level at the failover.
      const haveAlwaysDiffered = Option.exists(
        Option.all([own, fallback]),
        ([ownRate, fallbackRate]) => !AnomalyChecks.isWithin(ownRate, fallbackRate, guardMaxDeviation)
      )
      if (haveAlwaysDiffered && isPreferred(tick, lastGood)) crossRateMismatches = providerMismatches = []
    }
    const anomalies = [...outdated, ...jumps, ...unchanged, ...crossRateMismatches, ...providerMismatches]
    return {
      anomalies,
      isConfirmed: crossChecked.isConfirmed && anomalies.every(({ reason }) => CONFIRMABLE.has(reason))
    }
  })

  return AnomalyDetector.of({ detect })
})

/** Checks a tick against the last good rate, other pairs and other providers. */
export class AnomalyDetector extends Context.Service<
  AnomalyDetector,
  {
    readonly detect: (
      tick: RateTick,
      lastGood: Option.Option<Rate>
    ) => Effect.Effect<Detection, StoreUnavailable>
  }
>()("effex/rates/guard/AnomalyDetector") {
  static readonly layerNoDeps = Layer.effect(AnomalyDetector, make)

  static readonly layer = AnomalyDetector.layerNoDeps.pipe(Layer.provide(RateLevelRepo.layer))
}
