import { Clock, Context, Duration, Effect, Fiber, Layer, Metric, Option, Result, Schedule } from "effect"
import type { Scope } from "effect"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import type { PollSummary } from "../../domain/rates/PollRun.ts"
import { isNewer, type Rate } from "../../domain/rates/Rate.ts"
import type { RateEvent, Snapshot } from "../../domain/rates/RateEvent.ts"
import type { StreamPosition } from "../../domain/rates/StreamPosition.ts"
import * as StreamMetrics from "../../platform/metrics/StreamMetrics.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as SingleFlight from "../../platform/SingleFlight.ts"
import * as RateFreshness from "../RateFreshness.ts"
import { RateRepo } from "../RateRepo.ts"
import type { Mailbox } from "./Mailbox.ts"
import * as RateFeed from "./RateFeed.ts"
import * as RedisFeed from "./RedisFeed.ts"

/** Publishes rate changes to subscribers in this process and in others, in one order. */
export class Broadcaster extends Context.Service<
  Broadcaster,
  {
    /**
     * Publishes a committed rate, unless it or a newer rate of its pair was published. Never fails: while Redis is
     * unavailable, it reaches the subscribers of this process, in a local epoch.
     */
    readonly publish: (rate: Rate) => Effect.Effect<void>
    /** Publishes the summary of a finished poll. Never fails. */
    readonly publishPoll: (run: PollSummary) => Effect.Effect<void>
    /** Latest published rate of a pair. */
    readonly latest: (pair: AssetPair) => Rate | undefined
    /** Latest rate of every pair, and the position of the last change. */
    readonly snapshot: () => Snapshot
    /**
     * Subscribes, and returns the subscriber's mailbox. It starts with a snapshot, or with the changes since a position;
     * when those are no longer kept, with a gap and a snapshot. The rates of a pair never go backwards: a subscriber that
     * resumes at a position which this process has not reached receives nothing before {@link catchUp}.
     */
    readonly subscribe: (subscription?: RateFeed.Subscription) => Effect.Effect<Mailbox, never, Scope.Scope>
    /** Returns true if this process has every change up to the position. */
    readonly hasReached: (since: StreamPosition) => boolean
    /** First events of a new subscription. */
    readonly initialEvents: (subscription: RateFeed.Subscription) => ReadonlyArray<RateEvent>
    /**
     * Waits until this process has every rate that a subscriber at the position has: until it has reached the position, or has
     * every rate that is in the database now. A position in an epoch that this process does not know needs the database.
     */
    readonly catchUp: (since: StreamPosition) => Effect.Effect<void>
    /** Publishes the latest rates of the database that were not published, and returns them. */
    readonly synchronize: Effect.Effect<ReadonlyArray<Rate>, StoreUnavailable>
    /** Last time at which this process had every rate of the database or of Redis. */
    readonly contact: () => RateFeed.FeedContact | undefined
    /** Registers a synchronous listener, such as one that fans out to many connections. */
    readonly listen: (listener: RateFeed.FeedListener) => Effect.Effect<void, never, Scope.Scope>
  }
>()("effex/rates/feed/Broadcaster") {
  /** Within this process. */
  static readonly layerMemory = Layer.effect(
    Broadcaster,
    Effect.gen(function* () {
      const feed = yield* makeFeed
      return yield* make(feed, {
        publish: (rate) => Effect.sync(() => feed.publish(rate)),
        publishPoll: (run) => Effect.sync(() => feed.publishPoll(run))
      })
    })
  )

  /** Across processes, over a Redis stream. */
  static readonly layerRedis = Layer.effect(
    Broadcaster,
    Effect.gen(function* () {
      const feed = yield* makeFeed
      return yield* make(feed, yield* RedisFeed.make(feed))
    })
  )
}

/** Interval of the checks for rates that have turned stale. */
const STALE_CHECK_INTERVAL = "1 second"
/**
 * A stale rate is published after this part of `STALE_AFTER`, at most after `MAX_STALE_GRACE`: with a poll interval of
 * `STALE_AFTER`, each rate exceeds it for a moment before its refresh arrives.
 */
const STALE_GRACE_FRACTION = 0.1
const MAX_STALE_GRACE = Duration.seconds(30)
const CATCH_UP_RETRY_INTERVAL = "100 millis"

/** Creates a feed seeded with the latest rates of the database. */
const makeFeed = Effect.gen(function* () {
  const { isFresh, staleAfter } = yield* RateFreshness.make
  const { pairs } = yield* AssetCatalog
  const repo = yield* RateRepo
  const clock = yield* Clock.Clock
  const staleBeyond = (limit: Duration.Duration) => (rate: Rate) =>
    !isFresh(rate, Duration.toMillis(limit), clock.currentTimeMillisUnsafe())
  const feed = yield* RateFeed.make(staleBeyond(staleAfter))
  yield* repo.latestAll.pipe(
    Effect.map((rates) => {
      feed.seed(rates.filter(({ pair }) => Result.isSuccess(pairs.find(pair.from, pair.to))))
      feed.markContact()
    }),
    Effect.catch((error) =>
      Effect.logWarning("The database is unavailable: the rate feed starts empty", error)
    )
  )
  const grace = Duration.min(Duration.times(staleAfter, STALE_GRACE_FRACTION), MAX_STALE_GRACE)
  const isOverdue = staleBeyond(Duration.sum(staleAfter, grace))
  yield* Effect.sync(() => feed.publishStale(isOverdue)).pipe(
    Effect.repeat(Schedule.spaced(STALE_CHECK_INTERVAL)),
    Effect.forkScoped
  )
  return feed
})

/** Adds to a feed what subscribers need to resume, with the publishing side of a transport. */
const make = Effect.fnUntraced(function* (
  feed: RateFeed.RateFeed,
  publisher: Pick<Broadcaster["Service"], "publish" | "publishPoll">
) {
  const { pairs } = yield* AssetCatalog
  const repo = yield* RateRepo
  const singleFlight = yield* SingleFlight.make<number, never>()

  const synchronize = Effect.gen(function* () {
    const latestIds = yield* repo.latestIds
    const missing = Array.from(latestIds).flatMap(([key, id]) => {
      const [from = "", to = ""] = key.split(":")
      return Option.toArray(
        Option.filter(Result.getSuccess(pairs.find(from, to)), (pair) => feed.latest(pair)?.id !== id)
      )
    })
    const rates = (yield* Effect.forEach(missing, repo.latest)).flatMap(Option.toArray)
    for (const rate of rates) yield* publisher.publish(rate)
    if (rates.every(isReceived)) feed.markContact()
    return rates
  })

  const isReceived = (rate: Rate) => {
    const latest = feed.latest(rate.pair)
    return latest !== undefined && (latest.id === rate.id || isNewer(latest, rate))
  }

  let startedChecks = 0
  /** Returns the number of the check, counted from 1, if the feed has every rate; otherwise 0. */
  const checkCompleteness = Effect.suspend(() => {
    const check = ++startedChecks
    return synchronize.pipe(
      Effect.map((rates) => (rates.every(isReceived) ? check : 0)),
      Effect.catchTag("StoreUnavailable", () => Effect.succeed(0)),
      // Otherwise the waiting subscribers would never receive anything.
      Effect.catchDefect((defect) =>
        Effect.as(Effect.logError("A check for missing rates crashed, retrying", defect), 0)
      )
    )
  })

  const catchUp: Broadcaster["Service"]["catchUp"] = Effect.fnUntraced(function* (since) {
    // A check that started earlier may have read the database too early. All later ones serve any number of subscribers.
    const earlierChecks = startedChecks
    while (!feed.hasReached(since)) {
      const check = yield* singleFlight("check", checkCompleteness)
      // A database that does not answer must not delay a reader whose position Redis reaches.
      const completed = yield* Effect.timeoutOption(Fiber.join(check), CATCH_UP_RETRY_INTERVAL)
      if (Option.exists(completed, (number) => number > earlierChecks)) return
      if (Option.exists(completed, (number) => number === 0)) yield* Effect.sleep(CATCH_UP_RETRY_INTERVAL)
    }
  })

  return Broadcaster.of({
    ...publisher,
    catchUp,
    synchronize,
    latest: feed.latest,
    snapshot: feed.snapshot,
    contact: feed.contact,
    hasReached: feed.hasReached,
    initialEvents: feed.initialEvents,
    listen: feed.listen,
    subscribe: (subscription = {}) =>
      Effect.map(feed.subscribe(subscription, catchUp), (mailbox): Mailbox => ({
        ...mailbox,
        take: Effect.tap(mailbox.take, (events) => recordMetrics(events, mailbox.queuedSeconds()))
      }))
  })
})

const recordMetrics = (events: ReadonlyArray<RateEvent>, queuedSeconds: number | undefined) =>
  Effect.andThen(
    queuedSeconds === undefined ? Effect.void : Metric.update(StreamMetrics.lag, queuedSeconds),
    events.some(({ _tag }) => _tag === "Gap") ? Metric.update(StreamMetrics.gaps, 1) : Effect.void
  )
