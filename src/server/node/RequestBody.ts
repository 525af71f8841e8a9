import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect } from "effect"
import type { HttpServerError, HttpServerRequest } from "effect/http"
import type { Readable } from "node:stream"

const decoder = new TextDecoder()

/**
 * Reads the body of a request as text.
 *
 * An unread body with a `Content-Length`, which `RequestGuards` has limited, is collected directly from Node. Everything
 * else is left to `request.text`: chunked bodies, `Expect: 100-continue`, bodies that were read before, and errors.
 */
export const read = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<string, HttpServerError.HttpServerError> => {
  const incoming = NodeHttpServerRequest.toIncomingMessage(request)
  const isUnread = incoming.readableFlowing === null && !incoming.destroyed
  const { "content-length": contentLength, expect } = request.headers
  if (contentLength === undefined || expect !== undefined || !isUnread) return request.text
  return Effect.callback((resume) => {
    const cancel = collect(incoming, (text) => {
      stop()
      resume(Effect.succeed(text))
    })
    const onFailure = () => {
      stop()
      resume(request.text)
    }
    const stop = () => {
      cancel()
      incoming.off("error", onFailure).off("close", onFailure)
    }
    incoming.on("error", onFailure).on("close", onFailure)
    return Effect.sync(stop)
  })
}

/** Collects an unread body and passes it on as text. Returns a function that stops collecting. */
export const collect = (incoming: Readable, onText: (text: string) => void): (() => void) => {
  const chunks: Array<Buffer> = []
  const onData = (chunk: Buffer) => chunks.push(chunk)
  const onEnd = () => {
    const [first] = chunks
    const bytes = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks)
    onText(decoder.decode(bytes))
  }
  incoming.on("data", onData).on("end", onEnd)
  return () => incoming.off("data", onData).off("end", onEnd)
}
