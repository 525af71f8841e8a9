import { BigDecimal, Context, DateTime, Duration, Effect, Layer, Metric, Option } from "effect"
import { Settings } from "../../config/Settings.ts"
import type { DecidedBy, QuarantineId, QuarantineStatus } from "../../domain/rates/QuarantinedRate.ts"
import { ageAt, isSandboxRate, type Rate, type RateTick } from "../../domain/rates/Rate.ts"
import * as RateAnomaly from "../../domain/rates/RateAnomaly.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import type { Superseded } from "../../platform/Leader.ts"
import * as RateMetrics from "../../platform/metrics/RateMetrics.ts"
import { PollCadence } from "../../platform/PollCadence.ts"
import { Quarantined } from "../../providers/ProviderError.ts"
import { RateProvider } from "../../providers/RateProvider.ts"
import { Broadcaster } from "../feed/Broadcaster.ts"
import { RateLevelRepo } from "./RateLevelRepo.ts"
import type { LedPoll } from "../polling/PollRepo.ts"
import { QuarantineRepo } from "./QuarantineRepo.ts"
import { RateRepo } from "../RateRepo.ts"

/** What a tick was asked for by: a poll, that of a leader where `poll` is some, or a lookup. */
export interface Origin {
  readonly polled: boolean
  readonly poll: Option.Option<LedPoll>
}

/** Stands between the providers and what is stored. */
export class RateGuard extends Context.Service<
  RateGuard,
  {
    /**
     * What `store` makes of a tick that is believed. Any other is put aside and fails with `Quarantined`, unless another
     * provider says the same, or enough polls in a row have: then it is the rate that the tick has become.
     */
    readonly admit: <E>(
      tick: RateTick,
      store: Effect.Effect<Rate, E>,
      origin: Origin
    ) => Effect.Effect<Rate, Quarantined | StoreUnavailable | Superseded | E>
  }
>()("effex/rates/guard/RateGuard") {
  static readonly layerNoDeps = Layer.effect(
    RateGuard,
    Effect.suspend(() => make)
  )

  static readonly layer = RateGuard.layerNoDeps.pipe(
    Layer.provide([Layer.suspend(() => QuarantineRepo.layer), RateLevelRepo.layer])
  )
}

/** How old the rates may be with which a tick is compared. */
const COMPARABLE = Duration.hours(1)
/** How old a reference may be that speaks for or against a tick. */
const FRESH = Duration.minutes(1)

type Suspicions = ReadonlyArray<RateAnomaly.RateAnomaly>

const make = Effect.gen(function* () {
  const {
    guardConfirmations,
    guardCrossCheck,
    guardMaxDeviation,
    guardMaxJump,
    guardMaxUnchanged,
    providers
  } = yield* Settings
  const cadence = yield* PollCadence
  const provider = yield* RateProvider
  const broadcaster = yield* Broadcaster
  const rates = yield* RateRepo
  const levels = yield* RateLevelRepo
  const quarantine = yield* QuarantineRepo

  const unchanged = Effect.fnUntraced(function* (tick: RateTick, last: Rate) {
    const limit = Option.getOrUndefined(guardMaxUnchanged)
    if (limit === undefined || RateAnomaly.isPegged(tick.pair)) return []
    // Another provider may have answered since: what counts is what this one said.
    if (tick.provider === last.provider && !BigDecimal.equals(tick.rate, last.rate)) return []
    const since = yield* levels.unchangedSince(tick, limit)
    return Option.toArray(since).map((since): RateAnomaly.RateAnomaly => ({ reason: "unchanged", since }))
  })

  const triangle = (tick: RateTick, last: Option.Option<Rate>): Suspicions => {
    const isComparable = (rate: Rate) =>
      isSandboxRate(rate) === isSandboxRate(tick) &&
      Duration.isLessThanOrEqualTo(ageAt(rate, tick.observedAt), COMPARABLE)
    const others = RateAnomaly.impliedRate(tick.pair, broadcaster.snapshot().rates.filter(isComparable))
    return Option.toArray(others)
      .filter(({ rate }) => RateAnomaly.hasDiverged(tick.rate, last, rate, guardMaxDeviation))
      .map(({ rate, routes }) => ({ reason: "triangle", against: rate, allowed: guardMaxDeviation, routes }))
  }

  const reference = Effect.fnUntraced(function* (tick: RateTick, maxAge: Duration.Duration) {
    const found = yield* provider.reference(tick.pair, tick.provider, maxAge)
    const now = yield* DateTime.now
    return Option.filter(found, (other) => RateAnomaly.detectOutdated(other, now).length === 0)
  })

  const agrees = (tick: RateTick, other: RateTick) =>
    RateAnomaly.isWithin(tick.rate, other.rate, guardMaxDeviation)

  /** What another provider says of a tick: of one that is suspect, only its newest word counts. */
  const crossCheck = Effect.fnUntraced(function* (
    tick: RateTick,
    last: Option.Option<Rate>,
    isSuspect: boolean
  ) {
    const known =
      isSuspect || Option.isNone(guardCrossCheck)
        ? Option.none()
        : yield* reference(tick, guardCrossCheck.value)
    const hasDiverged = (other: RateTick) => RateAnomaly.hasDiverged(tick.rate, last, other.rate, guardMaxDeviation)
    if (!isSuspect && !Option.exists(known, hasDiverged)) return { confirmed: false, disagrees: [] }
    const fresh = Option.getOrUndefined(yield* reference(tick, FRESH))
    if (fresh === undefined) return { confirmed: false, disagrees: [] }
    const disagrees: Suspicions = hasDiverged(fresh)
      ? [{ reason: "disagrees", against: fresh.rate, allowed: guardMaxDeviation, provider: fresh.provider }]
      : []
    return { confirmed: agrees(tick, fresh), disagrees }
  })

  /** Whether a tick's provider stands before that of the last good rate, which only stood in for it. */
  const isPreferred = (tick: RateTick, last: Option.Option<Rate>) => {
    const place = ({ provider }: { readonly provider: string }) =>
      providers.findIndex((name) => name === provider)
    return place(tick) >= 0 && Option.exists(last, (rate) => place(tick) < place(rate))
  }

  /** Why a tick is not believed, and whether another provider confirms it all the same. */
  const examine = Effect.fnUntraced(function* (tick: RateTick, last: Option.Option<Rate>) {
    const now = yield* DateTime.now
    const good = Option.getOrUndefined(last)
    const allowed =
      good === undefined
        ? guardMaxJump
        : RateAnomaly.allowedJump(guardMaxJump, ageAt(good, DateTime.max(now, tick.observedAt)))
    const outdated = RateAnomaly.detectOutdated(tick, now)
    let jumped =
      good === undefined
        ? RateAnomaly.detectInversion(tick.rate, tick.pair)
        : RateAnomaly.detectJump(tick.rate, good, allowed)
    const dead = good === undefined ? [] : yield* unchanged(tick, good)
    let apart = triangle(tick, last)
    const isSuspect = outdated.length + jumped.length + dead.length + apart.length > 0
    const crossed = yield* crossCheck(tick, last, isSuspect)
    if (!isSuspect && crossed.disagrees.length === 0) return { anomalies: [], confirmed: false }

    const { accepted, own, standIn } = yield* levels.of(tick)
    const isAt = (level: Option.Option<BigDecimal.BigDecimal>) =>
      Option.exists(level, (rate) => RateAnomaly.isWithin(tick.rate, rate, allowed))
    if (isAt(accepted)) return { anomalies: outdated, confirmed: false }
    let disagrees = crossed.disagrees
    if (isAt(own)) {
      jumped = []
      // It is at the level that it had, and the others were at theirs already when they stood in for it.
      const areApart = Option.exists(
        Option.all([own, standIn]),
        ([its, theirs]) => !RateAnomaly.isWithin(its, theirs, guardMaxDeviation)
      )
      if (areApart && isPreferred(tick, last)) apart = disagrees = []
    }
    const anomalies = [...outdated, ...jumped, ...dead, ...apart, ...disagrees]
    return {
      anomalies,
      confirmed: crossed.confirmed && anomalies.every(({ reason }) => CONFIRMABLE.has(reason))
    }
  })

  // What a provider said before it fell silent for days agrees with nothing.
  const inARow = (interval: Option.Option<Duration.Duration>) =>
    Duration.max(
      Duration.days(1),
      Duration.times(
        Option.getOrElse(interval, () => Duration.zero),
        2
      )
    )

  /** Where a tick stands among those of its provider that were put aside before it. */
  const inStreak = Effect.fnUntraced(function* (tick: RateTick, { polled }: Origin) {
    const before = Option.filter(
      yield* quarantine.lastPutAside(tick),
      ({ interrupted, rate, status }) =>
        status !== "accepted" && !interrupted && RateAnomaly.isWithin(tick.rate, rate, guardMaxJump)
    )
    const interval = cadence.interval()
    const counts = polled || Option.isNone(interval) ? 1 : 0
    return Option.match(before, {
      onNone: () => ({ streakId: Option.none<QuarantineId>(), agreeing: counts, repeats: false }),
      onSome: ({ agreeing, observedAt, streakId, streakRejected }) => ({
        streakId: Option.some(streakId),
        agreeing: Duration.isLessThan(DateTime.distance(observedAt, tick.observedAt), inARow(interval))
          ? agreeing + counts
          : counts,
        repeats: streakRejected
      })
    })
  })

  const admit: RateGuard["Service"]["admit"] = Effect.fn("RateGuard.admit")(function* (tick, store, origin) {
    const latest = yield* rates.latest(tick.pair)
    const last = Option.filter(latest, (rate) => isSandboxRate(rate) === isSandboxRate(tick))
    const { confirmed, anomalies } = yield* examine(tick, last)
    if (anomalies.length === 0) return yield* store

    const streak = yield* inStreak(tick, origin)
    const lastGoodId = Option.getOrNull(Option.map(last, ({ id }) => id))
    const id = yield* quarantine.put({ tick, anomalies, lastGoodId, ...streak }, origin.poll)
    yield* Effect.forEach(anomalies, ({ reason }) => count(tick.provider, reason))
    const detail = anomalies.map((one) => RateAnomaly.describe(one, tick.rate)).join("; ")
    const what = `${tick.pair.key} of ${tick.provider}: ${detail}`

    const agreed =
      !streak.repeats &&
      Option.exists(guardConfirmations, (enough) => streak.agreeing >= enough) &&
      RateAnomaly.isConfirmable(anomalies, tick.rate, last)
    if (agreed || (confirmed && !streak.repeats)) {
      const by = confirmed ? "confirmation" : "agreement"
      const accepted = yield* quarantine.accept(id, { by, principal: null, reason: null }, origin.poll)
      if (Option.isSome(accepted)) {
        yield* Metric.update(decisionsBy("accepted", by), 1)
        yield* Effect.logWarning(`Put aside and then accepted by ${by}, as ${accepted.value.id}: ${what}`)
        return accepted.value
      }
    }
    if (streak.repeats) yield* Metric.update(decisionsBy("rejected", "repetition"), 1)
    yield* Effect.logWarning(`Put aside as ${id}: ${what}`)
    return yield* new Quarantined({ detail: `put aside as ${id}: ${detail}` })
  })

  return RateGuard.of({ admit })
})

/** What another provider that says the same makes up for. */
const CONFIRMABLE: ReadonlySet<RateAnomaly.RateAnomaly["reason"]> = new Set(["jump", "triangle"])

const count = (provider: string, reason: string) =>
  Metric.update(RateMetrics.quarantined.of({ provider, reason }), 1)

/** Counts decisions about what was put aside. */
export const decisionsBy = (decision: Exclude<QuarantineStatus, "pending">, by: DecidedBy) =>
  RateMetrics.quarantineDecisions.of({ decision, by })
