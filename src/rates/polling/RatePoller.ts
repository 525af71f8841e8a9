import {
  Context,
  DateTime,
  Deferred,
  Duration,
  Effect,
  Fiber,
  Layer,
  Metric,
  Option,
  Schedule,
  Schema,
  Semaphore,
  Stream
} from "effect"
import { setImmediate } from "node:timers/promises"
import { Settings } from "../../config/Settings.ts"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import { type PollFailure, type PollId, type PollRun, summarize } from "../../domain/rates/PollRun.ts"
import * as Cluster from "../../platform/Cluster.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { Leader } from "../../platform/Leader.ts"
import * as ClusterMetrics from "../../platform/metrics/ClusterMetrics.ts"
import * as PollMetrics from "../../platform/metrics/PollMetrics.ts"
import { timed, trackInFlight } from "../../platform/metrics/MetricSeries.ts"
import { fixed, PollCadence } from "../../platform/PollCadence.ts"
import type { ProviderError, ProviderReason } from "../../providers/ProviderError.ts"
import { Broadcaster } from "../feed/Broadcaster.ts"
import { repeatedly, untilOn } from "./PollInterval.ts"
import { type LedPoll, leadershipOf, LOCK, type Occasion, PollRepo } from "./PollRepo.ts"
import { type InTurn, RateIngest } from "../RateIngest.ts"

/** Another poll is under way, here or in another process. */
export class PollUnderWay extends Schema.TaggedError<PollUnderWay>()("PollUnderWay", {}) {
  override get message(): string {
    return "Another poll is under way"
  }
}

/** A poll refreshed no pair at all. */
export class PollFailed extends Schema.TaggedError<PollFailed>()("PollFailed", {
  pairs: Schema.Int,
  /** The first failure, in words. */
  detail: Schema.String
}) {
  override get message(): string {
    return `None of ${this.pairs} pairs could be refreshed: ${this.detail}`
  }
}

/** What happened to one pair of a poll that is under way. */
export interface PollProgress {
  readonly pair: CurrencyPair
  readonly failure: Option.Option<PollFailure>
}

/** Keeps every pair's rate fresh. */
export class RatePoller extends Context.Service<
  RatePoller,
  {
    /**
     * Refreshes every pair once, and returns what came of it. One pair's failure is recorded and does not stop the
     * others. `observe` is told of each pair when it is done.
     */
    readonly pollOnce: (
      observe?: (progress: PollProgress) => Effect.Effect<void>
    ) => Effect.Effect<PollRun, PollUnderWay | StoreUnavailable>
    /**
     * Polls now and then every `interval`, for ever. A poll that refreshed nothing is repeated sooner: after 5 seconds,
     * then after twice as long each time, up to the interval. One that had answers which were not believed is not: it
     * would take a level after some seconds that polls are to confirm.
     */
    readonly pollEvery: (
      interval: Duration.Duration,
      observe?: (progress: PollProgress) => Effect.Effect<void>,
      report?: (run: PollRun) => Effect.Effect<void>
    ) => Effect.Effect<never>
    /**
     * Has every pair refreshed in the background, and returns the poll as soon as it has begun, or the one that is
     * under way already, here or in another process. `PollUnderWay` where that is not recorded within some seconds.
     */
    readonly pollNow: (requestedBy: string) => Effect.Effect<PollId, PollUnderWay | StoreUnavailable>
    /**
     * As {@link pollEvery}, at the interval that is in force, however it changes, and not at all while polling is off.
     * It does so in a term of its own, so that nothing is written when another process has taken over. It then rests,
     * and takes a new term.
     */
    readonly lead: Effect.Effect<never>
  }
>()("effex/rates/polling/RatePoller") {
  static readonly layer = Layer.effect(
    RatePoller,
    Effect.suspend(() => make)
  ).pipe(Layer.provide(Leader.layer))

  /** Polls in the background, in one process of the cluster. */
  static readonly layerBackground = Layer.unwrap(
    Effect.map(RatePoller, ({ lead }) => Cluster.singleton(POLLER, lead))
  )
}

const make = Effect.gen(function* () {
  const { pairs, pollConcurrency } = yield* Settings
  const cadence = yield* PollCadence
  const scope = yield* Effect.scope
  const { withLock } = yield* Database
  const intake = yield* RateIngest
  const polls = yield* PollRepo
  const leader = yield* Leader
  const broadcaster = yield* Broadcaster

  const refresh = Effect.fnUntraced(function* (
    pair: CurrencyPair,
    poll: Option.Option<LedPoll>,
    observe: Observe,
    inTurn: InTurn
  ) {
    const failure = yield* intake.takePolled(pair, poll, inTurn).pipe(
      Effect.as(Option.none<PollFailure>()),
      Effect.catchTag(["ProviderError", "StoreUnavailable"], (error) =>
        Effect.succeedSome(toFailure(pair, error))
      )
    )
    yield* Metric.update(pairsBy(Option.isNone(failure) ? "refreshed" : "failed"), 1)
    yield* observe({ pair, failure })
    return failure
  })

  const run = Effect.fn("RatePoller.run")(function* (occasion: Occasion, { begun, observe }: Watching) {
    const startedAt = yield* DateTime.now
    const leadership = leadershipOf(occasion)
    const id = yield* polls.begin(startedAt, pairs.all.length, occasion)
    yield* begun(id)
    const poll = Option.map(leadership, (leadership) => ({ id, leadership }))
    const inTurn = turns(yield* Semaphore.make(pollConcurrency))
    const outcomes = yield* Effect.forEach(pairs.all, (pair) => refresh(pair, poll, observe, inTurn), {
      concurrency: UNDER_WAY * pollConcurrency
    })
    const failures = outcomes.flatMap(Option.toArray)
    const finished: PollRun = {
      id,
      startedAt,
      finishedAt: yield* DateTime.now,
      pairs: pairs.all.length,
      failures
    }
    yield* polls.finish(finished, leadership)
    yield* measure(finished)
    yield* broadcaster.publishPoll(summarize(finished))
    yield* Effect.logInfo(
      `Polled ${finished.pairs} pairs: ${finished.pairs - failures.length} refreshed, ${failures.length} failed`
    )
    for (const { detail, pair } of failures)
      yield* Effect.logWarning(`${pair.key} was not refreshed: ${detail}`)
    return finished
  })

  const poll = Effect.fnUntraced(function* (occasion: Occasion, watching: Watching = UNWATCHED) {
    const measured = run(occasion, watching).pipe(
      timed(PollMetrics.duration),
      Effect.onError(() => Metric.update(pollsBy("broken"), 1))
    )
    const ran = yield* withLock(LOCK, measured)
    return Option.isSome(ran) ? ran.value : yield* new PollUnderWay()
  })

  const unled = (occasion: Exclude<Occasion, { trigger: "schedule" }>, watching: Partial<Watching>) =>
    Effect.catchTag(poll(occasion, { ...UNWATCHED, ...watching }), "Superseded", Effect.die)

  const pollOnce: RatePoller["Service"]["pollOnce"] = Effect.fn("RatePoller.pollOnce")(function* (
    observe = ignore
  ) {
    return yield* unled({ trigger: "command-line" }, { observe })
  })

  const pollEvery: RatePoller["Service"]["pollEvery"] = (interval, observe = ignore, report = ignore) =>
    pollOnce(observe).pipe(
      Effect.tap(report),
      Effect.flatMap(unlessNothingRefreshed),
      Effect.catchTag("PollUnderWay", () => Effect.logInfo("Another process is polling")),
      repeatedly(fixed(Option.some(interval))),
      Effect.orDie,
      Effect.forever
    )

  /** The poll that is under way, where it is recorded already. */
  const joined = Effect.flatMap(
    polls.running,
    Option.match({ onNone: () => Effect.fail(new PollUnderWay()), onSome: ({ id }) => Effect.succeed(id) })
  )

  const pollNow: RatePoller["Service"]["pollNow"] = Effect.fn("RatePoller.pollNow")(
    function* (requestedBy) {
      const begun = yield* Deferred.make<PollId>()
      const polling = yield* unled(
        { trigger: "demand", requestedBy },
        { begun: (id) => Deferred.succeed(begun, id) }
      ).pipe(
        Effect.tapError((error) =>
          error._tag === "PollUnderWay" ? Effect.void : Effect.logError(`The poll failed: ${error.message}`)
        ),
        Effect.forkIn(scope)
      )
      const id = Effect.raceFirst(
        Deferred.await(begun),
        Effect.map(Fiber.join(polling), ({ id }) => id)
      )
      return yield* id.pipe(
        Effect.catchTag("PollUnderWay", () => joined),
        Effect.tap((id) => Effect.logInfo(`${requestedBy} asked for a poll, which is ${id}`))
      )
    },
    Effect.retry({ while: (error) => error._tag === "PollUnderWay", schedule: SOON })
  )

  // A poll that is under way may be of a leader that is gone, so that it is not waited for as long as for another.
  const leadOnce = Effect.gen(function* () {
    if (Option.isNone(cadence.interval()))
      yield* Effect.logInfo("Polling is off: rates are fetched on demand")
    yield* untilOn(cadence)
    const leadership = yield* leader.take(POLLER)
    yield* Effect.logInfo(`This process polls, in term ${leadership.term}`)
    yield* poll({ trigger: "schedule", leadership }).pipe(
      Effect.flatMap(unlessNothingRefreshed),
      repeatedly(cadence),
      trackInFlight(ClusterMetrics.isLeader.of({ task: POLLER }))
    )
  })

  // As long as a poll of the other takes to come, and no longer where the interval is changed meanwhile.
  const rest = cadence.changes.pipe(
    Stream.switchMap((interval) =>
      Stream.fromEffect(
        Effect.sleep(
          Duration.max(
            Option.getOrElse(interval, () => REST),
            REST
          )
        )
      )
    ),
    Stream.runHead
  )

  const lead = leadOnce.pipe(
    Effect.catchTag("Superseded", (error) => Effect.andThen(Effect.logWarning(error.message), rest)),
    Effect.tapError((error) => Effect.logError(`No term could be begun: ${error.message}`)),
    Effect.retry(Schedule.spaced("5 seconds")),
    Effect.orDie,
    Effect.forever
  )

  return RatePoller.of({ pollOnce, pollEvery, pollNow, lead })
})

/** What is led: the polls of the schedule. */
export const POLLER = "poller"

/** How often one who asks for a poll tries again, where that of another is not recorded yet. */
const SOON = Schedule.spaced("100 millis").pipe(Schedule.upTo({ times: 20 }))

/** How long at least a process that is superseded leaves the polling to the other. */
const REST = Duration.seconds(30)

/** How many times as many pairs are under way as providers are asked for: the others are next, or are being stored. */
const UNDER_WAY = 2

/** Waits for a turn, which is over with the answer: providers need not wait for what is stored. */
const turns =
  (free: Semaphore.Semaphore): InTurn =>
  (ask) =>
    Effect.flatMap(free.take(1), () => {
      let isOver = false
      const over = Effect.suspend(() => {
        if (isOver) return Effect.void
        isOver = true
        return Effect.asVoid(free.release(1))
      })
      return Effect.ensuring(ask(Effect.andThen(over, untilNextHasAsked)), over)
    })

/**
 * Whoever is next asks before anything is made of the answer: its request is made in the first turn of the event loop, and
 * leaves in the second.
 */
const untilNextHasAsked = Effect.promise(async () => {
  await setImmediate()
  await setImmediate()
})

/** Who is told of a poll while it is under way. */
interface Watching {
  readonly begun: (id: PollId) => Effect.Effect<unknown>
  readonly observe: Observe
}

type Observe = (progress: PollProgress) => Effect.Effect<void>

const ignore = () => Effect.void

const UNWATCHED: Watching = { begun: ignore, observe: ignore }

const unlessNothingRefreshed = ({ failures, pairs }: PollRun) =>
  failures.length < pairs || failures.some(({ reason }) => reason === PUT_ASIDE)
    ? Effect.void
    : Effect.fail(new PollFailed({ pairs, detail: failures[0]?.detail ?? "" }))

/** The reason of a failure where any provider answered, and was not believed. */
const PUT_ASIDE = "Quarantined" satisfies ProviderReason["_tag"]

const toFailure = (pair: CurrencyPair, error: ProviderError | StoreUnavailable): PollFailure =>
  error._tag === "ProviderError"
    ? { pair, reason: error.putAside ? PUT_ASIDE : error.reason._tag, detail: error.message }
    : { pair, reason: error._tag, detail: error.message }

const pollsBy = (outcome: "complete" | "partial" | "failed" | "broken") => PollMetrics.polls.of({ outcome })

/** Counts what came of a poll. */
const measure = Effect.fnUntraced(function* ({ failures, finishedAt, pairs }: PollRun) {
  const outcome = failures.length === 0 ? "complete" : failures.length < pairs ? "partial" : "failed"
  yield* Metric.update(pollsBy(outcome), 1)
  if (outcome !== "failed") yield* Metric.update(PollMetrics.lastSuccess, DateTime.toEpochMillis(finishedAt) / 1000)
})

const pairsBy = (outcome: "refreshed" | "failed") => PollMetrics.pairs.of({ outcome })
