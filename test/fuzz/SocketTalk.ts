import { Effect } from "effect"
import { connect } from "node:net"
import * as Frames from "../support/Frames.ts"
import type { Fault } from "./Checks.ts"
import type { Dice } from "./Dice.ts"
import * as Leaks from "./Leaks.ts"
import type { Messages } from "./SocketMessages.ts"
import { type Address, PATIENCE_MILLIS } from "./Wire.ts"

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
const broken: ReadonlyArray<(dice: Dice) => Buffer> = [
  () => Frames.frame(Frames.TEXT, "{}", { masked: false }),
  () => Frames.frame(Frames.TEXT, "{}", { first: 0xf1 }),
  (dice) => Frames.frame(dice.pick([3, 7, 11, 15]), "x"),
  () => Frames.frame(Frames.CONTINUATION, "x"),
  () => Frames.frame(Frames.TEXT, Buffer.from([0xc0, 0xaf, 0xff])),
  () => Frames.frame(Frames.PING, "p".repeat(126)),
  () => Frames.frame(Frames.PING, "x", { first: Frames.PING }),
  () => Frames.frame(Frames.TEXT, "x".repeat(70_000)),
  () => Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
  () => Buffer.concat([Frames.frame(Frames.TEXT, "{", { first: 1 }), Frames.frame(Frames.TEXT, "}")]),
  (dice) => Frames.frame(Frames.CLOSE, Buffer.from([dice.below(256), dice.below(256), 0xff])),
  () => Frames.frame(Frames.CLOSE, Buffer.from([1])),
  (dice) => Buffer.from(Array.from({ length: 40 }, () => dice.below(256)))
]

/** Frames that keep the rules, though nobody expects them. */
const unusual: ReadonlyArray<(dice: Dice) => Buffer> = [
  () => Frames.frame(Frames.PING, "p".repeat(125)),
  () => Frames.frame(10, "pong"),
  () => Frames.frame(Frames.BINARY, Buffer.from([0, 255])),
  () => Frames.frame(Frames.TEXT),
  () =>
    Buffer.concat([
      Frames.frame(Frames.TEXT, "{", { first: 1 }),
      ...Array.from({ length: 200 }, () => Frames.frame(Frames.CONTINUATION, " ", { first: 0 })),
      Frames.frame(Frames.CONTINUATION, "}")
    ])
]

/** Says many things, right and wrong; the server answers the ping behind them, or has closed for what was wrong. */
export const converse = ({ host, port }: Address, { messages, path, ping, pong }: Talk, dice: Dice) =>
  Effect.callback<Outcome>((resume) => {
    const isBroken = dice.chance(0.3)
    const said = Array.from({ length: 1 + dice.below(15) }, () =>
      dice.chance(0.1) ? dice.pick(unusual)(dice) : Frames.frame(Frames.TEXT, messages(dice))
    )
    if (isBroken) said.push(dice.pick(broken)(dice))
    said.push(Frames.frame(Frames.TEXT, ping))
    const bytes = Buffer.concat([Buffer.from(Frames.handshake(path)), ...said])
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
        const read = upgraded ? Frames.readFrame(received) : Frames.readHead(received)
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
