import {
  Clock,
  Context,
  DateTime,
  Duration,
  Effect,
  Layer,
  Metric,
  Option,
  Result,
  Schedule,
  Schema
} from "effect"
import { Settings } from "../config/Settings.ts"
import type { CurrencyPair } from "../domain/CurrencyPair.ts"
import { type PollFailure, type PollRun, summaryOf } from "../domain/PollRun.ts"
import { Database, type StoreUnavailable } from "../platform/Database.ts"
import * as Metrics from "../platform/Metrics.ts"
import { Broadcaster } from "./Broadcaster.ts"
import { PollRepo } from "./PollRepo.ts"
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
     * then after twice as long each time, up to the interval.
     */
    readonly pollEvery: (
      interval: Duration.Duration,
      observe?: (progress: PollProgress) => Effect.Effect<void>,
      report?: (run: PollRun) => Effect.Effect<void>
    ) => Effect.Effect<never>
  }
>()("effex/rates/RatePoller") {
  static readonly layer = Layer.effect(
    RatePoller,
    Effect.suspend(() => make)
  )

  /** Polls in the background every `POLL_INTERVAL`, unless that is off. */
  static readonly layerBackground = Layer.effectDiscard(
    Effect.gen(function* () {
      const { pollInterval } = yield* Settings
      const poller = yield* RatePoller
      if (Option.isNone(pollInterval))
        return yield* Effect.logInfo("Polling is off: rates are fetched on demand")
      yield* Effect.forkScoped(poller.pollEvery(pollInterval.value))
    })
  )
}

const make = Effect.gen(function* () {
  const { pairs, pollConcurrency } = yield* Settings
  const { exclusively } = yield* Database
  const intake = yield* RateIntake
  const polls = yield* PollRepo
  const broadcaster = yield* Broadcaster

  const refresh = Effect.fnUntraced(function* (
    pair: CurrencyPair,
    observe: (progress: PollProgress) => Effect.Effect<void>
  ) {
    const result = yield* Effect.result(intake.take(pair))
    const failure = Result.isSuccess(result) ? Option.none() : Option.some(toFailure(pair, result.failure))
    yield* Metric.update(pairsBy(Option.isNone(failure) ? "refreshed" : "failed"), 1)
    yield* observe({ pair, failure })
    return failure
  })

  const run = Effect.fn("RatePoller.run")(function* (
    observe: (progress: PollProgress) => Effect.Effect<void>
  ) {
    const startedAt = yield* DateTime.now
    const startedNanos = yield* Clock.currentTimeNanos
    const id = yield* polls.begin(startedAt, pairs.all.length)
    const outcomes = yield* Effect.forEach(pairs.all, (pair) => refresh(pair, observe), {
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
    const seconds = Duration.toSeconds(Duration.nanos((yield* Clock.currentTimeNanos) - startedNanos))
    yield* Metric.update(Metrics.pollDuration, seconds)
    yield* polls.finish(finished)
    yield* broadcaster.publishPoll(summaryOf(finished))
    yield* Effect.logInfo(
      `Polled ${finished.pairs} pairs: ${finished.pairs - failures.length} refreshed, ${failures.length} failed`
    )
    for (const { detail, pair } of failures)
      yield* Effect.logWarning(`${pair.key} was not refreshed: ${detail}`)
    return finished
  })

  const pollOnce: RatePoller["Service"]["pollOnce"] = Effect.fn("RatePoller.pollOnce")(function* (
    observe = ignore
  ) {
    const ran = yield* exclusively("poll", run(observe))
    return Option.isSome(ran) ? ran.value : yield* new PollUnderWay()
  })

  const pollEvery: RatePoller["Service"]["pollEvery"] = (interval, observe = ignore, report = ignore) =>
    pollOnce(observe).pipe(
      Effect.tap(report),
      Effect.filterOrFail(
        refreshedAny,
        ({ failures, pairs }) => new PollFailed({ pairs, detail: failures[0]?.detail ?? "" })
      ),
      Effect.catchTag("PollUnderWay", () => Effect.logInfo("Another process is polling")),
      Effect.tapError((error) => Effect.logError(`The poll failed: ${error.message}`)),
      untilNext(interval),
      Effect.retry(Schedule.min([Schedule.exponential("5 seconds"), Schedule.spaced(interval)])),
      Effect.orDie,
      Effect.forever
    )

  return RatePoller.of({ pollOnce, pollEvery })
})

const ignore = () => Effect.void

/** Waits for what is left of the interval since the poll began. */
const untilNext =
  (interval: Duration.Duration) =>
  <A, E, R>(poll: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Effect.timed(poll), ([took]) => Effect.sleep(Duration.subtract(interval, took)))

const refreshedAny = (run: PollRun) => run.failures.length < run.pairs

const toFailure = (
  pair: CurrencyPair,
  error: Effect.Error<ReturnType<RateIntake["Service"]["take"]>>
): PollFailure =>
  error._tag === "ProviderError"
    ? { pair, reason: error.reason._tag, detail: error.message }
    : { pair, reason: error._tag, detail: error.message }

const pairsBy = (outcome: "refreshed" | "failed") => Metric.withAttributes(Metrics.pollPairs, { outcome })
