import { Effect } from "effect"
import { connect } from "node:net"
import * as WebSocketFrames from "../support/WebSocketFrames.ts"
import type { Fault } from "./Checks.ts"
import type { RandomChoice } from "./RandomChoice.ts"
import * as Leaks from "./Leaks.ts"
import type { Messages } from "./SocketMessages.ts"
import { type Address, PATIENCE_MILLIS } from "./RawRequests.ts"

/** A path at which a WebSocket answers. */
export interface Talk {
  readonly path: string
  readonly messages: Messages
  /** What is always answered by a text that `pong` matches. */
  readonly ping: string
  readonly pong: RegExp
}

/** How a conversation ended, and what was wrong with it. */
export interface Outcome {
  readonly end: string
  readonly faults: ReadonlyArray<Fault>
  /** All that was said, the handshake first. */
  readonly bytes: Buffer
}

/** Codes by which a server may close what it cannot read, does not want, or was told the end of (RFC 6455, 7.4.1). */
const CLOSES = new Set([
  "close 1000",
  "close 1001",
  "close 1002",
  "close 1003",
  "close 1005",
  "close 1007",
  "close 1008",
  "close 1009",
  "close 1013"
])

/** Frames that break the rules of the protocol. */
const broken: ReadonlyArray<(dice: RandomChoice) => Buffer> = [
  () => WebSocketFrames.frame(WebSocketFrames.TEXT, "{}", { masked: false }),
  () => WebSocketFrames.frame(WebSocketFrames.TEXT, "{}", { first: 0xf1 }),
  (dice) => WebSocketFrames.frame(dice.pick([3, 7, 11, 15]), "x"),
  () => WebSocketFrames.frame(WebSocketFrames.CONTINUATION, "x"),
  () => WebSocketFrames.frame(WebSocketFrames.TEXT, Buffer.from([0xc0, 0xaf, 0xff])),
  () => WebSocketFrames.frame(WebSocketFrames.PING, "p".repeat(126)),
  () => WebSocketFrames.frame(WebSocketFrames.PING, "x", { first: WebSocketFrames.PING }),
  () => WebSocketFrames.frame(WebSocketFrames.TEXT, "x".repeat(70_000)),
  () => Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
  () =>
    Buffer.concat([
      WebSocketFrames.frame(WebSocketFrames.TEXT, "{", { first: 1 }),
      WebSocketFrames.frame(WebSocketFrames.TEXT, "}")
    ]),
  (dice) =>
    WebSocketFrames.frame(WebSocketFrames.CLOSE, Buffer.from([dice.below(256), dice.below(256), 0xff])),
  () => WebSocketFrames.frame(WebSocketFrames.CLOSE, Buffer.from([1])),
  (dice) => Buffer.from(Array.from({ length: 40 }, () => dice.below(256)))
]

/** Frames that keep the rules, though nobody expects them. */
const unusual: ReadonlyArray<(dice: RandomChoice) => Buffer> = [
  () => WebSocketFrames.frame(WebSocketFrames.PING, "p".repeat(125)),
  () => WebSocketFrames.frame(10, "pong"),
  () => WebSocketFrames.frame(WebSocketFrames.BINARY, Buffer.from([0, 255])),
  () => WebSocketFrames.frame(WebSocketFrames.TEXT),
  () =>
    Buffer.concat([
      WebSocketFrames.frame(WebSocketFrames.TEXT, "{", { first: 1 }),
      ...Array.from({ length: 200 }, () =>
        WebSocketFrames.frame(WebSocketFrames.CONTINUATION, " ", { first: 0 })
      ),
      WebSocketFrames.frame(WebSocketFrames.CONTINUATION, "}")
    ])
]

/** Says many things, right and wrong; the server answers the ping behind them, or has closed for what was wrong. */
export const converse = ({ host, port }: Address, { messages, path, ping, pong }: Talk, dice: RandomChoice) =>
  Effect.callback<Outcome>((resume) => {
    const isBroken = dice.chance(0.3)
    const said = Array.from({ length: 1 + dice.below(15) }, () =>
      dice.chance(0.1)
        ? dice.pick(unusual)(dice)
        : WebSocketFrames.frame(WebSocketFrames.TEXT, messages(dice))
    )
    if (isBroken) said.push(dice.pick(broken)(dice))
    said.push(WebSocketFrames.frame(WebSocketFrames.TEXT, ping))
    const bytes = Buffer.concat([Buffer.from(WebSocketFrames.handshake(path)), ...said])
    const faults: Array<Fault> = []
    const blame = (kind: string, detail: string) => faults.push({ kind: `${path}: ${kind}`, detail })
    let received: Buffer = Buffer.alloc(0)
    let upgraded = false

    const finish = (end: string) => {
      clearTimeout(timer)
      socket.removeAllListeners("close").destroy()
      resume(Effect.succeed({ end, faults, bytes }))
    }
    const hear = (text: string) => {
      for (const leak of Leaks.find(text, bytes.toString()))
        blame(`tells ${JSON.stringify(leak)}`, text.slice(0, 500))
      if (pong.test(text)) return finish("pong")
      if (!/^close \d+$/.test(text)) return
      if (!CLOSES.has(text)) blame(text, "closed")
      finish(text)
    }
    const timer = setTimeout(() => {
      // Of what breaks the protocol, the server may wait for the rest.
      if (!isBroken) blame(upgraded ? "no answer in time" : "no handshake in time", "nothing")
      finish("late")
    }, PATIENCE_MILLIS)
    const socket = connect({ host, port })
    socket.on("error", () => {}).on("close", () => finish("cut"))
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk])
      for (;;) {
        const read = upgraded ? WebSocketFrames.readFrame(received) : WebSocketFrames.readHead(received)
        if (read === undefined || socket.destroyed) return
        received = read.rest
        if (upgraded) hear(read.text)
        else if (read.text.includes(" 101 ")) upgraded = true
        else return finish(read.text.slice(9, 12))
      }
    })
    socket.write(bytes)
    return Effect.sync(() => finish("interrupted"))
  })
