import { Array, Clock, Effect, Option, Stream } from "effect"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import * as StreamPosition from "../../domain/rates/StreamPosition.ts"
import * as RateFreshness from "../../rates/RateFreshness.ts"
import { Broadcaster } from "../../rates/feed/Broadcaster.ts"
import { Drain } from "../Drain.ts"
import * as PairParams from "../http/PairParams.ts"
import * as Heartbeat from "./Heartbeat.ts"
import * as RateEventEncoding from "./RateEventEncoding.ts"
import * as Sse from "./Sse.ts"
import { StreamConnections } from "./StreamConnections.ts"

interface SseSubscription {
  /** Comma-separated pairs, such as `USD:NGN,EUR:KES`; all pairs if undefined. */
  readonly pairs: string | undefined
  /** Position from which the client resumes. */
  readonly since: string | undefined
}

/** Creates the function that responds with rate events as server-sent events. */
export const make = Effect.gen(function* () {
  const { isStaleAt } = yield* RateFreshness.make
  const { pairs } = yield* AssetCatalog
  const broadcaster = yield* Broadcaster
  const connections = yield* StreamConnections
  const drain = yield* Drain

  return Effect.fnUntraced(function* ({ pairs: pairsText, since }: SseSubscription) {
    const subscription = {
      pairs:
        pairsText === undefined
          ? undefined
          : yield* PairParams.parse(pairs, pairsText.split(","), "/query/pairs"),
      since: since === undefined ? undefined : Option.getOrUndefined(StreamPosition.parse(since))
    }
    // The scope is the request's, which stays open until the stream has ended.
    yield* connections.acquire("sse")
    const mailbox = yield* broadcaster.subscribe(subscription)
    const events = Stream.fromEffectRepeat(
      Effect.gen(function* () {
        const taken = yield* mailbox.take
        const isStale = isStaleAt(yield* Clock.currentTimeMillis)
        return Array.map(taken, (event) => RateEventEncoding.toSseBytes(event, isStale))
      })
    ).pipe(Stream.flattenArray)
    const heartbeats = Stream.map(Stream.drop(Stream.tick(Heartbeat.HEARTBEAT_INTERVAL), 1), () =>
      Heartbeat.toSseBytes(broadcaster.contact())
    )
    return Sse.respond(
      Stream.interruptWhen(Stream.merge(events, heartbeats), drain.awaitEndOfStreams),
      "no-cache"
    )
  })
})
