import { Effect } from "effect"
import { connect } from "node:net"
import * as WebSocketFrames from "../support/WebSocketFrames.ts"
import type { Finding } from "./Checks.ts"
import type { RandomChoice } from "./RandomChoice.ts"
import * as Leaks from "./Leaks.ts"
import type { MessageGenerator } from "./WebSocketMessages.ts"
import { type Address, RESPONSE_TIMEOUT_MILLIS } from "./RawConnection.ts"

/** A WebSocket endpoint and the messages for it. */
export interface WebSocketEndpoint {
  readonly path: string
  readonly generateMessage: MessageGenerator
  /** A message whose response matches `pong`. */
  readonly ping: string
  readonly pong: RegExp
}

/** Result of a conversation. */
export interface ConversationOutcome {
  readonly end: string
  readonly findings: ReadonlyArray<Finding>
  /** All sent bytes, beginning with the handshake. */
  readonly bytes: Buffer
}

/** Close frames that are allowed after invalid input or at the end (RFC 6455, section 7.4.1). */
const ALLOWED_CLOSES = new Set([
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

/** Frames that violate the protocol. */
const invalidFrames: ReadonlyArray<(random: RandomChoice) => Buffer> = [
  () => WebSocketFrames.frame(WebSocketFrames.TEXT, "{}", { masked: false }),
  () => WebSocketFrames.frame(WebSocketFrames.TEXT, "{}", { first: 0xf1 }),
  (random) => WebSocketFrames.frame(random.pick([3, 7, 11, 15]), "x"),
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
  (random) =>
    WebSocketFrames.frame(WebSocketFrames.CLOSE, Buffer.from([random.below(256), random.below(256), 0xff])),
  () => WebSocketFrames.frame(WebSocketFrames.CLOSE, Buffer.from([1])),
  (random) => Buffer.from(Array.from({ length: 40 }, () => random.below(256)))
]

/** Valid but unusual frames. */
const unusualFrames: ReadonlyArray<(random: RandomChoice) => Buffer> = [
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

/** Sends several messages and then a ping. The server must respond to the ping, or close because of an invalid frame. */
export const converse = (
  { host, port }: Address,
  { generateMessage, path, ping, pong }: WebSocketEndpoint,
  random: RandomChoice
) =>
  Effect.callback<ConversationOutcome>((resume) => {
    const hasInvalidFrame = random.chance(0.3)
    const frames = Array.from({ length: 1 + random.below(15) }, () =>
      random.chance(0.1)
        ? random.pick(unusualFrames)(random)
        : WebSocketFrames.frame(WebSocketFrames.TEXT, generateMessage(random))
    )
    if (hasInvalidFrame) frames.push(random.pick(invalidFrames)(random))
    frames.push(WebSocketFrames.frame(WebSocketFrames.TEXT, ping))
    const bytes = Buffer.concat([Buffer.from(WebSocketFrames.handshake(path)), ...frames])
    const findings: Array<Finding> = []
    const addFinding = (kind: string, detail: string) => findings.push({ kind: `${path}: ${kind}`, detail })
    let received: Buffer = Buffer.alloc(0)
    let isUpgraded = false

    const finish = (end: string) => {
      clearTimeout(timer)
      socket.removeAllListeners("close").destroy()
      resume(Effect.succeed({ end, findings, bytes }))
    }
    const onText = (text: string) => {
      for (const leak of Leaks.find(text, bytes.toString()))
        addFinding(`leaks ${JSON.stringify(leak)}`, text.slice(0, 500))
      if (pong.test(text)) return finish("pong")
      if (!/^close \d+$/.test(text)) return
      if (!ALLOWED_CLOSES.has(text)) addFinding(text, "closed")
      finish(text)
    }
    const timer = setTimeout(() => {
      // After an invalid frame, the server may wait for the rest of it.
      if (!hasInvalidFrame) addFinding(isUpgraded ? "no response in time" : "no handshake in time", "nothing")
      finish("timeout")
    }, RESPONSE_TIMEOUT_MILLIS)
    const socket = connect({ host, port })
    socket.on("error", () => {}).on("close", () => finish("disconnected"))
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk])
      for (;;) {
        const read = isUpgraded ? WebSocketFrames.parseFrame(received) : WebSocketFrames.parseHead(received)
        if (read === undefined || socket.destroyed) return
        received = read.remaining
        if (isUpgraded) onText(read.text)
        else if (read.text.includes(" 101 ")) isUpgraded = true
        else return finish(read.text.slice(9, 12))
      }
    })
    socket.write(bytes)
    return Effect.sync(() => finish("interrupted"))
  })
