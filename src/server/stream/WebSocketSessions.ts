import { Cause, Effect, Fiber } from "effect"
import type { Socket } from "node:net"
import * as BackPressure from "./BackPressure.ts"
import { INTERNAL_ERROR, MAX_MESSAGE_BYTES, type WebSocket } from "./WebSocket.ts"

/** What a message takes beside its text: empty ones count as well. */
const MESSAGE_BYTES = 256

/** A message as it came. */
export type Frame = string | Uint8Array

/** What the messages of one client are answered with, if with anything. */
export interface Conversation {
  readonly hear: (message: Buffer, isBinary: boolean) => void
  readonly end: () => void
}

/**
 * Answers what clients say, each client's messages one after another, and no faster than it takes the answers. A fiber
 * lives only while there is something to answer.
 */
export const make = Effect.gen(function* () {
  const scope = yield* Effect.scope
  const fork = Effect.runForkWith(yield* Effect.context<never>())

  return (
    webSocket: WebSocket,
    tcp: Socket,
    answer: (frame: Frame) => Effect.Effect<string | void>
  ): Conversation => {
    let heard: Array<Frame> = []
    let heardBytes = 0
    let answering: Fiber.Fiber<void> | undefined

    const answerOne = (frame: Frame) =>
      Effect.flatMap(answer(frame), (text) => {
        if (text === undefined) return Effect.void
        webSocket.send(text)
        return BackPressure.drained(tcp)
      })

    const answerAll = Effect.suspend(() => {
      const frames = heard
      heard = []
      heardBytes = 0
      if (webSocket.isPaused) webSocket.resume()
      return Effect.forEach(frames, answerOne, { discard: true })
    }).pipe(
      Effect.catchDefect((defect) =>
        Effect.andThen(
          Effect.sync(() => webSocket.close(...INTERNAL_ERROR)),
          Effect.logError("Unforeseen failure of a WebSocket", Cause.die(defect))
        )
      )
    )

    const begin = () => {
      if (answering !== undefined || heard.length === 0) return
      answering = Fiber.runIn(fork(answerAll), scope)
      answering.addObserver(() => {
        answering = undefined
        begin()
      })
    }

    return {
      hear: (message, isBinary) => {
        if (webSocket.readyState !== webSocket.OPEN) return
        heard.push(isBinary ? message : message.toString())
        heardBytes += message.length + MESSAGE_BYTES
        if (heardBytes >= MAX_MESSAGE_BYTES) webSocket.pause()
        begin()
      },
      end: () => {
        heard = []
        answering?.interruptUnsafe()
      }
    }
  }
})
