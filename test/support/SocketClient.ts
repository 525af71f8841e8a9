import { NodeWS } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { membersOf } from "./TestServer.ts"

export type Message = Readonly<Record<string, unknown>>

/** A client of a WebSocket, as a program would have one. */
export interface SocketClient {
  readonly webSocket: NodeWS.WebSocket
  /** Sends text or bytes as they are, and all else as JSON. */
  readonly send: (message: unknown) => Effect.Effect<void>
  /** The next message that it has not been given yet. */
  readonly next: Effect.Effect<Message>
  /** Makes sure that nothing has come that it has not been given, up to the answer to a ping. */
  readonly nothing: Effect.Effect<void>
  readonly closed: Effect.Effect<{ readonly code: number; readonly reason: string }>
}

const DEADLINE_MILLIS = 5_000

/** Waits until something is there. */
export const eventually = Effect.fnUntraced(function* <A>(
  what: string,
  look: () => A | undefined,
  millis = DEADLINE_MILLIS
) {
  const startedAt = performance.now()
  for (;;) {
    const found = look()
    if (found !== undefined) return found
    if (performance.now() - startedAt > millis) return assert.fail(`no ${what} within ${millis} ms`)
    yield* Effect.sleep("2 millis")
  }
})

/** Opens a WebSocket for as long as the scope is open. */
export const open = (url: string, options: NodeWS.ClientOptions = {}, protocols: Array<string> = []) =>
  Effect.acquireRelease(
    Effect.sync((): SocketClient => {
      const webSocket = new NodeWS.WebSocket(url.replace(/^http/, "ws"), protocols, options)
      const messages: Array<Message> = []
      let end: { code: number; reason: string } | undefined
      webSocket.on("message", (data: Buffer) => messages.push(membersOf(data.toString())))
      webSocket.on("close", (code, reason) => (end = { code, reason: reason.toString() }))
      webSocket.on("error", () => {})
      const next = Effect.suspend(() => eventually(`message from ${url}`, () => messages.shift()))
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
        nothing: Effect.gen(function* () {
          yield* send({ type: "ping" })
          assert.deepStrictEqual(yield* next, { type: "pong" })
        }),
        closed: Effect.suspend(() => eventually(`end of ${url}`, () => end))
      }
    }),
    ({ webSocket }) => Effect.sync(() => webSocket.terminate())
  )
