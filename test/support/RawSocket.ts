import { Effect } from "effect"
import { connect as connectTcp, type Socket } from "node:net"
import { type Parsed, parseFrame, parseHead } from "./WebSocketFrames.ts"
import { eventually } from "./SocketClient.ts"

export { BINARY, CLOSE, frame, handshake, PING, TEXT } from "./WebSocketFrames.ts"

/** A WebSocket client that sends arbitrary bytes. */
export interface RawSocket {
  readonly socket: Socket
  /** Status line of the handshake response. */
  readonly status: Effect.Effect<string>
  /** Takes the next frame: its text, or the code of a close. */
  readonly next: Effect.Effect<string>
  readonly ended: Effect.Effect<true>
}

/** Connects, and sends bytes. They must start with a handshake to open a WebSocket. */
export const connect = (port: number, ...bytes: ReadonlyArray<string | Uint8Array>) =>
  Effect.acquireRelease(
    Effect.sync((): RawSocket => {
      const socket = connectTcp({ port, host: "127.0.0.1" })
      let received = Buffer.alloc(0)
      let hasEnded = false
      socket.on("data", (chunk: Buffer) => (received = Buffer.concat([received, chunk])))
      socket.on("error", () => {})
      socket.on("close", () => (hasEnded = true))
      for (const each of bytes) socket.write(each)

      const take = (parse: (received: Buffer) => Parsed | undefined) => () => {
        const parsed = parse(received)
        if (parsed === undefined) return undefined
        received = Buffer.from(parsed.remaining)
        return parsed.text
      }
      return {
        socket,
        status: Effect.suspend(() => eventually("handshake response", take(parseHead))),
        next: Effect.suspend(() => eventually("frame", take(parseFrame))),
        ended: Effect.suspend(() => eventually("end of the connection", () => hasEnded || undefined))
      }
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )
