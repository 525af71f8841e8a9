import { Effect, Fiber } from "effect"
import type { Socket } from "node:net"
import * as BackPressure from "./BackPressure.ts"
import { closeOnDefect, MAX_MESSAGE_BYTES, type WebSocket } from "./WebSocket.ts"

/** Estimated memory of a queued message in addition to its text, so that empty messages count too. */
const MESSAGE_OVERHEAD_BYTES = 256

/** A message of a client: text, or bytes if it is binary. */
export type Message = string | Uint8Array

/** Queue of the messages of one client. */
export interface MessageQueue {
  readonly offer: (message: Buffer, isBinary: boolean) => void
  /** Drops the queued messages, and interrupts the current one. */
  readonly close: () => void
}

/**
 * Creates the message queues of WebSockets. A queue handles one message at a time, and waits for the client to read each
 * reply. It pauses reading while {@link MAX_MESSAGE_BYTES} are queued. A fiber exists only while there are messages.
 */
export const make = Effect.gen(function* () {
  const scope = yield* Effect.scope
  const fork = Effect.runForkWith(yield* Effect.context<never>())

  return (
    webSocket: WebSocket,
    tcp: Socket,
    reply: (message: Message) => Effect.Effect<string | void>
  ): MessageQueue => {
    let queued: Array<Message> = []
    let queuedBytes = 0
    let processing: Fiber.Fiber<void> | undefined

    const processOne = (message: Message) =>
      Effect.flatMap(reply(message), (text) => {
        if (text === undefined) return Effect.void
        webSocket.send(text)
        return BackPressure.awaitDrain(tcp)
      })

    const processQueued = Effect.suspend(() => {
      const messages = queued
      queued = []
      queuedBytes = 0
      if (webSocket.isPaused) webSocket.resume()
      return Effect.forEach(messages, processOne, { discard: true })
    }).pipe(closeOnDefect(webSocket))

    const start = () => {
      if (processing !== undefined || queued.length === 0) return
      processing = Fiber.runIn(fork(processQueued), scope)
      processing.addObserver(() => {
        processing = undefined
        start()
      })
    }

    return {
      offer: (message, isBinary) => {
        if (webSocket.readyState !== webSocket.OPEN) return
        queued.push(isBinary ? message : message.toString())
        queuedBytes += message.length + MESSAGE_OVERHEAD_BYTES
        if (queuedBytes >= MAX_MESSAGE_BYTES) webSocket.pause()
        start()
      },
      close: () => {
        queued = []
        processing?.interruptUnsafe()
      }
    }
  }
})
