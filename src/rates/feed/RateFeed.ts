import { Clock, DateTime, Effect } from "effect"
import type { Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import type { PollSummary } from "../../domain/rates/PollRun.ts"
import { type Rate, replaces } from "../../domain/rates/Rate.ts"
import type { LiveEvent, RateChanged, RateEvent, RateStale, Snapshot } from "../../domain/rates/RateEvent.ts"
import type { StreamPosition } from "../../domain/rates/StreamPosition.ts"
import * as Coalescer from "./Coalescer.ts"
import * as Mailbox from "./Mailbox.ts"

/** Number of changes kept for subscribers that resume: about twenty polls of 44 pairs. */
export const HISTORY_SIZE = 1000

export interface Subscription {
  /** All pairs when undefined. */
  readonly pairs?: ReadonlyArray<AssetPair> | undefined
  /** Last position that the subscriber received. Without it, the subscription starts with a snapshot. */
  readonly since?: StreamPosition | undefined
}

/** Receives every change synchronously. Must buffer the changes that it cannot deliver yet. */
export interface FeedListener {
  readonly offer: (event: LiveEvent) => void
  /** Changes were skipped: every receiver behind this listener needs a snapshot. */
  readonly invalidate: () => void
}

/** The last time at which the feed had every change that the stores have. */
export interface FeedContact {
  readonly at: DateTime.Utc
  /** Age by the monotonic clock. */
  readonly ageSeconds: number
}

/** Feed of this process: the latest rates, the recent changes and the mailboxes of the subscribers. */
export interface RateFeed {
  readonly position: () => StreamPosition
  /** Latest known rate of a pair, published or seeded. */
  readonly latest: (pair: AssetPair) => Rate | undefined
  readonly snapshot: () => Snapshot
  /** Publishes a rate under the next sequence number, unless it or a newer one is known. */
  readonly publish: (rate: Rate) => void
  /** Publishes a change under its own sequence number. Ignores numbers that were published before. */
  readonly apply: (sequence: number, rate: Rate) => void
  readonly publishPoll: (run: PollSummary) => void
  /**
   * Publishes every latest rate for which the predicate holds as stale, once. Rates that were stale when they became the
   * latest are known to be stale.
   */
  readonly publishStale: (isOverdue: (rate: Rate) => boolean) => void
  /** Records that a store was read: the feed has all changes up to now. */
  readonly markContact: () => void
  /** Undefined before the first contact. */
  readonly contact: () => FeedContact | undefined
  /** Adds known rates without publishing them. */
  readonly seed: (rates: ReadonlyArray<Rate>) => void
  /** Starts or joins an epoch with its recent changes. Every subscriber receives a gap and a snapshot. */
  readonly startEpoch: (
    position: StreamPosition,
    history: ReadonlyArray<readonly [sequence: number, rate: Rate]>
  ) => void
  /**
   * Subscribes. A subscriber whose position the feed has not reached has seen later changes, or those of another epoch: it
   * receives nothing before `catchUp` has completed, because a snapshot could contain earlier rates than it has.
   */
  readonly subscribe: (
    subscription: Subscription,
    catchUp?: (since: StreamPosition) => Effect.Effect<void>
  ) => Effect.Effect<Mailbox.Mailbox, never, Scope.Scope>
  /** Returns true if the feed has every change up to the position. */
  readonly hasReached: (since: StreamPosition) => boolean
  /**
   * First events of a subscription: the missed changes if all of them are still kept, otherwise a snapshot; and the rates
   * that have turned stale since.
   */
  readonly initialEvents: (subscription: Subscription) => ReadonlyArray<RateEvent>
  readonly listen: (listener: FeedListener) => Effect.Effect<void, never, Scope.Scope>
}

/** Creates the start position of a local epoch, which no other process shares. */
export const newEpoch = Effect.gen(function* () {
  const random = yield* SecureRandom.SecureRandom
  const epoch = (yield* random.uuidV4()).replaceAll("-", "")
  return { epoch, sequence: 0 } satisfies StreamPosition
})

/** Creates a feed in a local epoch. */
export const make = Effect.fnUntraced(function* (isStale: (rate: Rate) => boolean = () => false) {
  return makeAt(yield* newEpoch, yield* Clock.Clock, isStale)
})

const makeAt = (start: StreamPosition, clock: Clock.Clock, isStale: (rate: Rate) => boolean): RateFeed => {
  let { epoch, sequence }: StreamPosition = start
  const latest = new Map<string, Rate>()
  /** Latest rates that were published as stale from the beginning, and those that were published as stale later, by pair. */
  const knownStale = new Map<string, Rate>()
  const turnedStale = new Map<string, Rate>()
  let contact: { readonly at: number; readonly nanos: bigint } | undefined
  let history: Array<RateChanged> = []
  const listeners = new Set<FeedListener>()

  /** Takers to wake in the next coalesced run. */
  const wokenTakers = new Set<() => void>()
  const wakeUps = Coalescer.make(() => {
    const takers = Array.from(wokenTakers)
    wokenTakers.clear()
    for (const taker of takers) taker()
  })
  const wake = (taker: () => void) => {
    wokenTakers.add(taker)
    wakeUps.schedule()
  }

  const seed = (rates: ReadonlyArray<Rate>) => {
    for (const rate of rates) {
      const { key } = rate.pair
      const known = latest.get(key)
      if (known !== undefined && !replaces(rate, known, clock.currentTimeMillisUnsafe())) continue
      latest.set(key, rate)
      turnedStale.delete(key)
      if (isStale(rate)) knownStale.set(key, rate)
      else knownStale.delete(key)
    }
  }

  /** Publishers may be slow, so a change always carries the latest rate: an older one never follows a newer one. */
  const toChange = (at: number, rate: Rate): RateChanged => {
    seed([rate])
    return { _tag: "RateChanged", epoch, sequence: at, rate: latest.get(rate.pair.key) ?? rate }
  }

  const snapshot = (): Snapshot => ({
    _tag: "Snapshot",
    epoch,
    sequence,
    rates: Array.from(latest.values())
  })

  const startEpoch: RateFeed["startEpoch"] = (position, changes) => {
    epoch = position.epoch
    sequence = position.sequence
    seed(changes.map(([, rate]) => rate))
    history = changes.map(([at, rate]) => ({ _tag: "RateChanged", epoch, sequence: at, rate }))
    for (const listener of listeners) listener.invalidate()
  }

  const apply = (at: number, rate: Rate) => {
    if (at <= sequence) return
    const isNext = at === sequence + 1
    sequence = at
    const event = toChange(at, rate)
    history = isNext ? [...history.slice(1 - HISTORY_SIZE), event] : [event]
    for (const listener of listeners) {
      if (isNext) listener.offer(event)
      else listener.invalidate()
    }
  }

  const initialEvents: RateFeed["initialEvents"] = ({ pairs, since }) => {
    const keys = pairs === undefined ? undefined : new Set(pairs.map(({ key }) => key))
    const isSubscribed = ({ pair }: Rate) => keys?.has(pair.key) ?? true
    const current = snapshot()
    const filtered: Snapshot = { ...current, rates: current.rates.filter(isSubscribed) }
    if (since === undefined) return [filtered]
    const missed = history.filter((event) => event.sequence > since.sequence)
    if (since.epoch === epoch && sequence - since.sequence === missed.length) {
      // The subscriber, or the cached encoding of a change, may have them as fresh.
      const nowStale = Array.from(turnedStale.values(), (rate): RateStale => ({
        _tag: "RateStale",
        epoch,
        sequence,
        rate
      }))
      return [...missed, ...nowStale].filter(({ rate }) => isSubscribed(rate))
    }
    return [{ _tag: "Gap", epoch, sequence, since }, filtered]
  }

  /** Creates and registers a listener synchronously, so that no change falls between the two. */
  const register = <A extends FeedListener>(makeListener: () => A) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const listener = makeListener()
        listeners.add(listener)
        return listener
      }),
      (listener) => Effect.sync(() => listeners.delete(listener))
    )

  const publishStale: RateFeed["publishStale"] = (isOverdue) => {
    for (const [key, rate] of latest) {
      if (knownStale.get(key) === rate || !isOverdue(rate)) continue
      knownStale.set(key, rate)
      turnedStale.set(key, rate)
      for (const listener of listeners) listener.offer({ _tag: "RateStale", epoch, sequence, rate })
    }
  }

  const hasReached: RateFeed["hasReached"] = (since) => since.epoch === epoch && since.sequence <= sequence

  const subscribe: RateFeed["subscribe"] = Effect.fnUntraced(function* (
    subscription,
    catchUp = () => Effect.void
  ) {
    const { since } = subscription
    let isReached = true
    const mailbox = yield* register(() => {
      isReached = since === undefined || hasReached(since)
      return Mailbox.make({
        pairs: subscription.pairs,
        deliveredUpTo: { epoch, sequence },
        initialEvents: isReached ? initialEvents(subscription) : undefined,
        snapshot,
        wake
      })
    })
    if (since === undefined || isReached) return mailbox
    yield* Effect.forkScoped(
      Effect.andThen(
        catchUp(since),
        Effect.sync(() => mailbox.release(initialEvents(subscription), { epoch, sequence }))
      ),
      { startImmediately: true }
    )
    return mailbox
  })

  return {
    position: () => ({ epoch, sequence }),
    latest: (pair) => latest.get(pair.key),
    snapshot,
    publish: (rate) => {
      const known = latest.get(rate.pair.key)
      if (known === undefined || replaces(rate, known, clock.currentTimeMillisUnsafe()))
        apply(sequence + 1, rate)
    },
    apply,
    publishPoll: (run) => {
      for (const listener of listeners) listener.offer({ _tag: "PollFinished", epoch, sequence, run })
    },
    publishStale,
    markContact: () => {
      contact = { at: clock.currentTimeMillisUnsafe(), nanos: clock.monotonicTimeNanosUnsafe() }
    },
    contact: () =>
      contact && {
        at: DateTime.makeUnsafe(contact.at),
        ageSeconds: Number(clock.monotonicTimeNanosUnsafe() - contact.nanos) / 1e9
      },
    seed,
    startEpoch,
    hasReached,
    initialEvents,
    subscribe,
    listen: (listener) => Effect.asVoid(register(() => listener))
  }
}
