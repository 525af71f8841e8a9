import { Context, Effect, Layer, Metric } from "effect"
import type { Scope } from "effect"
import { Settings } from "../../config/Settings.ts"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import type { PollSummary } from "../../domain/rates/PollRun.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import type { RateEvent, Snapshot } from "../../domain/rates/RateEvent.ts"
import * as Metrics from "../../platform/telemetry/Metrics.ts"
import type { Mailbox } from "./Mailbox.ts"
import * as RateFeed from "./RateFeed.ts"
import { RateRepo } from "../RateRepo.ts"
import * as RedisFeed from "./RedisFeed.ts"

/** Tells every reader, in this process and in others, of every change of a rate, in one order. */
export class Broadcaster extends Context.Service<
  Broadcaster,
  {
    /**
     * Tells of a rate that was committed, unless it or a newer one of its pair was told already. Never fails: where the
     * others cannot be reached, the readers of this process are told, in an epoch of its own.
     */
    readonly publish: (rate: Rate) => Effect.Effect<void>
    /** Tells that a poll has finished. Never fails. */
    readonly publishPoll: (run: PollSummary) => Effect.Effect<void>
    /** The newest rate of a pair that was told. */
    readonly newest: (pair: CurrencyPair) => Rate | undefined
    /** Every rate that was told, and the position of it. */
    readonly snapshot: () => Snapshot
    /**
     * The mailbox of a new reader. It begins with a snapshot, or with what was missed since a position: where that is
     * not known any more, with a gap and a snapshot.
     */
    readonly subscribe: (subscription?: RateFeed.Subscription) => Effect.Effect<Mailbox, never, Scope.Scope>
    /** What the mailbox of a new reader would begin with. */
    readonly beginning: (subscription: RateFeed.Subscription) => ReadonlyArray<RateEvent>
    /** Tells somebody of every change as it is made, who passes it on to many. */
    readonly follow: (follower: RateFeed.Follower) => Effect.Effect<void, never, Scope.Scope>
  }
>()("effex/rates/feed/Broadcaster") {
  /** Within this process. */
  static readonly layerMemory = Layer.effect(
    Broadcaster,
    Effect.gen(function* () {
      const feed = yield* makeFeed
      return Broadcaster.of({
        ...readingSide(feed),
        publish: (rate) => Effect.sync(() => feed.tell(rate)),
        publishPoll: (run) => Effect.sync(() => feed.tellPoll(run))
      })
    })
  )

  /** Across processes, over a Redis stream. */
  static readonly layerRedis = Layer.effect(
    Broadcaster,
    Effect.gen(function* () {
      const feed = yield* makeFeed
      return Broadcaster.of({ ...readingSide(feed), ...(yield* RedisFeed.make(feed)) })
    })
  )
}

/** A feed in an epoch of its own, which knows what the database knows. */
const makeFeed = Effect.gen(function* () {
  const { pairs } = yield* Settings
  const repo = yield* RateRepo
  const offered = new Set(pairs.all.map(({ key }) => key))
  const feed = yield* RateFeed.make
  yield* repo.latestAll.pipe(
    Effect.map((rates) => feed.learn(rates.filter(({ pair }) => offered.has(pair.key)))),
    Effect.catch((error) => Effect.logWarning("The stream begins without the rates of the database", error))
  )
  return feed
})

const readingSide = (feed: RateFeed.RateFeed) => ({
  newest: feed.newest,
  snapshot: feed.snapshot,
  beginning: feed.beginning,
  follow: feed.follow,
  subscribe: (subscription: RateFeed.Subscription = {}) =>
    Effect.map(feed.subscribe(subscription), (mailbox): Mailbox => ({
      ...mailbox,
      take: Effect.tap(mailbox.take, (events) => measure(events, mailbox.waited()))
    }))
})

const measure = (events: ReadonlyArray<RateEvent>, waited: number | undefined) =>
  Effect.andThen(
    waited === undefined ? Effect.void : Metric.update(Metrics.streamLag, waited),
    events.some(({ _tag }) => _tag === "Gap") ? Metric.update(Metrics.streamGaps, 1) : Effect.void
  )
