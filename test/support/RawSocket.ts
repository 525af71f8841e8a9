import { Effect } from "effect"
import { connect as connectTcp, type Socket } from "node:net"
import { type Read, readFrame, readHead } from "./WebSocketFrames.ts"
import { eventually } from "./SocketClient.ts"

export { BINARY, CLOSE, frame, handshake, PING, TEXT } from "./WebSocketFrames.ts"

/** A WebSocket's client that may break every rule. */
export interface RawSocket {
  readonly socket: Socket
  /** The status line of the answer to the handshake. */
  readonly status: Effect.Effect<string>
  /** The frames that came, one after another: text, or the code of a close. */
  readonly next: Effect.Effect<string>
  readonly ended: Effect.Effect<true>
}

/** Connects and sends bytes, a handshake first where they are to be understood. */
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

      const taking = (read: (received: Buffer) => Read | undefined) => () => {
        const found = read(received)
        if (found === undefined) return undefined
        received = Buffer.from(found.rest)
        return found.text
      }
      return {
        socket,
        status: Effect.suspend(() => eventually("answer to the handshake", taking(readHead))),
        next: Effect.suspend(() => eventually("frame", taking(readFrame))),
        ended: Effect.suspend(() => eventually("end of the connection", () => hasEnded || undefined))
      }
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )
