import { Effect, Semaphore, Stream } from "effect"
import { HttpServerResponse } from "effect/http"

/** A chunk takes about 50 µs to copy. */
const CHUNK_BYTES = 128 * 1024

/** Lets one response write a chunk per event-loop turn. */
const turns = Semaphore.makeUnsafe(1)
const nextTurn = turns.withPermit(Effect.yieldNow)

/**
 * Responds with bytes that many responses share. A body of megabytes would take milliseconds to copy into the buffers of a
 * connection, and hundreds of clients can request one at the same time. So it is written in chunks without a copy: one per
 * event-loop turn for all connections together, and none while a client does not read.
 */
export const respond = (
  bytes: Uint8Array,
  options: {
    readonly status?: number
    readonly contentType: string
    readonly headers: Readonly<Record<string, string>>
  }
): HttpServerResponse.HttpServerResponse => {
  if (bytes.length <= CHUNK_BYTES) return HttpServerResponse.uint8Array(bytes, options)
  const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, i) =>
    bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)
  )
  // The response starts at once, also if the rest of its request is invalid.
  const body = Stream.concat(
    Stream.fromIterable(chunks.slice(0, 1)),
    Stream.fromIterable(chunks.slice(1), { chunkSize: 1 }).pipe(
      Stream.mapEffect((chunk) => Effect.as(nextTurn, chunk))
    )
  )
  return HttpServerResponse.stream(body, { ...options, contentLength: bytes.length })
}
