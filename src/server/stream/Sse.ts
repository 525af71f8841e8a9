import { Stream } from "effect"
import { HttpServerResponse } from "effect/http"

const encoder = new TextEncoder()

/** First field of a stream: milliseconds until a browser reconnects. */
const RETRY = encoder.encode("retry: 1000\n\n")

/** Encodes an event whose data is one line of text. */
export const encode = (id: string, event: string, data: string): Uint8Array =>
  encoder.encode(`id: ${id}\nevent: ${event}\ndata: ${data}\n\n`)

/** Responds with server-sent events. */
export const respond = <E>(events: Stream.Stream<Uint8Array, E>, cacheControl: string) =>
  HttpServerResponse.stream(Stream.concat(Stream.make(RETRY), events), {
    contentType: "text/event-stream",
    headers: { "cache-control": cacheControl, "x-accel-buffering": "no" }
  })
