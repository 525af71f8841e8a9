import * as NodeWS from "@effect/platform-node/NodeWS"
import { constVoid } from "effect/Function"

/** The largest message that a client may send. */
export const MAX_MESSAGE_BYTES = 64 * 1024

/** Why a WebSocket is closed (RFC 6455, 7.4.1): whether to come back, and when. */
export const NORMAL_CLOSURE = 1000
export const GOING_AWAY = [1001, "effex stops: come back"] as const
export const POLICY_VIOLATION = 1008
export const INTERNAL_ERROR = [1011, "something went wrong here: come back"] as const
export const TRY_AGAIN_LATER = 1013

/** Who is at the other end of a WebSocket. */
export interface Client {
  readonly hear: (message: Buffer, isBinary: boolean) => void
  readonly leave: () => void
}

/**
 * A WebSocket, and whether it has given a sign of life since it was last asked for one. Its listeners are the same for
 * all: thousands are open at once, and each would hold its own for as long as it is.
 */
export class WebSocket extends NodeWS.WebSocket {
  isAlive = true
  client: Client | undefined

  watch() {
    this.on("pong", giveSign)
    this.on("error", constVoid)
  }

  /** Passes on what comes, to one client. */
  serve(client: Client) {
    this.client = client
    this.on("message", hear)
    this.on("close", leave)
    if (this.readyState === WebSocket.CLOSED) client.leave()
  }
}

function giveSign(this: NodeWS.WebSocket) {
  if (this instanceof WebSocket) this.isAlive = true
}

function hear(this: NodeWS.WebSocket, message: NodeWS.RawData, isBinary: boolean) {
  if (this instanceof WebSocket && Buffer.isBuffer(message)) this.client?.hear(message, isBinary)
}

function leave(this: NodeWS.WebSocket) {
  if (this instanceof WebSocket) this.client?.leave()
}
