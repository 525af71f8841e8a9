import { Cause, Clock, Context, Effect, Fiber, Layer, Schedule } from "effect"
import type { Socket } from "node:net"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import type { LiveEvent, RateEvent } from "../../domain/rates/RateEvent.ts"
import type { StreamPosition } from "../../domain/rates/StreamPosition.ts"
import * as StreamMetrics from "../../platform/metrics/StreamMetrics.ts"
import * as RateFreshness from "../../rates/RateFreshness.ts"
import { Broadcaster } from "../../rates/feed/Broadcaster.ts"
import * as Coalescer from "../../rates/feed/Coalescer.ts"
import * as Mailbox from "../../rates/feed/Mailbox.ts"
import { Drain } from "../Drain.ts"
import * as Heartbeat from "./Heartbeat.ts"
import * as RateEventEncoding from "./RateEventEncoding.ts"
import { GOING_AWAY, INTERNAL_ERROR, WebSocket } from "./WebSocket.ts"

/** Number of queued events at which a batch is sent without waiting for the coalescer. */
const MAX_BATCH_SIZE = 256

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
 * Sends rate events to all WebSocket clients.
 *
 * The cost of a fan-out is the system call per connection. So the events of a batch are encoded once, as frames, and each
 * connection gets them in one write; a `Coalescer` limits the number of batches. A client whose socket buffer is full gets
 * a mailbox instead, which keeps the newest rate per pair until the socket drains.
 *
 * Every change of a subscription first sends the current batch. So all clients without a mailbox have received the same
 * events, and one position is enough for all of them.
 */
export class RatesFanOut extends Context.Service<
  RatesFanOut,
  {
    /**
     * Adds a subscriber. It first receives the events since a position, or a snapshot. If this process has not reached the
     * position, both wait until it has caught up, so that the subscriber receives no earlier rate than it has.
     */
    readonly add: (subscriber: Subscriber, since: StreamPosition | undefined) => void
    readonly remove: (subscriber: Subscriber) => void
    readonly setPairs: (subscriber: Subscriber, pairs: ReadonlyMap<string, AssetPair>) => void
    /** Sends a snapshot of the subscribed pairs, or of all pairs. */
    readonly sendSnapshot: (subscriber: Subscriber, scope: Mailbox.SnapshotScope) => void
  }
>()("effex/server/stream/RatesFanOut") {
  static readonly layer = Layer.effect(
    RatesFanOut,
    Effect.gen(function* () {
      const { isStaleAt } = yield* RateFreshness.make
      const broadcaster = yield* Broadcaster
      const drain = yield* Drain
      const clock = yield* Clock.Clock
      const context = yield* Effect.context<never>()
      const scope = yield* Effect.scope
      const subscribers = new Set<Subscriber>()
      /** Subscribers that wait until this process has caught up. They receive nothing but heartbeats. */
      const waiting = new Map<Subscriber, Fiber.Fiber<void>>()
      let batch: Array<LiveEvent> = []
      /** True if events were skipped, so that every subscriber needs a gap and a snapshot. */
      let hasGap = false
      /** Arrival of the first event of the batch. */
      let batchStartedAt = 0
      /** Position up to which subscribers without a mailbox have received everything. */
      let deliveredUpTo = positionOf(broadcaster)
      let hasEnded = false

      const encode = (events: ReadonlyArray<RateEvent>): ReadonlyArray<Buffer> => {
        const isStale = isStaleAt(clock.currentTimeMillisUnsafe())
        return events.map((event) => RateEventEncoding.toWebSocketFrame(event, isStale))
      }

      const schedule = () => {
        if (batch.length > 0 || hasGap) return
        batchStartedAt = performance.now()
        coalescer.schedule()
      }

      /** Sends the batch now. */
      const flush = () => {
        if (batch.length === 0 && !hasGap) return
        const events = batch
        const isComplete = !hasGap
        batch = []
        hasGap = false
        closeOnDefect(subscribers, () => (isComplete ? sendToAll(events) : queueGapForAll(events)))
        deliveredUpTo = positionOf(broadcaster)
      }
      const coalescer = Coalescer.make(flush)

      const sendToAll = (events: ReadonlyArray<LiveEvent>) => {
        const frames = encode(events)
        const allBytes = Buffer.concat(frames)
        const queuedSeconds = (performance.now() - batchStartedAt) / 1000
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

      const queueGapForAll = (events: ReadonlyArray<LiveEvent>) => {
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
          deliveredUpTo,
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

      yield* broadcaster.listen({
        offer: (event) => {
          schedule()
          if (batch.push(event) >= MAX_BATCH_SIZE) flush()
        },
        invalidate: () => {
          schedule()
          hasGap = true
        }
      })

      const sendHeartbeats = Effect.sync(() => {
        const frame = Heartbeat.toWebSocketFrame(broadcaster.contact())
        for (const { tcp, webSocket } of [...subscribers, ...waiting.keys()])
          if (webSocket.readyState === WebSocket.OPEN && !tcp.writableNeedDrain) tcp.write(frame)
      })
      yield* Effect.forkScoped(Effect.repeat(sendHeartbeats, Schedule.spaced(Heartbeat.HEARTBEAT_INTERVAL)))

      const start = (subscriber: Subscriber, since: StreamPosition | undefined) => {
        // The client may have disconnected during the wait.
        if (subscriber.webSocket.readyState === WebSocket.CLOSED) return
        flush()
        send(
          subscriber,
          broadcaster.initialEvents({
            since,
            pairs: subscriber.pairs && Array.from(subscriber.pairs.values())
          })
        )
        subscribers.add(subscriber)
        if (hasEnded) subscriber.webSocket.close(...GOING_AWAY)
      }

      yield* drain.awaitEndOfStreams.pipe(
        Effect.andThen(
          Effect.sync(() => {
            flush()
            hasEnded = true
            for (const { webSocket } of [...subscribers, ...waiting.keys()]) webSocket.close(...GOING_AWAY)
          })
        ),
        Effect.forkScoped
      )

      return RatesFanOut.of({
        add: (subscriber, since) => {
          if (hasEnded || since === undefined || broadcaster.hasReached(since))
            return start(subscriber, since)
          const caughtUp = Effect.andThen(
            broadcaster.catchUp(since),
            Effect.sync(() => {
              if (waiting.delete(subscriber)) closeOnDefect([subscriber], () => start(subscriber, since))
            })
          )
          const fiber = Effect.runForkWith(context)(caughtUp)
          waiting.set(subscriber, Fiber.runIn(fiber, scope))
        },
        remove: (subscriber) => {
          waiting.get(subscriber)?.interruptUnsafe()
          waiting.delete(subscriber)
          subscribers.delete(subscriber)
        },
        setPairs: (subscriber, pairs) => {
          flush()
          subscriber.pairs = pairs
          subscriber.mailbox?.setPairs(Array.from(pairs.values()))
        },
        sendSnapshot: (subscriber, scope) => {
          // The snapshot that a waiting subscriber receives answers this request as well.
          if (waiting.has(subscriber)) return
          flush()
          queue(subscriber, (mailbox) => mailbox.requestSnapshot(scope))
        }
      })
    })
  )
}

const positionOf = ({ snapshot }: Broadcaster["Service"]): StreamPosition => {
  const { epoch, sequence } = snapshot()
  return { epoch, sequence }
}

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
