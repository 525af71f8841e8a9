import { Context, Effect, Fiber, Layer, Schedule } from "effect"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import type { LiveEvent } from "../../domain/rates/RateEvent.ts"
import type { StreamPosition } from "../../domain/rates/StreamPosition.ts"
import { Broadcaster } from "../../rates/feed/Broadcaster.ts"
import * as Coalescer from "../../rates/feed/Coalescer.ts"
import type * as Mailbox from "../../rates/feed/Mailbox.ts"
import { Drain } from "../Drain.ts"
import * as Heartbeat from "./Heartbeat.ts"
import * as RateDelivery from "./RateDelivery.ts"
import { GOING_AWAY, WebSocket } from "./WebSocket.ts"

/** Number of queued events at which a batch is sent without waiting for the coalescer. */
const MAX_BATCH_SIZE = 256

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
    readonly add: (subscriber: RateDelivery.Subscriber, since: StreamPosition | undefined) => void
    readonly remove: (subscriber: RateDelivery.Subscriber) => void
    readonly setPairs: (subscriber: RateDelivery.Subscriber, pairs: ReadonlyMap<string, AssetPair>) => void
    /** Sends a snapshot of the subscribed pairs, or of all pairs. */
    readonly sendSnapshot: (subscriber: RateDelivery.Subscriber, scope: Mailbox.SnapshotScope) => void
  }
>()("effex/server/stream/RatesFanOut") {
  static readonly layer = Layer.effect(
    RatesFanOut,
    Effect.gen(function* () {
      const broadcaster = yield* Broadcaster
      const drain = yield* Drain
      const context = yield* Effect.context<never>()
      const scope = yield* Effect.scope
      const subscribers = new Set<RateDelivery.Subscriber>()
      /** Subscribers that wait until this process has caught up. They receive nothing but heartbeats. */
      const waiting = new Map<RateDelivery.Subscriber, Fiber.Fiber<void>>()
      let batch: Array<LiveEvent> = []
      /** True if events were skipped, so that every subscriber needs a gap and a snapshot. */
      let hasGap = false
      /** Arrival of the first event of the batch. */
      let batchStartedAt = 0
      /** Position up to which subscribers without a mailbox have received everything. */
      let deliveredUpTo = positionOf(broadcaster)
      let hasEnded = false
      const { closeOnDefect, queue, queueGapForAll, send, sendToAll } = yield* RateDelivery.make({
        flush: () => flush(),
        deliveredUpTo: () => deliveredUpTo
      })

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
        closeOnDefect(subscribers, () =>
          isComplete ? sendToAll(subscribers, events, batchStartedAt) : queueGapForAll(subscribers, events)
        )
        deliveredUpTo = positionOf(broadcaster)
      }
      const coalescer = Coalescer.make(flush)

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

      const start = (subscriber: RateDelivery.Subscriber, since: StreamPosition | undefined) => {
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
