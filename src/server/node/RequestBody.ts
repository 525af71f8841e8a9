import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect } from "effect"
import type { HttpServerError, HttpServerRequest } from "effect/http"
import type { Readable } from "node:stream"

const decoder = new TextDecoder()

/**
 * The body of a request as text. One that says how long it is, which was found to be no more than it may have, is taken
 * as it comes; what goes wrong on the way, any other body, and one that was read before, is left to the request itself.
 */
export const read = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<string, HttpServerError.HttpServerError> => {
  const incoming = NodeHttpServerRequest.toIncomingMessage(request)
  const isUntouched = incoming.readableFlowing === null && !incoming.destroyed
  // Who expects to be told to go on is told so by the request itself.
  const { "content-length": length, expect } = request.headers
  if (length === undefined || expect !== undefined || !isUntouched) return request.text
  return Effect.callback((resume) => {
    const leave = listen(incoming, (text) => {
      stop()
      resume(Effect.succeed(text))
    })
    const giveUp = () => {
      stop()
      resume(request.text)
    }
    const stop = () => {
      leave()
      incoming.off("error", giveUp).off("close", giveUp)
    }
    incoming.on("error", giveUp).on("close", giveUp)
    return Effect.sync(stop)
  })
}

/** Takes a body that nobody has read from as it comes, and tells it as text when it is there. Returns how to leave it. */
export const listen = (incoming: Readable, onText: (text: string) => void): (() => void) => {
  const chunks: Array<Buffer> = []
  const take = (chunk: Buffer) => chunks.push(chunk)
  const finish = () => {
    const [first] = chunks
    const bytes = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks)
    onText(decoder.decode(bytes))
  }
  incoming.on("data", take).on("end", finish)
  return () => incoming.off("data", take).off("end", finish)
}
