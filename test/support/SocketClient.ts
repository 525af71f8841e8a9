import { NodeWS } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { parseJsonObject } from "./TestServer.ts"
import * as Waiters from "./Waiters.ts"

export type Message = Readonly<Record<string, unknown>>

/** A conforming WebSocket client. */
export interface SocketClient {
  readonly webSocket: NodeWS.WebSocket
  /** Sends text and bytes unchanged, and other values as JSON. */
  readonly send: (message: unknown) => Effect.Effect<void>
  /** Takes the next message, and waits for it. */
  readonly next: Effect.Effect<Message>
  /** Asserts that no untaken message arrives before the response to a ping. */
  readonly assertNoMessage: Effect.Effect<void>
  readonly closed: Effect.Effect<{ readonly code: number; readonly reason: string }>
}

/** Opens a WebSocket until the scope closes. */
export const open = (url: string, options: NodeWS.ClientOptions = {}, protocols: Array<string> = []) =>
  Effect.acquireRelease(
    Effect.sync((): SocketClient => {
      const webSocket = new NodeWS.WebSocket(url.replace(/^http/, "ws"), protocols, options)
      const messages: Array<Message> = []
      let end: { code: number; reason: string } | undefined
      const waiters = Waiters.make()
      webSocket.on("message", (data: Buffer) => {
        messages.push(parseJsonObject(data.toString()))
        waiters.notify()
      })
      webSocket.on("close", (code, reason) => {
        end = { code, reason: reason.toString() }
        waiters.notify()
      })
      webSocket.on("error", () => {})
      const next = waiters.until(`message from ${url}`, () => messages.shift())
      const send: SocketClient["send"] = (message) =>
        Effect.promise(async () => {
          if (webSocket.readyState === NodeWS.WebSocket.CONNECTING)
            await new Promise((resolve) => webSocket.once("open", resolve))
          const isRaw = typeof message === "string" || message instanceof Uint8Array
          webSocket.send(isRaw ? message : JSON.stringify(message))
        })
      return {
        webSocket,
        send,
        next,
        assertNoMessage: Effect.gen(function* () {
          yield* send({ type: "ping" })
          assert.deepStrictEqual(yield* next, { type: "pong" })
        }),
        closed: waiters.until(`close of ${url}`, () => end)
      }
    }),
    ({ webSocket }) => Effect.sync(() => webSocket.terminate())
  )
