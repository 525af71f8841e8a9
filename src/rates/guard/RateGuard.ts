import { Context, DateTime, Duration, Effect, Layer, Metric, Option } from "effect"
import { Settings } from "../../config/Settings.ts"
import type {
  DecidedBy,
  DecisionDetails,
  QuarantineId,
  QuarantineStatus
} from "../../domain/rates/QuarantinedRate.ts"
import { isSandboxRate, type Rate, type RateTick } from "../../domain/rates/Rate.ts"
import * as AnomalyChecks from "../../domain/rates/AnomalyChecks.ts"
import * as RateAnomaly from "../../domain/rates/RateAnomaly.ts"
import type { Superseded } from "../../platform/LeaderTerms.ts"
import * as RateMetrics from "../../platform/metrics/RateMetrics.ts"
import { PollCadence } from "../../platform/PollCadence.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { Quarantined } from "../../providers/ProviderError.ts"
import type { FencedPoll } from "../polling/PollRepo.ts"
import { RateRepo } from "../RateRepo.ts"
import { AnomalyDetector, type Detection } from "./AnomalyDetector.ts"
import * as GuardLimits from "./GuardLimits.ts"
import type { PollSiblings } from "./PollSiblings.ts"
import { QuarantineDecisionRepo } from "./QuarantineDecisionRepo.ts"
import { QuarantineRepo } from "./QuarantineRepo.ts"

/** Reason why a tick was fetched: a lookup, or a poll, which is fenced when a leader runs it. */
export interface TickOrigin {
  readonly isPoll: boolean
  readonly poll: Option.Option<FencedPoll>
  /** The other pairs of the poll. */
  readonly siblings: PollSiblings
}

const make = Effect.gen(function* () {
  const { guardConfirmations } = yield* Settings
  const limitsOf = yield* GuardLimits.make
  const cadence = yield* PollCadence
  const rates = yield* RateRepo
  const detector = yield* AnomalyDetector
  const quarantine = yield* QuarantineRepo
  const decisions = yield* QuarantineDecisionRepo

  /** Maximum time between two consecutive ticks of a streak. A longer gap restarts the count of agreeing ticks. */
  const maxStreakGap = (interval: Option.Option<Duration.Duration>) =>
    Duration.max(
      Duration.days(1),
      Duration.times(
        Option.getOrElse(interval, () => Duration.zero),
        2
      )
    )

  /** Position of a tick in the streak of quarantined ticks of its provider at the same level. */
  const streakOf = Effect.fnUntraced(function* (tick: RateTick, { isPoll }: TickOrigin) {
    const previous = Option.filter(
      yield* quarantine.latestOfProvider(tick),
      ({ isInterrupted, rate, status }) =>
        status !== "accepted" &&
        !isInterrupted &&
        AnomalyChecks.isWithin(tick.rate, rate, limitsOf(tick.pair).maxJump)
    )
    const interval = cadence.interval()
    // Lookups count as agreement only while polling is off.
    const weight = isPoll || Option.isNone(interval) ? 1 : 0
    return Option.match(previous, {
      onNone: () => ({ streakId: Option.none<QuarantineId>(), agreeing: weight, isRepetition: false }),
      onSome: ({ agreeing, isStreakRejected, observedAt, streakId }) => ({
        streakId: Option.some(streakId),
        agreeing: Duration.isLessThan(DateTime.distance(observedAt, tick.observedAt), maxStreakGap(interval))
          ? agreeing + weight
          : weight,
        isRepetition: isStreakRejected
      })
    })
  })

  /** Returns true if enough new quotes of the provider, over a day or an hour, confirm a quarantined tick. */
  const isAgreed = Effect.fnUntraced(function* (
    id: QuarantineId,
    tick: RateTick,
    lastGood: Option.Option<Rate>,
    { anomalies, isContradicted }: Detection
  ) {
    if (Option.isNone(guardConfirmations) || isContradicted) return false
    if (!AnomalyChecks.isConfirmable(anomalies, tick.rate, lastGood)) return false
    const { minAgreementTime, settledDeviation } = limitsOf(tick.pair)
    const { quotes, since } = yield* quarantine.evidenceOf(id, settledDeviation)
    const span = DateTime.distance(since, tick.observedAt)
    return quotes >= guardConfirmations.value && Duration.isGreaterThanOrEqualTo(span, minAgreementTime)
  })

  /** Decides a quarantined tick automatically; none if it waits for more evidence or an operator. */
  const decide = Effect.fnUntraced(function* (
    id: QuarantineId,
    tick: RateTick,
    lastGood: Option.Option<Rate>,
    detection: Detection
  ) {
    if (detection.isConfirmed) return Option.some(automatic("confirmation"))
    if (Option.isSome(detection.decision)) {
      const { pair, principal } = detection.decision.value
      const reason = `covered by the decision on ${pair.key}`
      return Option.some<DecisionDetails>({ by: "operator", principal, reason })
    }
    return (yield* isAgreed(id, tick, lastGood, detection))
      ? Option.some(automatic("agreement"))
      : Option.none<DecisionDetails>()
  })

  const admit: RateGuard["Service"]["admit"] = Effect.fn("RateGuard.admit")(function* (tick, store, origin) {
    const latest = yield* rates.latest(tick.pair)
    const lastGood = Option.filter(latest, (rate) => isSandboxRate(rate) === isSandboxRate(tick))
    const detection = yield* detector.detect(tick, lastGood, origin.siblings)
    const { anomalies } = detection
    if (anomalies.length === 0) return yield* store

    const streak = yield* streakOf(tick, origin)
    const lastGoodId = Option.getOrNull(Option.map(lastGood, ({ id }) => id))
    const id = yield* quarantine.insert({ tick, anomalies, lastGoodId, ...streak }, origin.poll)
    yield* Effect.forEach(anomalies, ({ reason }) => countQuarantined(tick.provider, reason))
    const detail = anomalies.map((anomaly) => RateAnomaly.describe(anomaly, tick.rate)).join("; ")
    const description = `${tick.pair.key} of ${tick.provider}: ${detail}`

    const decision = streak.isRepetition ? Option.none() : yield* decide(id, tick, lastGood, detection)
    if (Option.isSome(decision)) {
      const { by } = decision.value
      const accepted = yield* decisions.accept(id, decision.value, origin.poll)
      if (Option.isSome(accepted)) {
        yield* Metric.update(decisionsBy("accepted", by), 1)
        yield* Effect.logWarning(
          `Quarantined and accepted by ${by}, as rate ${accepted.value.id}: ${description}`
        )
        return accepted.value
      }
    }
    if (streak.isRepetition) yield* Metric.update(decisionsBy("rejected", "repetition"), 1)
    yield* Effect.logWarning(`Quarantined as ${id}: ${description}`)
    return yield* new Quarantined({ detail: `quarantined as ${id}: ${detail}` })
  })

  return RateGuard.of({ admit })
})

/** Quarantines implausible ticks before they are stored as rates. */
export class RateGuard extends Context.Service<
  RateGuard,
  {
    /**
     * Runs `store` for a credible tick, and quarantines any other tick. Accepts, stores and returns a quarantined tick
     * that another provider, other pairs, an operator's decision on its currency or enough new quotes confirm.
     * Otherwise fails with `Quarantined`.
     */
    readonly admit: <E>(
      tick: RateTick,
      store: Effect.Effect<Rate, E>,
      origin: TickOrigin
    ) => Effect.Effect<Rate, Quarantined | StoreUnavailable | Superseded | E>
  }
>()("effex/rates/guard/RateGuard") {
  static readonly layerNoDeps = Layer.effect(RateGuard, make)

  static readonly layer = RateGuard.layerNoDeps.pipe(
    Layer.provide([AnomalyDetector.layer, QuarantineRepo.layer, QuarantineDecisionRepo.layer])
  )
}

const automatic = (by: "confirmation" | "agreement"): DecisionDetails => ({
  by,
  principal: null,
  reason: null
})

const countQuarantined = (provider: string, reason: string) =>
  Metric.update(RateMetrics.quarantined.of({ provider, reason }), 1)

/** Counter of quarantine decisions. */
export const decisionsBy = (decision: Exclude<QuarantineStatus, "pending">, by: DecidedBy) =>
  RateMetrics.quarantineDecisions.of({ decision, by })
