import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect } from "effect"
import { constVoid } from "effect/Function"
import { HttpServerRequest, type HttpServerResponse } from "effect/http"
import { type IncomingMessage, type Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { InvalidRequest } from "../../api/Problem.ts"
import * as Problems from "../middleware/Problems.ts"
import * as HttpInternals from "./HttpInternals.ts"

interface Headers {
  readonly [name: string]: unknown
}

/** Returns true if a request asks for an upgrade to WebSocket. */
export const isWebSocketRequest = (headers: Headers): boolean =>
  String(headers["upgrade"]).toLowerCase() === "websocket"

const VERSION = "13"
const KEY = /^[+/0-9A-Za-z]{22}==$/
const PROTOCOL = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Validates the headers of a WebSocket handshake (RFC 6455, 4.2.1). Returns the first error, or undefined. */
const handshakeError = (headers: Headers): string | undefined => {
  if (!KEY.test(String(headers["sec-websocket-key"]))) return "Sec-WebSocket-Key must be 16 bytes in base64"
  if (headers["sec-websocket-version"] !== VERSION) return `Sec-WebSocket-Version must be ${VERSION}`
  const protocols = headers["sec-websocket-protocol"]
  if (protocols === undefined) return undefined
  const names = String(protocols)
    .split(",")
    .map((name) => name.trim())
  const areDistinctTokens = names.every((name) => PROTOCOL.test(name)) && new Set(names).size === names.length
  return areDistinctTokens ? undefined : "Sec-WebSocket-Protocol must be a list of distinct names"
}

/** Returns true if a request is a valid WebSocket handshake. */
export const isValidHandshake = (method: string | undefined, headers: Headers): boolean =>
  method === "GET" && isWebSocketRequest(headers) && handshakeError(headers) === undefined

const reject = (detail: string) =>
  Problems.respond(new InvalidRequest({ detail }), { headers: { "sec-websocket-version": VERSION } })

/** A connection that Node has detached from HTTP. */
interface UpgradedConnection {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  readonly socket: Socket
  /** Bytes received after the request. */
  readonly head: Buffer
}

/** Upgraded connections by request, until {@link takeConnection}. */
const connections = new WeakMap<object, UpgradedConnection>()

/** Returns true if Node has detached the connection of a request and {@link takeConnection} can return it. */
export const isUpgraded = (incoming: object): boolean => connections.has(incoming)

/**
 * Routes WebSocket handshakes as ordinary requests.
 *
 * Replaces the `upgrade` listener of Effect's server, whose requests end only with their connection: a socket that is open
 * for hours would retain its request, its response and a fiber with its whole context. So Effect must have installed its
 * listener on `server` before.
 */
export const routeUpgrades = (server: Server): void => {
  server
    .removeAllListeners("upgrade")
    .on("upgrade", (incoming, socket: Socket & HttpInternals.HttpSocket, head) => {
      socket.on("error", constVoid)
      const earlier = HttpInternals.responseInFlight(socket)
      if (earlier !== undefined) {
        // A client that pipelined the handshake gets the earlier response only.
        earlier.once("finish", () => socket.destroySoon())
        socket.once("end", () => socket.destroy()).resume()
        return
      }
      const response = new ServerResponse(incoming)
      response.assignSocket(socket)
      // Without a reader, the end of the connection after a rejection would go unnoticed.
      response.once("finish", () => socket.resume().destroySoon())
      connections.set(incoming, { incoming, response, socket, head })
      server.emit("request", incoming, response)
    })
}

/** Takes over the connection of an upgraded request, which then gets no HTTP response. */
export const takeConnection = (
  request: HttpServerRequest.HttpServerRequest
): UpgradedConnection | undefined => {
  const incoming = NodeHttpServerRequest.toIncomingMessage(request)
  const upgraded = connections.get(incoming)
  connections.delete(incoming)
  if (upgraded === undefined) return undefined
  const { response, socket } = upgraded
  socket.off("error", constVoid)
  response.detachSocket(socket)
  response.end()
  return upgraded
}

/** Rejects requests that are not a valid WebSocket handshake. */
export const requireWebSocket = Effect.fnUntraced(function* <E, R>(
  endpoint: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const error = isWebSocketRequest(request.headers) ? handshakeError(request.headers) : undefined
  if (error !== undefined) return yield* reject(error)
  // Node upgrades only requests with `Connection: upgrade` and a path in its canonical spelling.
  const isReady = isUpgraded(NodeHttpServerRequest.toIncomingMessage(request))
  return yield* isReady ? endpoint : reject("This path is a WebSocket endpoint; connect with ws:// or wss://")
})
