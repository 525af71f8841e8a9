import { Schema } from "effect"
import * as PollMessages from "../../api/polling/PollMessage.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import type { RateEvent } from "../../domain/rates/RateEvent.ts"
import * as StreamPosition from "../../domain/rates/StreamPosition.ts"
import * as RateEncoding from "../http/RateEncoding.ts"
import * as WebSocketFrame from "../node/WebSocketFrame.ts"

/** How fresh a rate is for those who are told of it. */
export type IsStale = (rate: Rate) => boolean

const encodePoll = Schema.encodeSync(PollMessages.PollMessage)

/** The members of an event as JSON, without the braces around them. */
const membersOf = (event: RateEvent, isStale: IsStale): string => {
  const position = `"epoch":"${event.epoch}","sequence":${event.sequence}`
  switch (event._tag) {
    case "RateChanged": {
      const json = RateEncoding.toText({ rate: event.rate, stale: isStale(event.rate) })
      return `${position},${json.slice(1, -1)}`
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

/** The names of the events. */
const WEB_SOCKET_TYPES = {
  Snapshot: "all_rates",
  RateChanged: "rate_update",
  PollFinished: "all_rates_update",
  Gap: "gap"
} as const
const SSE_EVENTS = { Snapshot: "snapshot", RateChanged: "rate", PollFinished: "poll", Gap: "gap" } as const

/** Remembers what is told of an event, which is the same for every reader; a snapshot is made for one of them. */
const once = <A>(encode: (event: RateEvent, isStale: IsStale) => A) => {
  const encoded = new WeakMap<RateEvent, { readonly told: A }>()
  return (event: RateEvent, isStale: IsStale): A => {
    const known = encoded.get(event)
    if (known !== undefined) return known.told
    const told = encode(event, isStale)
    if (event._tag === "RateChanged" || event._tag === "PollFinished") encoded.set(event, { told })
    return told
  }
}

/** A message of the WebSocket, as it is written to the connection. */
export const toWebSocketFrame = once((event, isStale) =>
  WebSocketFrame.ofText(`{"type":"${WEB_SOCKET_TYPES[event._tag]}",${membersOf(event, isStale)}}`)
)

const encoder = new TextEncoder()

/** An event of the SSE stream. */
export const toSseBytes = once((event, isStale) =>
  encoder.encode(
    `id: ${StreamPosition.format(event)}\nevent: ${SSE_EVENTS[event._tag]}\ndata: {${membersOf(event, isStale)}}\n\n`
  )
)
