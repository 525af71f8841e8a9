import {
  Context,
  DateTime,
  Deferred,
  Duration,
  Effect,
  Fiber,
  FiberHandle,
  Layer,
  Option,
  Schedule,
  Schema
} from "effect"
import type { SqlError } from "effect/sql"
import { Settings } from "../../config/Settings.ts"
import type { PairSet, PollId, PollRun } from "../../domain/rates/PollRun.ts"
import type { ClockSkewed } from "../../platform/ClockSkew.ts"
import * as LeaderElection from "../../platform/LeaderElection.ts"
import { LeaderTerms } from "../../platform/LeaderTerms.ts"
import * as ClusterMetrics from "../../platform/metrics/ClusterMetrics.ts"
import { observe, trackInFlight } from "../../platform/metrics/MetricSeries.ts"
import * as PollMetrics from "../../platform/metrics/PollMetrics.ts"
import { fixed, ofPrices, PollCadence } from "../../platform/PollCadence.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { awaitEnabled, repeatAtCadence } from "./PollInterval.ts"
import { type PollCause, PollRepo } from "./PollRepo.ts"
import { type OnProgress, type PollCallbacks, PollInProgress, PollRunner, QUARANTINED } from "./PollRunner.ts"
import { repeatTerms } from "./PollTerms.ts"
import { RequestedRefresh } from "./RequestedRefresh.ts"

/** A poll refreshed no pair. */
export class PollFailed extends Schema.TaggedError<PollFailed>()("PollFailed", {
  pairs: Schema.Int,
  /** Message of the first failure. */
  detail: Schema.String
}) {
  override get message(): string {
    return `The poll refreshed none of ${this.pairs} pairs: ${this.detail}`
  }
}

/** Name of the leader term for scheduled polls of currencies. */
export const POLLER = "poller"
/** Name of the leader term for scheduled polls of prices. */
export const PRICE_POLLER = "price-poller"

/** Retries of `pollNow`, until the poll of another process is recorded. */
const POLL_NOW_RETRY = Schedule.spaced("100 millis").pipe(Schedule.upTo({ times: 20 }))

const make = Effect.gen(function* () {
  const { pricePollInterval } = yield* Settings
  const cadence = yield* PollCadence
  const priceCadence = ofPrices(cadence, pricePollInterval)
  const scope = yield* Effect.scope
  const polls = yield* PollRepo
  const leaderTerms = yield* LeaderTerms
  const runner = yield* PollRunner
  const requested = yield* RequestedRefresh

  yield* observe(PollMetrics.priceInterval, () =>
    Option.match(priceCadence.interval(), { onNone: () => 0, onSome: Duration.toSeconds })
  )

  const runWithoutTerm = (
    pairSet: PairSet,
    cause: Exclude<PollCause, { trigger: "schedule" }>,
    callbacks: PollCallbacks = {}
  ) => Effect.catchTag(runner.run(pairSet, cause, callbacks), "Superseded", Effect.die)

  const hasPrices = Effect.sync(() => runner.pairsOf("prices").length > 0)

  const pollOnce: RatePoller["Service"]["pollOnce"] = Effect.fn("RatePoller.pollOnce")(
    function* (onProgress) {
      const poll = (pairSet: PairSet) => runWithoutTerm(pairSet, { trigger: "command-line" }, { onProgress })
      const prices = Effect.andThen(hasPrices, (exist) =>
        exist ? Effect.asSome(poll("prices")) : Effect.succeedNone
      )
      const [currencies, priced] = yield* Effect.all([poll("currencies"), prices], {
        concurrency: "unbounded"
      })
      return Option.match(priced, {
        onNone: () => currencies,
        onSome: (run) => combine(currencies, run)
      })
    }
  )

  const pollEvery: RatePoller["Service"]["pollEvery"] = (
    interval,
    onProgress,
    onFinish = () => Effect.void
  ) =>
    pollOnce(onProgress).pipe(
      Effect.tap(onFinish),
      Effect.tap(requested.run),
      Effect.flatMap(failIfNothingRefreshed),
      Effect.catchTag("PollInProgress", () => Effect.logInfo("Another process is polling")),
      repeatAtCadence(fixed(Option.some(interval))),
      Effect.orDie,
      Effect.forever
    )

  const runningPollId = Effect.flatMap(
    polls.running,
    Option.match({ onNone: () => Effect.fail(new PollInProgress()), onSome: ({ id }) => Effect.succeed(id) })
  )

  const pollNow: RatePoller["Service"]["pollNow"] = Effect.fn("RatePoller.pollNow")(
    function* (requestedBy, record) {
      const started = yield* Deferred.make<PollId>()
      const cause = { trigger: "demand", requestedBy } as const
      const recorded = record === undefined ? cause : { ...cause, record }
      const poll = yield* runWithoutTerm("currencies", recorded, {
        onStart: (id) => Deferred.succeed(started, id)
      }).pipe(
        Effect.tapError((error) =>
          error._tag === "PollInProgress" ? Effect.void : Effect.logError(`Poll failed: ${error.message}`)
        ),
        Effect.forkIn(scope)
      )
      const id = Effect.raceFirst(
        Deferred.await(started),
        Effect.map(Fiber.join(poll), ({ id }) => id)
      )
      return yield* id.pipe(
        Effect.catchTag("PollInProgress", () => runningPollId),
        Effect.tap((id) => Effect.logInfo(`Poll ${id} was requested by ${requestedBy}`)),
        Effect.tap(
          runWithoutTerm("prices", cause).pipe(
            Effect.catchTag("PollInProgress", () => Effect.void),
            Effect.catch(({ message }) => Effect.logError(`Poll of prices failed: ${message}`)),
            Effect.when(hasPrices),
            Effect.forkIn(scope)
          )
        )
      )
    },
    Effect.retry({ while: (error) => error._tag === "PollInProgress", schedule: POLL_NOW_RETRY })
  )

  // PollInProgress is retried soon: the lock may still belong to a leader that has died.
  const pollCurrenciesInTerm = Effect.gen(function* () {
    if (Option.isNone(cadence.interval()))
      yield* Effect.logInfo("Polling is off: rates are fetched on demand")
    yield* awaitEnabled(cadence)
    const leadership = yield* leaderTerms.startTerm(POLLER)
    yield* Effect.logInfo(`This process polls as leader, in term ${leadership.term}`)
    // The next poll does not wait for a refresh of requested pairs.
    const refreshing = yield* FiberHandle.make()
    yield* FiberHandle.clear(refreshing).pipe(
      Effect.andThen(runner.run("currencies", { trigger: "schedule", leadership })),
      Effect.tap(FiberHandle.run(refreshing, requested.run)),
      Effect.flatMap(failIfNothingRefreshed),
      repeatAtCadence(cadence),
      trackInFlight(ClusterMetrics.isLeader.of({ task: POLLER }))
    )
  }).pipe(Effect.scoped)

  const pollPricesInTerm = Effect.gen(function* () {
    yield* awaitEnabled(priceCadence)
    const leadership = yield* leaderTerms.startTerm(PRICE_POLLER)
    yield* runner
      .run("prices", { trigger: "schedule", leadership })
      .pipe(
        Effect.flatMap(failIfNothingRefreshed),
        Effect.when(hasPrices),
        Effect.asVoid,
        repeatAtCadence(priceCadence),
        trackInFlight(ClusterMetrics.isLeader.of({ task: PRICE_POLLER }))
      )
  })

  const pollAsLeader = Effect.all(
    [repeatTerms(pollCurrenciesInTerm, cadence), repeatTerms(pollPricesInTerm, priceCadence)],
    { concurrency: "unbounded", discard: true }
  ).pipe(Effect.andThen(Effect.never))

  return RatePoller.of({ pollOnce, pollEvery, pollNow, pollAsLeader })
})

/**
 * Polls the rates of all polled pairs, on a schedule and on demand. Currencies and prices are polled independently of each
 * other. After each scheduled poll of currencies, it refreshes other pairs that were asked for.
 */
export class RatePoller extends Context.Service<
  RatePoller,
  {
    /** Refreshes every pair once, and returns the result. The failure of a pair does not stop the others. */
    readonly pollOnce: (
      onProgress?: OnProgress
    ) => Effect.Effect<PollRun, PollInProgress | StoreUnavailable | ClockSkewed>
    /**
     * Polls immediately, and then every `interval`, without end. A poll that refreshed no pair is retried with exponential
     * backoff, from 5 seconds up to the interval. A poll with quarantined rates is not retried early: retries within
     * seconds would count as confirmations of a new level.
     */
    readonly pollEvery: (
      interval: Duration.Duration,
      onProgress?: OnProgress,
      onFinish?: (run: PollRun) => Effect.Effect<void>
    ) => Effect.Effect<never>
    /**
     * Starts a poll of currencies and one of prices in the background. Returns the id of the first, or of the one in
     * progress, in this or in another process. Fails with `PollInProgress` if that poll is not recorded within two seconds.
     * `record` runs in the transaction that starts the first, so that no poll starts without it. It does not run for a poll in
     * progress.
     */
    readonly pollNow: (
      requestedBy: string,
      record?: (id: PollId) => Effect.Effect<void, SqlError.SqlError>
    ) => Effect.Effect<PollId, PollInProgress | StoreUnavailable | ClockSkewed>
    /**
     * Like {@link pollEvery}, at the interval in effect and that of prices, and paused while polling is off. Polls in a leader term: nothing
     * is written after another process has started a newer term. It then waits, and starts a new term.
     */
    readonly pollAsLeader: Effect.Effect<never>
  }
>()("effex/rates/polling/RatePoller") {
  static readonly layerNoDeps = Layer.effect(RatePoller, make)

  static readonly layer = RatePoller.layerNoDeps.pipe(
    Layer.provide([PollRunner.layer, RequestedRefresh.layer])
  )

  /** Polls in the background, in one process of the cluster. */
  static readonly layerBackground = Layer.unwrap(
    Effect.map(RatePoller, ({ pollAsLeader }) => LeaderElection.singleton(POLLER, pollAsLeader))
  )
}

/** Counts two polls that ran together as one, with the id of the first. */
const combine = (currencies: PollRun, prices: PollRun): PollRun => ({
  id: currencies.id,
  startedAt: DateTime.min(currencies.startedAt, prices.startedAt),
  finishedAt: DateTime.max(currencies.finishedAt, prices.finishedAt),
  pairs: currencies.pairs + prices.pairs,
  failures: [...currencies.failures, ...prices.failures]
})

const failIfNothingRefreshed = ({ failures, pairs }: PollRun) =>
  failures.length < pairs || failures.some(({ reason }) => reason === QUARANTINED)
    ? Effect.void
    : Effect.fail(new PollFailed({ pairs, detail: failures[0]?.detail ?? "" }))
