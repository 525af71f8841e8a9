import { Cause, Clock, Effect } from "effect"
import type { Socket } from "node:net"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import type { LiveEvent, RateEvent } from "../../domain/rates/RateEvent.ts"
import type { StreamPosition } from "../../domain/rates/StreamPosition.ts"
import * as StreamMetrics from "../../platform/metrics/StreamMetrics.ts"
import { Broadcaster } from "../../rates/feed/Broadcaster.ts"
import * as Mailbox from "../../rates/feed/Mailbox.ts"
import * as RateFreshness from "../../rates/RateFreshness.ts"
import * as RateEventEncoding from "./RateEventEncoding.ts"
import { INTERNAL_ERROR, WebSocket } from "./WebSocket.ts"

/** WebSocket client that receives rate events. */
export interface Subscriber {
  readonly webSocket: WebSocket
  /** Socket that carries the WebSocket. */
  readonly tcp: Socket
  /** Subscribed pairs by key; undefined for all pairs. */
  pairs: ReadonlyMap<string, AssetPair> | undefined
  /** Undelivered events of a slow client; undefined while the client keeps up. */
  mailbox: Mailbox.Inbox | undefined
}

/**
 * Creates the functions that write events to the sockets of clients, or to the mailbox of a client whose socket buffer is full.
 * `flush` sends the current batch, and `deliveredUpTo` is the position up to which clients without a mailbox have received everything.
 */
export const make = Effect.fnUntraced(function* ({
  deliveredUpTo,
  flush
}: {
  readonly flush: () => void
  readonly deliveredUpTo: () => StreamPosition
}) {
  const { isStaleAt } = yield* RateFreshness.make
  const broadcaster = yield* Broadcaster
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()

  const encode = (events: ReadonlyArray<RateEvent>): ReadonlyArray<Buffer> => {
    const isStale = isStaleAt(clock.currentTimeMillisUnsafe())
    return events.map((event) => RateEventEncoding.toWebSocketFrame(event, isStale))
  }

  /** Sends a batch, of which the first event arrived at `startedAt`. */
  const sendToAll = (
    subscribers: Iterable<Subscriber>,
    events: ReadonlyArray<LiveEvent>,
    startedAt: number
  ) => {
    const frames = encode(events)
    const allBytes = Buffer.concat(frames)
    const queuedSeconds = (performance.now() - startedAt) / 1000
    for (const subscriber of subscribers) {
      const { mailbox, pairs, tcp, webSocket } = subscriber
      if (webSocket.readyState !== WebSocket.OPEN) continue
      if (mailbox !== undefined || tcp.writableNeedDrain) {
        queue(subscriber, ({ offer }) => events.forEach(offer))
        continue
      }
      const bytes = pairs === undefined ? allBytes : bytesOfPairs(events, frames, pairs)
      if (bytes.length === 0) continue
      tcp.write(bytes)
      StreamMetrics.lag.updateUnsafe(queuedSeconds, context)
    }
  }

  const queueGapForAll = (subscribers: Iterable<Subscriber>, events: ReadonlyArray<LiveEvent>) => {
    for (const subscriber of subscribers) {
      queue(subscriber, ({ invalidate, offer }) => {
        events.forEach(offer)
        invalidate()
      })
    }
  }

  /** Adds to the mailbox of a subscriber, which is created and delivered if there is none. */
  const queue = (subscriber: Subscriber, add: (mailbox: Mailbox.Inbox) => void) => {
    if (subscriber.mailbox !== undefined) return add(subscriber.mailbox)
    subscriber.mailbox = Mailbox.make({
      pairs: subscriber.pairs && Array.from(subscriber.pairs.values()),
      deliveredUpTo: deliveredUpTo(),
      initialEvents: [],
      snapshot: broadcaster.snapshot
    })
    add(subscriber.mailbox)
    deliverMailbox(subscriber)
  }

  /** Sends the content of the mailbox once the socket has drained. */
  const deliverMailbox = (subscriber: Subscriber): void => {
    const { mailbox, tcp, webSocket } = subscriber
    if (mailbox === undefined || webSocket.readyState !== WebSocket.OPEN) return
    if (tcp.writableNeedDrain) {
      tcp.once("drain", () => {
        flush()
        closeOnDefect([subscriber], () => deliverMailbox(subscriber))
      })
      return
    }
    const events = mailbox.takeNow()
    const queuedSeconds = mailbox.queuedSeconds()
    subscriber.mailbox = undefined
    send(subscriber, events)
    if (queuedSeconds !== undefined) StreamMetrics.lag.updateUnsafe(queuedSeconds, context)
  }

  const send = ({ tcp }: Subscriber, events: ReadonlyArray<RateEvent>) => {
    if (events.length === 0) return
    tcp.write(Buffer.concat(encode(events)))
    if (events.some(({ _tag }) => _tag === "Gap")) StreamMetrics.gaps.updateUnsafe(1, context)
  }

  /** Closes the affected connections if sending throws: callbacks of timers and sockets have no caller to fail. */
  const closeOnDefect = (affected: Iterable<Subscriber>, run: () => void) => {
    try {
      run()
    } catch (defect) {
      for (const { webSocket } of affected) webSocket.close(...INTERNAL_ERROR)
      Effect.runForkWith(context)(
        Effect.logError("Unexpected failure of the WebSocket fan-out", Cause.die(defect))
      )
    }
  }

  return { sendToAll, queueGapForAll, queue, send, closeOnDefect }
})

/** Frames of polls, and of changes of the given pairs. */
const bytesOfPairs = (
  events: ReadonlyArray<LiveEvent>,
  frames: ReadonlyArray<Buffer>,
  pairs: ReadonlyMap<string, AssetPair>
) =>
  Buffer.concat(
    frames.filter((_, i) => {
      const event = events[i]
      return event === undefined || event._tag === "PollFinished" || pairs.has(event.rate.pair.key)
    })
  )
