import {
  Context,
  Deferred,
  Duration,
  Effect,
  Fiber,
  FiberHandle,
  Layer,
  Option,
  Schedule,
  Schema,
  Stream
} from "effect"
import type { PollId, PollRun } from "../../domain/rates/PollRun.ts"
import type { ClockSkewed } from "../../platform/ClockSkew.ts"
import * as LeaderElection from "../../platform/LeaderElection.ts"
import { LeaderTerms } from "../../platform/LeaderTerms.ts"
import * as ClusterMetrics from "../../platform/metrics/ClusterMetrics.ts"
import { trackInFlight } from "../../platform/metrics/MetricSeries.ts"
import { fixed, PollCadence } from "../../platform/PollCadence.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { awaitEnabled, repeatAtCadence } from "./PollInterval.ts"
import { type PollCause, PollRepo } from "./PollRepo.ts"
import { type OnProgress, type PollCallbacks, PollInProgress, PollRunner, QUARANTINED } from "./PollRunner.ts"
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

/** Name of the leader term for scheduled polls. */
export const POLLER = "poller"

/** Retries of `pollNow`, until the poll of another process is recorded. */
const POLL_NOW_RETRY = Schedule.spaced("100 millis").pipe(Schedule.upTo({ times: 20 }))

/** Minimum time that a superseded process leaves polling to the new leader. */
const SUPERSEDED_COOLDOWN = Duration.seconds(30)

const make = Effect.gen(function* () {
  const cadence = yield* PollCadence
  const scope = yield* Effect.scope
  const polls = yield* PollRepo
  const leaderTerms = yield* LeaderTerms
  const runner = yield* PollRunner
  const requested = yield* RequestedRefresh

  const runWithoutTerm = (cause: Exclude<PollCause, { trigger: "schedule" }>, callbacks: PollCallbacks) =>
    Effect.catchTag(runner.run(cause, callbacks), "Superseded", Effect.die)

  const pollOnce: RatePoller["Service"]["pollOnce"] = Effect.fn("RatePoller.pollOnce")((onProgress) =>
    runWithoutTerm({ trigger: "command-line" }, { onProgress })
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
    function* (requestedBy) {
      const started = yield* Deferred.make<PollId>()
      const poll = yield* runWithoutTerm(
        { trigger: "demand", requestedBy },
        { onStart: (id) => Deferred.succeed(started, id) }
      ).pipe(
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
        Effect.tap((id) => Effect.logInfo(`Poll ${id} was requested by ${requestedBy}`))
      )
    },
    Effect.retry({ while: (error) => error._tag === "PollInProgress", schedule: POLL_NOW_RETRY })
  )

  // PollInProgress is retried soon: the lock may still belong to a leader that has died.
  const pollInTerm = Effect.gen(function* () {
    if (Option.isNone(cadence.interval()))
      yield* Effect.logInfo("Polling is off: rates are fetched on demand")
    yield* awaitEnabled(cadence)
    const leadership = yield* leaderTerms.startTerm(POLLER)
    yield* Effect.logInfo(`This process polls as leader, in term ${leadership.term}`)
    // The next poll does not wait for a refresh of requested pairs.
    const refreshing = yield* FiberHandle.make()
    yield* FiberHandle.clear(refreshing).pipe(
      Effect.andThen(runner.run({ trigger: "schedule", leadership })),
      Effect.tap(FiberHandle.run(refreshing, requested.run)),
      Effect.flatMap(failIfNothingRefreshed),
      repeatAtCadence(cadence),
      trackInFlight(ClusterMetrics.isLeader.of({ task: POLLER }))
    )
  }).pipe(Effect.scoped)

  // One interval, so that the new leader has polled; a change of the interval applies immediately.
  const coolDown = cadence.changes.pipe(
    Stream.switchMap((interval) =>
      Stream.fromEffect(
        Effect.sleep(
          Duration.max(
            Option.getOrElse(interval, () => SUPERSEDED_COOLDOWN),
            SUPERSEDED_COOLDOWN
          )
        )
      )
    ),
    Stream.runHead
  )

  const pollAsLeader = pollInTerm.pipe(
    Effect.catchTag("Superseded", (error) => Effect.andThen(Effect.logWarning(error.message), coolDown)),
    Effect.tapError((error) => Effect.logError(`Starting a leader term failed: ${error.message}`)),
    Effect.retry(Schedule.spaced("5 seconds")),
    Effect.orDie,
    Effect.forever
  )

  return RatePoller.of({ pollOnce, pollEvery, pollNow, pollAsLeader })
})

/**
 * Polls the rates of all polled pairs, on a schedule and on demand. After each poll of a schedule, it refreshes other pairs
 * that were asked for.
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
     * Starts a poll in the background and returns its id, or the id of the poll in progress, in this or in another
     * process. Fails with `PollInProgress` if that poll is not recorded within two seconds.
     */
    readonly pollNow: (
      requestedBy: string
    ) => Effect.Effect<PollId, PollInProgress | StoreUnavailable | ClockSkewed>
    /**
     * Like {@link pollEvery}, at the interval in effect, and paused while polling is off. Polls in a leader term: nothing
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

const failIfNothingRefreshed = ({ failures, pairs }: PollRun) =>
  failures.length < pairs || failures.some(({ reason }) => reason === QUARANTINED)
    ? Effect.void
    : Effect.fail(new PollFailed({ pairs, detail: failures[0]?.detail ?? "" }))
