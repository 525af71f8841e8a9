import { Schema } from "effect"
import * as PollMessages from "../../api/polling/PollMessage.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import type { RateEvent } from "../../domain/rates/RateEvent.ts"
import * as StreamPosition from "../../domain/rates/StreamPosition.ts"
import * as RateEncoding from "../encoding/RateEncoding.ts"
import * as WebSocketFrame from "../node/WebSocketFrame.ts"
import * as Sse from "./Sse.ts"

/** Returns true if a rate is stale at the time of encoding. */
export type IsStale = (rate: Rate) => boolean

const encodePoll = Schema.encodeSync(PollMessages.PollMessage)

/** JSON members of an event, without the enclosing braces. */
const membersOf = (event: RateEvent, isStale: IsStale): string => {
  const position = `"epoch":"${event.epoch}","sequence":${event.sequence}`
  switch (event._tag) {
    case "RateChanged":
    case "RateStale": {
      const stale = event._tag === "RateStale" || isStale(event.rate)
      return `${position},${RateEncoding.toText({ rate: event.rate, stale }).slice(1, -1)}`
    }
    case "Snapshot": {
      const rates = event.rates.map((rate) => RateEncoding.toText({ rate, stale: isStale(rate) }))
      return `${position},"rates":[${rates.join(",")}]`
    }
    case "PollFinished":
      return `${position},${JSON.stringify(encodePoll(PollMessages.toMessage(event.run))).slice(1, -1)}`
    case "Gap":
      return `${position},"since":"${StreamPosition.format(event.since)}"`
  }
}

const WEB_SOCKET_TYPES = {
  Snapshot: "all_rates",
  RateChanged: "rate_update",
  RateStale: "rate_update",
  PollFinished: "all_rates_update",
  Gap: "gap"
} as const
const SSE_EVENTS = {
  Snapshot: "snapshot",
  RateChanged: "rate",
  RateStale: "rate",
  PollFinished: "poll",
  Gap: "gap"
} as const

/** Encodes an event once for all clients. Snapshots and gaps are not cached, because each goes to one client. */
const encodeOnce = <A>(encode: (event: RateEvent, isStale: IsStale) => A) => {
  const cache = new WeakMap<RateEvent, { readonly encoded: A }>()
  return (event: RateEvent, isStale: IsStale): A => {
    const cached = cache.get(event)
    if (cached !== undefined) return cached.encoded
    const encoded = encode(event, isStale)
    if (event._tag !== "Snapshot" && event._tag !== "Gap") cache.set(event, { encoded })
    return encoded
  }
}

/** Encodes an event as a WebSocket frame. */
export const toWebSocketFrame = encodeOnce((event, isStale) =>
  WebSocketFrame.encodeText(`{"type":"${WEB_SOCKET_TYPES[event._tag]}",${membersOf(event, isStale)}}`)
)

/** Encodes an event as a server-sent event. */
export const toSseBytes = encodeOnce((event, isStale) =>
  Sse.encode(StreamPosition.format(event), SSE_EVENTS[event._tag], `{${membersOf(event, isStale)}}`)
)
