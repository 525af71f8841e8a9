import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect } from "effect"
import type { HttpServerError, HttpServerRequest } from "effect/http"

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
    const chunks: Array<Buffer> = []
    const take = (chunk: Buffer) => chunks.push(chunk)
    const finish = () => {
      leave()
      const [first] = chunks
      const bytes = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks)
      resume(Effect.succeed(decoder.decode(bytes)))
    }
    const giveUp = () => {
      leave()
      resume(request.text)
    }
    const leave = () => {
      incoming.off("data", take).off("end", finish).off("error", giveUp).off("close", giveUp)
    }
    incoming.on("data", take).on("end", finish).on("error", giveUp).on("close", giveUp)
    return Effect.sync(leave)
  })
}
