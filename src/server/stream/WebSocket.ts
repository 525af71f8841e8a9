import * as NodeWS from "@effect/platform-node/NodeWS"
import { Cause, Effect } from "effect"
import { constVoid } from "effect/Function"

/** Maximum size of a message from a client. */
export const MAX_MESSAGE_BYTES = 64 * 1024

/**
 * Limits of an incoming message. `ws` keeps an object of 160 bytes for each fragment and each packet of an unfinished
 * message, so that a message of single bytes would hold 40 times its size. Clients do not fragment short messages.
 */
export const MESSAGE_LIMITS = { maxPayload: MAX_MESSAGE_BYTES, maxFragments: 64, maxBufferedChunks: 1024 }

// Close codes of RFC 6455, 7.4.1, with a reason that says whether to reconnect.
export const NORMAL_CLOSURE = 1000
export const GOING_AWAY = [1001, "the server is shutting down; reconnect"] as const
export const POLICY_VIOLATION = 1008
export const SESSION_ENDED = [POLICY_VIOLATION, "the session has ended; sign in again"] as const
export const INTERNAL_ERROR = [1011, "internal server error; reconnect"] as const
export const TRY_AGAIN_LATER = 1013

/** Handler of one WebSocket. */
export interface WebSocketHandler {
  readonly onMessage: (message: Buffer, isBinary: boolean) => void
  readonly onClose: () => void
}

/**
 * WebSocket with a liveness flag for heartbeats. All instances share their listeners: with thousands of connections,
 * closures per connection would use much memory.
 */
export class WebSocket extends NodeWS.WebSocket {
  /** True if the client has answered the last ping. */
  isAlive = true
  /** Trace id of the request that opened the connection. */
  traceId = ""
  handler: WebSocketHandler | undefined

  /** Starts to track pongs, and ignores errors, which are followed by a close. */
  trackLiveness() {
    this.on("pong", handlePong)
    this.on("error", constVoid)
  }

  /** Passes messages and the close to a handler. */
  attach(handler: WebSocketHandler) {
    this.handler = handler
    this.on("message", handleMessage)
    this.on("close", handleClose)
    if (this.readyState === WebSocket.CLOSED) handler.onClose()
  }
}

function handlePong(this: NodeWS.WebSocket) {
  if (this instanceof WebSocket) this.isAlive = true
}

function handleMessage(this: NodeWS.WebSocket, message: NodeWS.RawData, isBinary: boolean) {
  if (this instanceof WebSocket && Buffer.isBuffer(message)) this.handler?.onMessage(message, isBinary)
}

function handleClose(this: NodeWS.WebSocket) {
  if (this instanceof WebSocket) this.handler?.onClose()
}

/** Logs a defect, and closes the connection with {@link INTERNAL_ERROR}. */
export const closeOnDefect =
  (webSocket: WebSocket) =>
  <E, R>(effect: Effect.Effect<void, E, R>): Effect.Effect<void, E, R> =>
    Effect.catchDefect(effect, (defect) =>
      Effect.andThen(
        Effect.sync(() => webSocket.close(...INTERNAL_ERROR)),
        Effect.logError("Unexpected failure of a WebSocket", Cause.die(defect))
      )
    )
