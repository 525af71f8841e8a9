import { BigDecimal, Context, DateTime, Effect, Layer, Option } from "effect"
import { Settings } from "../../config/Settings.ts"
import * as AnomalyChecks from "../../domain/rates/AnomalyChecks.ts"
import * as AnomalyLevels from "../../domain/rates/AnomalyLevels.ts"
import * as ApproximateRates from "../../domain/rates/ApproximateRates.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import type { Rate, RateTick } from "../../domain/rates/Rate.ts"
import type { RateAnomaly } from "../../domain/rates/RateAnomaly.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { CrossRates } from "./CrossRates.ts"
import * as GuardLimits from "./GuardLimits.ts"
import * as PriceAnomalies from "./PriceAnomalies.ts"
import type { PollSiblings } from "./PollSiblings.ts"
import { type CurrencyDecision, type PairLevels, RateLevelRepo } from "./RateLevelRepo.ts"
import { SecondProvider } from "./SecondProvider.ts"

type Anomalies = ReadonlyArray<RateAnomaly>

export interface Detection {
  /** Empty for a credible tick. */
  readonly anomalies: Anomalies
  /** Another provider, or the good rates of other pairs, confirm the tick in spite of its anomalies. */
  readonly isConfirmed: boolean
  /** Another provider responds with a different level. New quotes of the same provider then confirm nothing. */
  readonly isContradicted: boolean
  /** An operator accepted the same change of the same currency for another pair. */
  readonly decision: Option.Option<CurrencyDecision>
}

/** Anomalies of a level. Another provider at the same level confirms them, except an inversion, which both may share. */
const LEVEL_ANOMALIES: ReadonlySet<RateAnomaly["reason"]> = new Set(["jump", "inverted", "triangle"])

const isLevelAnomaly = ({ reason }: RateAnomaly) => LEVEL_ANOMALIES.has(reason)

const isSwappedLeg = (anomaly: RateAnomaly) => anomaly.reason === "inverted" && anomaly.leg !== undefined

const isDrift = (anomaly: RateAnomaly) => anomaly.reason === "jump" && anomaly.since !== undefined

const make = Effect.gen(function* () {
  const { guardFirstRateFactor, guardMaxDeviation, guardMaxJump, guardMaxUnchanged, providers } =
    yield* Settings
  const levelRepo = yield* RateLevelRepo
  const crossRates = yield* CrossRates
  const secondProvider = yield* SecondProvider
  const limitsOf = yield* GuardLimits.make
  const detectPrice = yield* PriceAnomalies.make
  const limits = { maxJump: guardMaxJump, maxDeviation: guardMaxDeviation }

  const detectUnchanged = Effect.fnUntraced(function* (tick: RateTick, lastGood: Rate) {
    const limit = Option.getOrUndefined(guardMaxUnchanged)
    if (limit === undefined || AnomalyChecks.isPegged(tick.pair)) return []
    // Only a last good rate of the same provider shows that the provider's value has changed.
    if (tick.provider === lastGood.provider && !BigDecimal.equals(tick.rate, lastGood.rate)) return []
    const since = yield* levelRepo.unchangedSince(tick, limit)
    return Option.toArray(since).map((since): RateAnomaly => ({ reason: "unchanged", since }))
  })

  /** Compares a tick with the good rates of its own provider, or of all. */
  const detectLevelChange = Effect.fnUntraced(function* (
    tick: RateTick,
    level: Omit<AnomalyLevels.Levels, "steps">,
    isOwn: boolean
  ) {
    const detectWith = (steps: AnomalyLevels.Levels["steps"]) =>
      AnomalyLevels.detectLevelChange(tick.rate, { ...level, steps }, limits)
    const anomalies = detectWith([])
    if (!anomalies.some(isDrift)) return anomalies
    return detectWith(yield* levelRepo.largeSteps(tick, isOwn, level.anchorAt, guardMaxDeviation))
  })

  /** Compares the quotes that a tick was computed from with their last good rates. */
  const detectLegs = Effect.fnUntraced(function* (tick: RateTick) {
    if (tick.legs === undefined) return []
    return (yield* levelRepo.lastLegs(tick)).flatMap(({ last, leg }): Anomalies => {
      const found: Anomalies = Option.match(last, {
        onNone: () => detectImplausible(leg),
        onSome: (good) =>
          AnomalyChecks.isInverse(leg.rate, good) ? [{ reason: "inverted", against: good }] : []
      })
      return found.map((anomaly) =>
        anomaly.reason === "inverted" || anomaly.reason === "jump"
          ? { ...anomaly, leg: leg.pair.key }
          : anomaly
      )
    })
  })

  const detectImplausible = ({ pair, rate }: Pick<RateTick, "pair" | "rate">) =>
    Option.match(guardFirstRateFactor, {
      onNone: (): Anomalies => [],
      onSome: (factor) => AnomalyLevels.detectImplausible(rate, pair, factor)
    })

  /** Returns true for a first rate that is so near to its approximate rate that nothing else needs to support it. */
  const isNearApproximation = ({ pair, rate }: RateTick) =>
    Option.isNone(guardFirstRateFactor) ||
    Option.exists(ApproximateRates.magnitudeOf(pair), (approximate) =>
      AnomalyChecks.isWithin(rate, approximate, guardMaxDeviation)
    )

  /** Returns true if the provider of the tick precedes the provider of the last good rate, which is then a fallback. */
  const isPreferred = (tick: RateTick, lastGood: Option.Option<Rate>) => {
    const rank = ({ provider }: { readonly provider: string }) =>
      providers.findIndex((name) => name === provider)
    return rank(tick) >= 0 && Option.exists(lastGood, (rate) => rank(tick) < rank(rate))
  }

  /** Levels of the pair before the tick. The last good rate counts even if it is old. */
  const levelOf = (levels: PairLevels, lastGood: Option.Option<Rate>) =>
    Option.map(lastGood, (good) =>
      Option.match(levels.all, {
        onNone: () => ({
          last: good.rate,
          anchor: good.rate,
          anchorAt: good.observedAt,
          oldest: good.rate,
          oldestAt: good.observedAt
        }),
        onSome: (level) => ({ ...level, last: good.rate })
      })
    )

  /** Finds the decision of an operator on another pair by which the currency has moved as in this tick. */
  const findDecision = Effect.fnUntraced(function* (tick: RateTick, lastGood: Option.Option<Rate>) {
    const before = (decided: CurrencyDecision) =>
      Option.orElse(decided.before, () => ApproximateRates.magnitudeOf(decided.pair))
    const base = Option.orElse(
      Option.map(lastGood, ({ rate }) => rate),
      () => ApproximateRates.magnitudeOf(tick.pair)
    )
    if (Option.isNone(base)) return Option.none()
    const decisions = yield* levelRepo.currencyDecisions(tick)
    return Option.fromUndefinedOr(
      decisions.find(
        (decided) =>
          limitsOf(decided.pair).kind === "currency" &&
          !Option.exists(lastGood, ({ observedAt }) =>
            DateTime.isGreaterThanOrEqualTo(observedAt, decided.observedAt)
          ) &&
          Option.exists(before(decided), (old) => {
            const isDestination = decided.pair.to === tick.pair.to
            const [a, b] = isDestination ? [decided.rate, old] : [old, decided.rate]
            const expected = Decimal.quotient(BigDecimal.multiply(base.value, a), b)
            return AnomalyChecks.isWithin(tick.rate, expected, guardMaxDeviation)
          })
      )
    )
  })

  const detect = Effect.fnUntraced(function* (
    tick: RateTick,
    lastGood: Option.Option<Rate>,
    awaitSiblings: Effect.Effect<void>
  ) {
    const now = yield* DateTime.now
    const levels = yield* levelRepo.levels(tick)
    const level = levelOf(levels, lastGood)
    const anchor = Option.map(level, ({ anchor }) => anchor)
    const outdated = AnomalyChecks.detectOutdated(tick, now)
    const unchanged = Option.isNone(lastGood) ? [] : yield* detectUnchanged(tick, lastGood.value)
    let changes = Option.isNone(level)
      ? detectImplausible(tick)
      : yield* detectLevelChange(tick, level.value, false)
    const isFirst = Option.isNone(level)
    // A swapped leg changes the rate at least as much as the leg.
    const isSettled = Option.exists(level, ({ last }) =>
      AnomalyChecks.isWithin(tick.rate, last, AnomalyChecks.MIN_INVERSION)
    )
    if (!isSettled) changes = [...changes, ...(yield* detectLegs(tick))]

    let mismatches = crossRates.mismatch(tick, anchor)
    if (changes.length + mismatches.length > 0 || (isFirst && !isNearApproximation(tick))) {
      yield* awaitSiblings
      mismatches = crossRates.mismatch(tick, anchor)
    }
    const isSuspicious = outdated.length + unchanged.length + changes.length + mismatches.length > 0
    const second = yield* secondProvider.compare(tick, anchor, isSuspicious)
    let providerMismatches = second.mismatches
    if (!isSuspicious && providerMismatches.length === 0) return CREDIBLE
    // A drift that the other provider shares starts no new window, in which it could leave the other provider.
    const isSharedDrift =
      second.isConfirmed && [...outdated, ...unchanged, ...changes, ...mismatches].every(isDrift)
    if (isSharedDrift && providerMismatches.length === 0) return CREDIBLE

    // A decision covers a level, neither its inverse nor a swapped leg near it.
    const isAccepted = Option.exists(
      levels.accepted,
      (rate) =>
        AnomalyChecks.isWithin(tick.rate, rate, guardMaxJump) && !AnomalyChecks.isInverse(tick.rate, rate)
    )
    if (isAccepted && !changes.some(isSwappedLeg)) return { ...CREDIBLE, anomalies: outdated }
    // The provider has recovered at its own level, which already differed from the fallback's level at the failover.
    const haveAlwaysDiffered = Option.exists(
      Option.all([levels.own, levels.fallback]),
      ([own, fallback]) => !AnomalyChecks.isWithin(own.anchor, fallback, guardMaxDeviation)
    )
    if (haveAlwaysDiffered && Option.isSome(levels.own)) {
      const ownChanges = yield* detectLevelChange(tick, levels.own.value, true)
      if (ownChanges.length === 0) {
        changes = []
        if (isPreferred(tick, lastGood)) mismatches = providerMismatches = []
      }
    }
    const anomalies = [...outdated, ...changes, ...unchanged, ...mismatches, ...providerMismatches]
    if (anomalies.length === 0 || !anomalies.every(isLevelAnomaly)) {
      return { ...CREDIBLE, anomalies }
    }
    const isOutlier = Option.exists(
      Option.all([crossRates.implied(tick), lastGood]),
      ([implied, good]) =>
        mismatches.length === 0 &&
        AnomalyChecks.isWithin(tick.rate, implied, guardMaxDeviation) &&
        !AnomalyChecks.isWithin(good.rate, implied, guardMaxJump)
    )
    const decision = mismatches.length > 0 ? Option.none() : yield* findDecision(tick, lastGood)
    const isInverted = anomalies.some(({ reason }) => reason === "inverted")
    return {
      anomalies,
      isConfirmed: isOutlier || (second.isConfirmed && !isInverted),
      isContradicted: second.isContradicted,
      decision
    }
  })

  return AnomalyDetector.of({
    detect: (tick, lastGood, siblings) =>
      Effect.suspend(() => {
        const limits = limitsOf(tick.pair)
        if (limits.kind !== "currency") {
          return Effect.andThen(
            siblings.arrive(tick.pair),
            Effect.map(detectPrice(tick, lastGood, limits), (anomalies) => ({ ...CREDIBLE, anomalies }))
          )
        }
        crossRates.observe(tick)
        return Effect.andThen(siblings.arrive(tick.pair), detect(tick, lastGood, siblings.awaitAll))
      })
  })
})

const CREDIBLE: Detection = {
  anomalies: [],
  isConfirmed: false,
  isContradicted: false,
  decision: Option.none()
}

/**
 * Checks an exchange rate against the good rates of its pair, other pairs, another provider and approximate rates, and a
 * price against the last good one.
 */
export class AnomalyDetector extends Context.Service<
  AnomalyDetector,
  {
    /** A suspicious tick waits for the other pairs of its poll. */
    readonly detect: (
      tick: RateTick,
      lastGood: Option.Option<Rate>,
      siblings: PollSiblings
    ) => Effect.Effect<Detection, StoreUnavailable>
  }
>()("effex/rates/guard/AnomalyDetector") {
  static readonly layerNoDeps = Layer.effect(AnomalyDetector, make).pipe(
    Layer.provide([CrossRates.layer, SecondProvider.layer])
  )

  static readonly layer = AnomalyDetector.layerNoDeps.pipe(Layer.provide(RateLevelRepo.layer))
}
