import { Cause, Clock, Context, Effect, Layer } from "effect"
import type { Socket } from "node:net"
import { Settings } from "../../config/Settings.ts"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import { isStaleAt } from "../../domain/rates/Rate.ts"
import type { PollFinished, RateChanged, RateEvent } from "../../domain/rates/RateEvent.ts"
import type { StreamPosition } from "../../domain/rates/StreamPosition.ts"
import * as Metrics from "../../platform/telemetry/Metrics.ts"
import { Broadcaster } from "../../rates/feed/Broadcaster.ts"
import * as Mailbox from "../../rates/feed/Mailbox.ts"
import * as Coalescer from "../../rates/feed/Coalescer.ts"
import { Drain } from "../Drain.ts"
import * as RateEventEncoding from "./RateEventEncoding.ts"
import { GOING_AWAY, INTERNAL_ERROR, WebSocket } from "./WebSocket.ts"

/** How many changes wait to be told together at most. */
const MAX_BATCH = 256

/** One client that is told. */
export interface Reader {
  readonly webSocket: WebSocket
  /** What carries its WebSocket. */
  readonly tcp: Socket
  /** The pairs that it wants to be told of, by their keys; all where it has not said so. */
  wanted: ReadonlyMap<string, CurrencyPair> | undefined
  /** What it has missed, while its connection takes nothing. */
  mailbox: Mailbox.Inbox | undefined
}

/**
 * Tells every WebSocket of every change. What has changed is encoded once, as the bytes of its frames, and given to each
 * connection in one write: the system call is what telling costs, and with the rests of a {@link Coalescer.make pace} between
 * there are few of them, however many changes there are. A connection that does not take what was written before is
 * told nothing until it does; what it misses waits in a mailbox of its own, which keeps the newest per pair.
 *
 * Whatever is said of one reader (that it wants other pairs, or everything anew) is said between batches: so all who are
 * not behind have been told the same, and the position is known once for all.
 */
export class RatesFanOut extends Context.Service<
  RatesFanOut,
  {
    /** Tells a reader what it begins with, and every change from then on. */
    readonly add: (reader: Reader, since: StreamPosition | undefined) => void
    readonly remove: (reader: Reader) => void
    readonly want: (reader: Reader, wanted: ReadonlyMap<string, CurrencyPair>) => void
    /** Tells a reader every rate anew, of the pairs that it wants or of all. */
    readonly refresh: (reader: Reader, everything: boolean) => void
  }
>()("effex/server/stream/RatesFanOut") {
  static readonly layer = Layer.effect(
    RatesFanOut,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const { staleAfter } = yield* Settings
  const broadcaster = yield* Broadcaster
  const drain = yield* Drain
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const readers = new Set<Reader>()
  let batch: Array<RateChanged | PollFinished> = []
  /** Whether something was left out of the batch. */
  let isBroken = false
  /** When the first of the batch came. */
  let since = 0
  /** Up to where those who are not behind were told. */
  let told = positionOf(broadcaster)
  let hasEnded = false

  const encode = (events: ReadonlyArray<RateEvent>): ReadonlyArray<Buffer> => {
    const isStale = isStaleAt(clock.currentTimeMillisUnsafe(), staleAfter)
    return events.map((event) => RateEventEncoding.toWebSocketFrame(event, isStale))
  }

  const waitForTurn = () => {
    if (batch.length > 0 || isBroken) return
    since = performance.now()
    pace.soon()
  }

  /** Tells what has changed, so that nothing is left to be told. */
  const tellAll = () => {
    if (batch.length === 0 && !isBroken) return
    const events = batch
    const isWhole = !isBroken
    batch = []
    isBroken = false
    safely(readers, () => (isWhole ? pass(events) : keepAll(events)))
    told = positionOf(broadcaster)
  }
  const pace = Coalescer.make(tellAll)

  const pass = (events: ReadonlyArray<RateChanged | PollFinished>) => {
    const frames = encode(events)
    const all = Buffer.concat(frames)
    const waited = (performance.now() - since) / 1000
    for (const reader of readers) {
      const { mailbox, tcp, wanted, webSocket } = reader
      if (webSocket.readyState !== WebSocket.OPEN) continue
      if (mailbox !== undefined || tcp.writableNeedDrain) {
        keep(reader, ({ offer }) => events.forEach(offer))
        continue
      }
      const bytes = wanted === undefined ? all : bytesOf(events, frames, wanted)
      if (bytes.length === 0) continue
      tcp.write(bytes)
      Metrics.streamLag.updateUnsafe(waited, context)
    }
  }

  const keepAll = (events: ReadonlyArray<RateChanged | PollFinished>) => {
    for (const reader of readers) {
      keep(reader, ({ invalidate, offer }) => {
        events.forEach(offer)
        invalidate()
      })
    }
  }

  /** Puts into the mailbox of a reader what it is told once it takes what it was told before. */
  const keep = (reader: Reader, put: (mailbox: Mailbox.Inbox) => void) => {
    if (reader.mailbox !== undefined) return put(reader.mailbox)
    reader.mailbox = Mailbox.make({
      pairs: reader.wanted && Array.from(reader.wanted.values()),
      told,
      first: [],
      snapshot: broadcaster.snapshot
    })
    put(reader.mailbox)
    catchUp(reader)
  }

  /** Empties the mailbox of a reader as soon as its connection takes it. */
  const catchUp = (reader: Reader): void => {
    const { mailbox, tcp, webSocket } = reader
    if (mailbox === undefined || webSocket.readyState !== WebSocket.OPEN) return
    if (tcp.writableNeedDrain) {
      tcp.once("drain", () => {
        tellAll()
        safely([reader], () => catchUp(reader))
      })
      return
    }
    const events = mailbox.takeNow()
    const waited = mailbox.waited()
    reader.mailbox = undefined
    tell(reader, events)
    if (waited !== undefined) Metrics.streamLag.updateUnsafe(waited, context)
  }

  const tell = ({ tcp }: Reader, events: ReadonlyArray<RateEvent>) => {
    if (events.length === 0) return
    tcp.write(Buffer.concat(encode(events)))
    if (events.some(({ _tag }) => _tag === "Gap")) Metrics.streamGaps.updateUnsafe(1, context)
  }

  /** Nobody waits for this who could be told of a failure. */
  const safely = (toldTo: Iterable<Reader>, telling: () => void) => {
    try {
      telling()
    } catch (defect) {
      for (const { webSocket } of toldTo) webSocket.close(...INTERNAL_ERROR)
      Effect.runForkWith(context)(
        Effect.logError("Unforeseen failure of telling WebSockets", Cause.die(defect))
      )
    }
  }

  yield* broadcaster.follow({
    offer: (event) => {
      waitForTurn()
      if (batch.push(event) >= MAX_BATCH) tellAll()
    },
    invalidate: () => {
      waitForTurn()
      isBroken = true
    }
  })

  yield* drain.begun.pipe(
    Effect.andThen(
      Effect.sync(() => {
        tellAll()
        hasEnded = true
        for (const { webSocket } of readers) webSocket.close(...GOING_AWAY)
      })
    ),
    Effect.forkScoped
  )

  return RatesFanOut.of({
    add: (reader, position) => {
      // Its client has left before it was served.
      if (reader.webSocket.readyState === WebSocket.CLOSED) return
      tellAll()
      tell(reader, broadcaster.beginning({ since: position }))
      readers.add(reader)
      if (hasEnded) reader.webSocket.close(...GOING_AWAY)
    },
    remove: (reader) => readers.delete(reader),
    want: (reader, wanted) => {
      tellAll()
      reader.wanted = wanted
      reader.mailbox?.want(Array.from(wanted.values()))
    },
    refresh: (reader, everything) => {
      tellAll()
      keep(reader, (mailbox) => mailbox.refresh(everything))
    }
  })
})

const positionOf = ({ snapshot }: Broadcaster["Service"]): StreamPosition => {
  const { epoch, sequence } = snapshot()
  return { epoch, sequence }
}

/** The frames of the events that a reader wants: polls, and changes of its pairs. */
const bytesOf = (
  events: ReadonlyArray<RateChanged | PollFinished>,
  frames: ReadonlyArray<Buffer>,
  wanted: ReadonlyMap<string, CurrencyPair>
) =>
  Buffer.concat(
    frames.filter((_, i) => {
      const event = events[i]
      return event?._tag !== "RateChanged" || wanted.has(event.rate.pair.key)
    })
  )
