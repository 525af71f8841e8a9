import { connect } from "node:net"
import * as WebSocketFrames from "../support/WebSocketFrames.ts"

/*
 * A client that attacks a server on this machine: `node HostileClient.ts PORT ATTACK`. It runs until it is killed, as a
 * process of its own with a low priority, so that it takes no CPU time from the server. It reads into one buffer, and prints
 * the number of opened connections.
 */

/** Another address than that of other clients, so that limits of an address apply to the attack alone. */
const ADDRESS = "127.0.0.2"

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`

interface Attack {
  readonly bytes: string | Uint8Array
  /** Number of connections that are opened at once. */
  readonly connections: number
  /** Time until the next connections are opened; they are opened only once if absent. */
  readonly intervalMillis?: number
  /** True if it reads the responses. */
  readonly reads: boolean
}

const fragments = (count: number) =>
  Buffer.concat([
    Buffer.from(WebSocketFrames.handshake("/ws/rates/")),
    WebSocketFrames.frame(WebSocketFrames.TEXT, "{", { first: WebSocketFrames.TEXT }),
    ...Array.from({ length: count }, () =>
      WebSocketFrames.frame(WebSocketFrames.CONTINUATION, " ", { first: WebSocketFrames.CONTINUATION })
    )
  ])

const ATTACKS: Readonly<Record<string, Attack>> = {
  "unread-pages": { bytes: get("/docs").repeat(2), connections: 700, reads: false },
  "unread-scripts": { bytes: get("/docs/scalar.js").repeat(2), connections: 700, reads: false },
  "pipelined-pages": { bytes: get("/docs").repeat(100), connections: 1, intervalMillis: 1000, reads: true },
  "unread-pipelined-pages": {
    bytes: get("/docs/scalar.js").repeat(100),
    connections: 1,
    intervalMillis: 1000,
    reads: false
  },
  "pipelined-unknown-paths": {
    bytes: get("/nothing").repeat(400),
    connections: 1,
    intervalMillis: 250,
    reads: true
  },
  fragments: { bytes: fragments(16_000), connections: 40, reads: true }
}

const [port, name = ""] = process.argv.slice(2)
const attack = ATTACKS[name]
if (attack === undefined)
  throw new Error(`unknown attack ${name}; known are ${Object.keys(ATTACKS).join(", ")}`)
const { bytes, connections, intervalMillis, reads } = attack

const buffer = Buffer.alloc(1024 * 1024)
let opened = 0
const open = () => {
  const socket = connect({
    port: Number(port),
    host: "127.0.0.1",
    localAddress: ADDRESS,
    // Reading continues while the callback returns true.
    onread: { buffer, callback: () => reads }
  })
  socket.on("error", () => {})
  socket.on("connect", () => {
    opened++
    process.stdout.write(`opened ${opened}\n`)
  })
  if (!reads) socket.pause()
  socket.write(bytes)
}

const openAll = () => {
  for (let i = 0; i < connections; i++) open()
}
openAll()
if (intervalMillis !== undefined) setInterval(openAll, intervalMillis)
// Without it, the process would end when the server has closed all connections.
setInterval(() => {}, 60_000)
