import { Effect } from "effect"
import { connect as connectTcp, type Socket } from "node:net"
import * as Waiters from "./Waiters.ts"
import { type Parsed, parseFrame, parseHead } from "./WebSocketFrames.ts"

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
      let received: Buffer = Buffer.alloc(0)
      let hasEnded = false
      const waiters = Waiters.make()
      socket.on("data", (chunk: Buffer) => {
        received = Buffer.concat([received, chunk])
        waiters.notify()
      })
      socket.on("error", () => {})
      socket.on("close", () => {
        hasEnded = true
        waiters.notify()
      })
      for (const each of bytes) socket.write(each)

      const take = (parse: (received: Buffer) => Parsed | undefined) => () => {
        const parsed = parse(received)
        if (parsed === undefined) return undefined
        received = parsed.remaining
        return parsed.text
      }
      return {
        socket,
        status: waiters.until("handshake response", take(parseHead)),
        next: waiters.until("frame", take(parseFrame)),
        ended: waiters.until("end of the connection", () => hasEnded || undefined)
      }
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )
