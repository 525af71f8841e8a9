import { Context, DateTime, Effect, Layer, Metric, Option, Schema } from "effect"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { Settings } from "../../config/Settings.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import * as Currency from "../../domain/money/Currency.ts"
import {
  type PairSet,
  type PollFailure,
  type PollId,
  type PollRun,
  summarize
} from "../../domain/rates/PollRun.ts"
import * as ClockSkew from "../../platform/ClockSkew.ts"
import type { Superseded } from "../../platform/LeaderTerms.ts"
import { timed } from "../../platform/metrics/MetricSeries.ts"
import * as PollMetrics from "../../platform/metrics/PollMetrics.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import type { ProviderError, ProviderReason } from "../../providers/ProviderError.ts"
import { Broadcaster } from "../feed/Broadcaster.ts"
import * as PollSiblings from "../guard/PollSiblings.ts"
import { type PollFetchOptions, RateIngest } from "../RateIngest.ts"
import { type FencedPoll, POLL_LOCKS, type PollCause, PollRepo, termOf } from "./PollRepo.ts"
import * as ProviderPermits from "./ProviderPermits.ts"

/** Another poll is in progress, in this or in another process. */
export class PollInProgress extends Schema.TaggedError<PollInProgress>()("PollInProgress", {}) {
  override get message(): string {
    return "Another poll is in progress"
  }
}

/** Outcome of one pair of a poll in progress. */
export interface PollProgress {
  readonly pair: AssetPair
  readonly failure: Option.Option<PollFailure>
}

export type OnProgress = (progress: PollProgress) => Effect.Effect<void>

export interface PollCallbacks {
  /** Called once the start of the poll is recorded. */
  readonly onStart?: (id: PollId) => Effect.Effect<unknown>
  /** Called after each pair. */
  readonly onProgress?: OnProgress | undefined
}

/** Failure reason of a pair for which a provider answered with a rate that was quarantined. */
export const QUARANTINED = "Quarantined" satisfies ProviderReason["_tag"]
const CIRCUIT_OPEN = "CircuitOpen" satisfies ProviderReason["_tag"]

const make = Effect.gen(function* () {
  const { pollConcurrency } = yield* Settings
  const { pairs } = yield* AssetCatalog
  const { withLock } = yield* Database
  const ingest = yield* RateIngest
  const polls = yield* PollRepo
  const broadcaster = yield* Broadcaster
  const skew = yield* Effect.service(ClockSkew.ClockSkew)

  const pairsOf: PollRunner["Service"]["pairsOf"] = (pairSet) =>
    pairs.polled.filter(({ from }) => Option.isNone(Currency.find(from)) === (pairSet === "prices"))

  const refreshPair = Effect.fnUntraced(function* (
    pairSet: PairSet,
    pair: AssetPair,
    poll: Option.Option<FencedPoll>,
    onProgress: OnProgress,
    options: PollFetchOptions
  ) {
    const failure = yield* ingest.fetchForPoll(pair, poll, options).pipe(
      Effect.as(Option.none<PollFailure>()),
      Effect.catchTag(["ProviderError", "StoreUnavailable"], (error) =>
        Effect.succeedSome(toFailure(pair, error))
      )
    )
    yield* Metric.update(
      PollMetrics.pairs.of({ set: pairSet, outcome: Option.isNone(failure) ? "refreshed" : "failed" }),
      1
    )
    yield* onProgress({ pair, failure })
    return failure
  })

  const runLocked = Effect.fn("PollRunner.run")(function* (
    pairSet: PairSet,
    cause: PollCause,
    { onProgress = noop, onStart = noop }: PollCallbacks
  ) {
    const polled = pairsOf(pairSet)
    const startedAt = yield* DateTime.now
    const leadership = termOf(cause)
    const id = yield* polls.start(startedAt, polled.length, cause, pairSet)
    yield* onStart(id)
    const poll = Option.map(leadership, (leadership) => ({ id, leadership }))
    const options = {
      withPermit: yield* ProviderPermits.make(pollConcurrency),
      siblings: yield* PollSiblings.make(polled)
    }
    // Permits limit the provider calls. A suspicious rate waits for the other pairs, so no other limit applies.
    const outcomes = yield* Effect.forEach(
      polled,
      (pair) => refreshPair(pairSet, pair, poll, onProgress, options),
      {
        concurrency: "unbounded"
      }
    )
    const failures = outcomes.flatMap(Option.toArray)
    const run: PollRun = {
      id,
      startedAt,
      finishedAt: yield* DateTime.now,
      pairs: polled.length,
      failures
    }
    yield* polls.finish(run, leadership)
    yield* recordMetrics(pairSet, run)
    yield* broadcaster.publishPoll(summarize(run))
    yield* Effect.logInfo(
      `Polled ${run.pairs} ${pairSet === "prices" ? "prices" : "pairs"}: ${run.pairs - failures.length} refreshed, ${failures.length} failed`
    )
    yield* logFailures(failures)
    return run
  })

  const run: PollRunner["Service"]["run"] = Effect.fnUntraced(function* (pairSet, cause, callbacks = {}) {
    const measured = runLocked(pairSet, cause, callbacks).pipe(
      timed(PollMetrics.duration.of({ set: pairSet })),
      Effect.onError(() => Metric.update(pollsBy(pairSet, "broken"), 1))
    )
    yield* Effect.provideService(ClockSkew.requireAllowed, ClockSkew.ClockSkew, skew)
    const result = yield* withLock(POLL_LOCKS[pairSet], measured)
    return Option.isSome(result) ? result.value : yield* new PollInProgress()
  })

  return PollRunner.of({ pairsOf, run })
})

/** Runs one poll of all pairs of a set. */
export class PollRunner extends Context.Service<
  PollRunner,
  {
    /** The pairs of a set. There may be no prices. */
    readonly pairsOf: (pairSet: PairSet) => ReadonlyArray<AssetPair>
    /**
     * Refreshes every pair of a set once, and records and publishes the result. The failure of a pair is part of the result. Of
     * each set, one poll runs at a time, in a process whose clock is right; with a leader term, nothing is written after the term has ended.
     */
    readonly run: (
      pairSet: PairSet,
      cause: PollCause,
      callbacks?: PollCallbacks
    ) => Effect.Effect<PollRun, PollInProgress | StoreUnavailable | Superseded | ClockSkew.ClockSkewed>
  }
>()("effex/rates/polling/PollRunner") {
  static readonly layer = Layer.effect(PollRunner, make)
}

/** Logs one line for each reason, with its pairs: a provider that is down fails all of them. */
const logFailures = (failures: ReadonlyArray<PollFailure>) => {
  // An open circuit follows other failures of the same provider.
  const first = failures.find(({ reason }) => reason !== CIRCUIT_OPEN && reason !== QUARANTINED)
  const cause = (failure: PollFailure) => (failure.reason === CIRCUIT_OPEN && first) || failure
  return Effect.forEach(
    Map.groupBy(failures, (failure) => cause(failure).reason),
    ([reason, [example, ...others]]) => {
      if (example === undefined) return Effect.void
      const pairs = [example, ...others].map(({ pair }) => pair.key)
      return Effect.logWarning(
        `Poll of ${pairs.length} ${pairs.length === 1 ? "pair" : "pairs"} failed: ${cause(example).detail} (${pairs.join(", ")})`
      ).pipe(Effect.annotateLogs({ reason, pairs }))
    },
    { discard: true }
  )
}

const noop = () => Effect.void

const toFailure = (pair: AssetPair, error: ProviderError | StoreUnavailable): PollFailure =>
  error._tag === "ProviderError"
    ? { pair, reason: error.isQuarantined ? QUARANTINED : error.reason._tag, detail: error.message }
    : { pair, reason: error._tag, detail: error.message }

const recordMetrics = Effect.fnUntraced(function* (
  pairSet: PairSet,
  { failures, finishedAt, pairs }: PollRun
) {
  const outcome = failures.length === 0 ? "complete" : failures.length < pairs ? "partial" : "failed"
  yield* Metric.update(pollsBy(pairSet, outcome), 1)
  if (outcome !== "failed")
    yield* Metric.update(
      PollMetrics.lastSuccess.of({ set: pairSet }),
      DateTime.toEpochMillis(finishedAt) / 1000
    )
})

const pollsBy = (set: PairSet, outcome: "complete" | "partial" | "failed" | "broken") =>
  PollMetrics.polls.of({ set, outcome })
