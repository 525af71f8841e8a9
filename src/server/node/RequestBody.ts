import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect } from "effect"
import type { HttpServerError, HttpServerRequest } from "effect/http"
import type { Readable } from "node:stream"
import { InvalidRequest } from "../../api/Problem.ts"

const decoder = new TextDecoder("utf-8", { fatal: true })

/** Problem of a body that is not valid UTF-8. Replacing the invalid bytes would store a text that the client did not send. */
export const invalidText = new InvalidRequest({ detail: "The body is not valid UTF-8" })

/** Decodes UTF-8; undefined if it is invalid. */
const decode = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

const toText = (text: string | undefined) =>
  text === undefined ? Effect.fail(invalidText) : Effect.succeed(text)

/**
 * Reads the body of a request as text. Fails if it is not valid UTF-8.
 *
 * An unread body with a `Content-Length`, which `RequestGuards` has limited, is collected directly from Node. Everything
 * else is left to `request.arrayBuffer`: chunked bodies, `Expect: 100-continue`, bodies that were read before, and errors.
 */
export const read = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<string, HttpServerError.HttpServerError | InvalidRequest> => {
  const incoming = NodeHttpServerRequest.toIncomingMessage(request)
  const isUnread = incoming.readableFlowing === null && !incoming.destroyed
  const { "content-length": contentLength, expect } = request.headers
  const buffered = Effect.flatMap(request.arrayBuffer, (bytes) => toText(decode(new Uint8Array(bytes))))
  if (contentLength === undefined || expect !== undefined || !isUnread) return buffered
  return Effect.callback((resume) => {
    const cancel = collect(incoming, (text) => {
      stop()
      resume(toText(text))
    })
    const onFailure = () => {
      stop()
      resume(buffered)
    }
    const stop = () => {
      cancel()
      incoming.off("error", onFailure).off("close", onFailure)
    }
    incoming.on("error", onFailure).on("close", onFailure)
    return Effect.sync(stop)
  })
}

/**
 * Collects an unread body and passes it on as text, or as undefined if it is not valid UTF-8. Returns a function that stops
 * collecting.
 */
export const collect = (incoming: Readable, onText: (text: string | undefined) => void): (() => void) => {
  const chunks: Array<Buffer> = []
  const onData = (chunk: Buffer) => chunks.push(chunk)
  const onEnd = () => {
    const [first] = chunks
    const bytes = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks)
    onText(decode(bytes))
  }
  incoming.on("data", onData).on("end", onEnd)
  return () => incoming.off("data", onData).off("end", onEnd)
}
