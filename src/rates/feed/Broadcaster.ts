import { Context, Effect, Layer, Metric } from "effect"
import type { Scope } from "effect"
import { Settings } from "../../config/Settings.ts"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import type { PollSummary } from "../../domain/rates/PollRun.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import type { RateEvent, Snapshot } from "../../domain/rates/RateEvent.ts"
import * as StreamMetrics from "../../platform/metrics/StreamMetrics.ts"
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
    readonly latest: (pair: CurrencyPair) => Rate | undefined
    /** Latest rate of every pair, and the position of the last change. */
    readonly snapshot: () => Snapshot
    /**
     * Subscribes, and returns the subscriber's mailbox. It starts with a snapshot, or with the changes since a position;
     * when those are no longer kept, with a gap and a snapshot.
     */
    readonly subscribe: (subscription?: RateFeed.Subscription) => Effect.Effect<Mailbox, never, Scope.Scope>
    /** First events of a new subscription. */
    readonly initialEvents: (subscription: RateFeed.Subscription) => ReadonlyArray<RateEvent>
    /** Registers a synchronous listener, such as one that fans out to many connections. */
    readonly listen: (listener: RateFeed.FeedListener) => Effect.Effect<void, never, Scope.Scope>
  }
>()("effex/rates/feed/Broadcaster") {
  /** Within this process. */
  static readonly layerMemory = Layer.effect(
    Broadcaster,
    Effect.gen(function* () {
      const feed = yield* makeFeed
      return Broadcaster.of({
        ...subscriberSide(feed),
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
      return Broadcaster.of({ ...subscriberSide(feed), ...(yield* RedisFeed.make(feed)) })
    })
  )
}

/** Creates a feed seeded with the latest rates of the database. */
const makeFeed = Effect.gen(function* () {
  const { pairs } = yield* Settings
  const repo = yield* RateRepo
  const offered = new Set(pairs.all.map(({ key }) => key))
  const feed = yield* RateFeed.make
  yield* repo.latestAll.pipe(
    Effect.map((rates) => feed.seed(rates.filter(({ pair }) => offered.has(pair.key)))),
    Effect.catch((error) =>
      Effect.logWarning("The database is unavailable: the rate feed starts empty", error)
    )
  )
  return feed
})

const subscriberSide = (feed: RateFeed.RateFeed) => ({
  latest: feed.latest,
  snapshot: feed.snapshot,
  initialEvents: feed.initialEvents,
  listen: feed.listen,
  subscribe: (subscription: RateFeed.Subscription = {}) =>
    Effect.map(feed.subscribe(subscription), (mailbox): Mailbox => ({
      ...mailbox,
      take: Effect.tap(mailbox.take, (events) => recordMetrics(events, mailbox.queuedSeconds()))
    }))
})

const recordMetrics = (events: ReadonlyArray<RateEvent>, queuedSeconds: number | undefined) =>
  Effect.andThen(
    queuedSeconds === undefined ? Effect.void : Metric.update(StreamMetrics.lag, queuedSeconds),
    events.some(({ _tag }) => _tag === "Gap") ? Metric.update(StreamMetrics.gaps, 1) : Effect.void
  )
