import { Effect, Latch } from "effect"
import type { Array as Arrays } from "effect"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import type { LiveEvent, RateEvent, Snapshot } from "../../domain/rates/RateEvent.ts"
import type { StreamPosition } from "../../domain/rates/StreamPosition.ts"

/** Queue of one subscriber. Holds at most one change per pair, however slow the subscriber is. */
export interface Mailbox {
  /** Takes the queued events in order, and waits while there are none. Allows one taker at a time. */
  readonly take: Effect.Effect<Arrays.NonEmptyReadonlyArray<RateEvent>>
  /** Limits later events to these pairs; all pairs when undefined. */
  readonly setPairs: (pairs: ReadonlyArray<AssetPair> | undefined) => void
  /** Makes the next take return a snapshot: of the subscribed pairs, or of all pairs. It is not preceded by a gap. */
  readonly requestSnapshot: (scope: SnapshotScope) => void
  /** Seconds that the oldest event of the last take was queued; undefined when that take had no queued event. */
  readonly queuedSeconds: () => number | undefined
}

export type SnapshotScope = "subscribed" | "all"

/** Producer side of a mailbox. */
export interface Inbox extends Mailbox {
  /** Takes the queued events without waiting. Returns an empty array when there are none. */
  readonly takeNow: () => ReadonlyArray<RateEvent>
  readonly offer: (event: LiveEvent) => void
  /** Drops the queued changes: the next take returns a gap and a snapshot. */
  readonly invalidate: () => void
  /** Ends the hold of a mailbox without initial events: they are the first to be taken, up to `deliveredUpTo`. */
  readonly release: (initialEvents: ReadonlyArray<RateEvent>, deliveredUpTo: StreamPosition) => void
}

/**
 * Creates a mailbox whose subscriber has received everything up to `deliveredUpTo`. When a change would replace a queued
 * change of the same pair, all queued changes are replaced by a gap and a snapshot, which is created by the next take.
 */
export const make = (options: {
  readonly pairs: ReadonlyArray<AssetPair> | undefined
  readonly deliveredUpTo: StreamPosition
  /** Events that the first take returns before the queued ones. Undefined holds the mailbox until `release`. */
  readonly initialEvents: ReadonlyArray<RateEvent> | undefined
  readonly snapshot: () => Snapshot
  /** Schedules the wake-up of a waiting taker. Immediate by default. */
  readonly wake?: (taker: () => void) => void
}): Inbox => {
  let isHeld = options.initialEvents === undefined
  let initialEvents = options.initialEvents ?? []
  const available = Latch.makeUnsafe(initialEvents.length > 0)
  const open = () => {
    available.openUnsafe()
  }
  let subscribed = keysOf(options.pairs)
  let { deliveredUpTo } = options
  let hasGap = false
  let requestedSnapshot: SnapshotScope | undefined
  const queue = new Map<string, LiveEvent>()
  let queuedSince: number | undefined
  let queuedSeconds: number | undefined

  const notify = () => {
    queuedSince ??= performance.now()
    if (options.wake === undefined) open()
    else options.wake(open)
  }

  /** A snapshot in place of the queued changes, preceded by a gap when changes were dropped. */
  const snapshotEvents = (): ReadonlyArray<RateEvent> => {
    const { epoch, rates, sequence } = options.snapshot()
    const position = { epoch, sequence }
    const isIncluded = ({ pair }: Rate) => requestedSnapshot === "all" || (subscribed?.has(pair.key) ?? true)
    const poll = queue.get(POLL_KEY)
    return [
      ...(hasGap ? [{ _tag: "Gap", ...position, since: deliveredUpTo } as const] : []),
      { _tag: "Snapshot", ...position, rates: rates.filter(isIncluded) },
      ...(poll === undefined ? [] : [{ ...poll, ...position }])
    ]
  }

  const takeNow = (): ReadonlyArray<RateEvent> => {
    available.closeUnsafe()
    if (isHeld) return []
    queuedSeconds = queuedSince === undefined ? undefined : (performance.now() - queuedSince) / 1000
    queuedSince = undefined
    const queued = hasGap || requestedSnapshot !== undefined ? snapshotEvents() : Array.from(queue.values())
    deliveredUpTo = positionOf(queued) ?? deliveredUpTo
    const events = [...initialEvents, ...queued]
    initialEvents = []
    hasGap = false
    requestedSnapshot = undefined
    queue.clear()
    return events
  }

  const take: Mailbox["take"] = Effect.suspend(() => {
    const [head, ...tail] = takeNow()
    return head === undefined ? Effect.andThen(available.await, take) : Effect.succeed([head, ...tail])
  })

  const dropChanges = (isDropped: (key: string) => boolean) => {
    for (const key of queue.keys()) if (key !== POLL_KEY && isDropped(key)) queue.delete(key)
  }

  const invalidate = () => {
    if (isHeld) return
    hasGap = true
    dropChanges(() => true)
    notify()
  }

  const offer = (event: LiveEvent) => {
    if (event._tag === "PollFinished") {
      queue.delete(POLL_KEY)
      queue.set(POLL_KEY, event)
    } else {
      const { key } = event.rate.pair
      // What the initial events or the snapshot contain is not repeated.
      if (isHeld || hasGap || subscribed?.has(key) === false) return
      if (event._tag === "RateStale") queue.set(staleKeyOf(key), event)
      else if (queue.has(key)) return invalidate()
      else {
        queue.delete(staleKeyOf(key))
        queue.set(key, event)
      }
    }
    notify()
  }

  const setPairs = (pairs: ReadonlyArray<AssetPair> | undefined) => {
    subscribed = keysOf(pairs)
    dropChanges((key) => subscribed?.has(key.replace(STALE_PREFIX, "")) === false)
  }

  const requestSnapshot = (scope: SnapshotScope) => {
    requestedSnapshot = requestedSnapshot === "all" ? "all" : scope
    available.openUnsafe()
  }

  const release: Inbox["release"] = (events, position) => {
    isHeld = false
    initialEvents = events
    deliveredUpTo = position
    const poll = queue.get(POLL_KEY)
    if (poll !== undefined) queue.set(POLL_KEY, { ...poll, ...position })
    if (events.length > 0 || queue.size > 0 || requestedSnapshot !== undefined) open()
  }

  return {
    take,
    takeNow,
    setPairs,
    requestSnapshot,
    queuedSeconds: () => queuedSeconds,
    offer,
    invalidate,
    release
  }
}

/** Queue key of the latest poll, next to the keys of pairs. */
const POLL_KEY = "poll"
const STALE_PREFIX = "stale "
const staleKeyOf = (pair: string) => STALE_PREFIX + pair

const positionOf = (events: ReadonlyArray<RateEvent>): StreamPosition | undefined => {
  const last = events.at(-1)
  return last === undefined ? undefined : { epoch: last.epoch, sequence: last.sequence }
}

const keysOf = (pairs: ReadonlyArray<AssetPair> | undefined) =>
  pairs === undefined ? undefined : new Set(pairs.map(({ key }) => key))
