import { Array, Clock, Effect, Option, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { Settings } from "../../config/Settings.ts"
import { isStaleAt } from "../../domain/rates/Rate.ts"
import * as StreamPosition from "../../domain/rates/StreamPosition.ts"
import { Broadcaster } from "../../rates/feed/Broadcaster.ts"
import { Drain } from "../Drain.ts"
import * as PairParams from "../http/PairParams.ts"
import * as RateEventEncoding from "./RateEventEncoding.ts"
import { StreamConnections } from "./StreamConnections.ts"

/** A comment, so that nobody in between takes a quiet stream for a dead one. */
const HEARTBEAT = new TextEncoder().encode(": still here\n\n")
const HEARTBEAT_INTERVAL = "15 seconds"
/** Comes first: how long a browser waits before it comes back. */
const RETRY = new TextEncoder().encode("retry: 1000\n\n")

/** What a reader of the events asks for. */
interface Asked {
  /** `USD:NGN,EUR:KES`; all pairs without it. */
  readonly pairs: string | undefined
  readonly since: string | undefined
}

/** The rates as server-sent events. */
export const make = Effect.gen(function* () {
  const { pairs, staleAfter } = yield* Settings
  const broadcaster = yield* Broadcaster
  const connections = yield* StreamConnections
  const drain = yield* Drain

  return Effect.fnUntraced(function* (asked: Asked) {
    const subscription = {
      pairs:
        asked.pairs === undefined
          ? undefined
          : yield* PairParams.find(pairs, asked.pairs.split(","), "/query/pairs"),
      since: asked.since === undefined ? undefined : Option.getOrUndefined(StreamPosition.parse(asked.since))
    }
    // The request's own scope stays open until the stream has ended.
    yield* connections.enter("sse")
    const mailbox = yield* broadcaster.subscribe(subscription)
    const events = Stream.fromEffectRepeat(
      Effect.gen(function* () {
        const taken = yield* mailbox.take
        const isStale = isStaleAt(yield* Clock.currentTimeMillis, staleAfter)
        return Array.map(taken, (event) => RateEventEncoding.toSseBytes(event, isStale))
      })
    ).pipe(Stream.flattenArray)
    const heartbeats = Stream.map(Stream.drop(Stream.tick(HEARTBEAT_INTERVAL), 1), () => HEARTBEAT)
    const body = Stream.make(RETRY).pipe(
      Stream.concat(Stream.merge(events, heartbeats)),
      Stream.interruptWhen(drain.begun)
    )
    return HttpServerResponse.stream(body, {
      contentType: "text/event-stream",
      headers: { "cache-control": "no-cache", "x-accel-buffering": "no" }
    })
  })
})
