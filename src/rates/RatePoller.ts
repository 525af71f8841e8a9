import { Context, DateTime, Duration, Effect, Layer, Metric, Option, Schedule, Schema } from "effect"
import { Settings } from "../config/Settings.ts"
import type { CurrencyPair } from "../domain/CurrencyPair.ts"
import { type PollFailure, type PollRun, summaryOf } from "../domain/PollRun.ts"
import * as Cluster from "../platform/Cluster.ts"
import { Database, type StoreUnavailable } from "../platform/Database.ts"
import { Leader, type Leadership } from "../platform/Leader.ts"
import * as Metrics from "../platform/Metrics.ts"
import { timed, underWay } from "../platform/MetricSeries.ts"
import type { ProviderError, ProviderReason } from "../providers/ProviderError.ts"
import { Broadcaster } from "./Broadcaster.ts"
import { repeatedly } from "./PollInterval.ts"
import { type LedPoll, PollRepo } from "./PollRepo.ts"
import { RateIntake } from "./RateIntake.ts"

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
     * As {@link pollEvery}, in a term of its own, so that nothing is written when another process has taken over. It
     * then rests, and takes a new term.
     */
    readonly lead: (interval: Duration.Duration) => Effect.Effect<never>
  }
>()("effex/rates/RatePoller") {
  static readonly layer = Layer.effect(
    RatePoller,
    Effect.suspend(() => make)
  ).pipe(Layer.provide(Leader.layer))

  /** Polls in the background every `POLL_INTERVAL`, in one process of the cluster, unless that is off. */
  static readonly layerBackground = Layer.unwrap(
    Effect.gen(function* () {
      const { pollInterval } = yield* Settings
      if (Option.isNone(pollInterval))
        return Layer.effectDiscard(Effect.logInfo("Polling is off: rates are fetched on demand"))
      const poller = yield* RatePoller
      return Cluster.singleton("poller", poller.lead(pollInterval.value))
    })
  )
}

const make = Effect.gen(function* () {
  const { pairs, pollConcurrency } = yield* Settings
  const { exclusively } = yield* Database
  const intake = yield* RateIntake
  const polls = yield* PollRepo
  const leader = yield* Leader
  const broadcaster = yield* Broadcaster

  const refresh = Effect.fnUntraced(function* (
    pair: CurrencyPair,
    poll: Option.Option<LedPoll>,
    observe: Observe
  ) {
    const failure = yield* intake.takePolled(pair, poll).pipe(
      Effect.as(Option.none<PollFailure>()),
      Effect.catchTag(["ProviderError", "StoreUnavailable"], (error) =>
        Effect.succeedSome(toFailure(pair, error))
      )
    )
    yield* Metric.update(pairsBy(Option.isNone(failure) ? "refreshed" : "failed"), 1)
    yield* observe({ pair, failure })
    return failure
  })

  const run = Effect.fn("RatePoller.run")(function* (
    leadership: Option.Option<Leadership>,
    observe: Observe
  ) {
    const startedAt = yield* DateTime.now
    const id = yield* polls.begin(startedAt, pairs.all.length, leadership)
    const poll = Option.map(leadership, (leadership) => ({ id, leadership }))
    const outcomes = yield* Effect.forEach(pairs.all, (pair) => refresh(pair, poll, observe), {
      concurrency: pollConcurrency
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
    yield* broadcaster.publishPoll(summaryOf(finished))
    yield* Effect.logInfo(
      `Polled ${finished.pairs} pairs: ${finished.pairs - failures.length} refreshed, ${failures.length} failed`
    )
    for (const { detail, pair } of failures)
      yield* Effect.logWarning(`${pair.key} was not refreshed: ${detail}`)
    return finished
  })

  const poll = Effect.fnUntraced(function* (leadership: Option.Option<Leadership>, observe: Observe) {
    const measured = run(leadership, observe).pipe(
      timed(Metrics.pollDuration),
      Effect.onError(() => Metric.update(pollsBy("broken"), 1))
    )
    const ran = yield* exclusively("poll", measured)
    return Option.isSome(ran) ? ran.value : yield* new PollUnderWay()
  })

  const pollOnce: RatePoller["Service"]["pollOnce"] = Effect.fn("RatePoller.pollOnce")(function* (
    observe = ignore
  ) {
    return yield* Effect.catchTag(poll(Option.none(), observe), "Superseded", Effect.die)
  })

  const pollEvery: RatePoller["Service"]["pollEvery"] = (interval, observe = ignore, report = ignore) =>
    pollOnce(observe).pipe(
      Effect.tap(report),
      Effect.flatMap(unlessNothingRefreshed),
      Effect.catchTag("PollUnderWay", () => Effect.logInfo("Another process is polling")),
      repeatedly(interval),
      Effect.orDie
    )

  // A poll that is under way may be of a leader that is gone, so that it is not waited for as long as for another.
  const leadOnce = Effect.fnUntraced(function* (interval: Duration.Duration) {
    const leadership = yield* leader.take("poller")
    yield* Effect.logInfo(`This process polls, in term ${leadership.term}`)
    return yield* poll(Option.some(leadership), ignore).pipe(
      Effect.flatMap(unlessNothingRefreshed),
      repeatedly(interval),
      underWay(Metrics.leading.of({ task: "poller" }))
    )
  })

  const lead: RatePoller["Service"]["lead"] = (interval) =>
    leadOnce(interval).pipe(
      Effect.catchTag("Superseded", (error) =>
        Effect.andThen(Effect.logWarning(error.message), Effect.sleep(Duration.max(interval, REST)))
      ),
      Effect.tapError((error) => Effect.logError(`No term could be begun: ${error.message}`)),
      Effect.retry(Schedule.spaced("5 seconds")),
      Effect.orDie,
      Effect.forever
    )

  return RatePoller.of({ pollOnce, pollEvery, lead })
})

/** How long at least a process that is superseded leaves the polling to the other. */
const REST = Duration.seconds(30)

type Observe = (progress: PollProgress) => Effect.Effect<void>

const ignore = () => Effect.void

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

const pollsBy = (outcome: "complete" | "partial" | "failed" | "broken") => Metrics.polls.of({ outcome })

/** Counts what came of a poll. */
const measure = Effect.fnUntraced(function* ({ failures, finishedAt, pairs }: PollRun) {
  const outcome = failures.length === 0 ? "complete" : failures.length < pairs ? "partial" : "failed"
  yield* Metric.update(pollsBy(outcome), 1)
  if (outcome !== "failed") yield* Metric.update(Metrics.lastPoll, DateTime.toEpochMillis(finishedAt) / 1000)
})

const pairsBy = (outcome: "refreshed" | "failed") => Metrics.pollPairs.of({ outcome })
