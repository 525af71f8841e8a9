import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect } from "effect"
import { constVoid } from "effect/Function"
import { HttpServerRequest, type HttpServerResponse } from "effect/http"
import { type IncomingMessage, type Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { InvalidRequest } from "../../api/Problem.ts"
import * as Problems from "../middleware/Problems.ts"

interface Headers {
  readonly [name: string]: unknown
}

/** Whether a request asks to become a WebSocket. */
export const asks = (headers: Headers): boolean => String(headers["upgrade"]).toLowerCase() === "websocket"

const VERSION = "13"
const KEY = /^[+/0-9A-Za-z]{22}==$/
const PROTOCOL = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** What keeps a request that asks for it from becoming a WebSocket (RFC 6455, 4.2.1). */
const flawOf = (headers: Headers): string | undefined => {
  if (!KEY.test(String(headers["sec-websocket-key"]))) return "Sec-WebSocket-Key must be 16 bytes in base64"
  if (headers["sec-websocket-version"] !== VERSION) return `Sec-WebSocket-Version must be ${VERSION}`
  const protocols = headers["sec-websocket-protocol"]
  if (protocols === undefined) return undefined
  const names = String(protocols)
    .split(",")
    .map((name) => name.trim())
  const areNames = names.every((name) => PROTOCOL.test(name)) && new Set(names).size === names.length
  return areNames ? undefined : "Sec-WebSocket-Protocol must be a list of different names"
}

/** Whether a request asks to become a WebSocket, and says all that it takes. */
export const canBe = (method: string | undefined, headers: Headers): boolean =>
  method === "GET" && asks(headers) && flawOf(headers) === undefined

const refuse = (detail: string) =>
  Problems.respond(new InvalidRequest({ detail }), { headers: { "sec-websocket-version": VERSION } })

/** A connection that Node has given up. */
interface Upgraded {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  readonly socket: Socket
  /** What came right behind the request. */
  readonly head: Buffer
}

/** The connections of requests that are under way, until they are taken. */
const connections = new WeakMap<object, Upgraded>()

/** Whether Node has given up the connection of a request, to whoever takes it. */
export const isUpgraded = (incoming: object): boolean => connections.has(incoming)

/**
 * Passes the requests that ask to become a WebSocket on as requests like all others, in the place of the server of
 * Effect, whose requests would end with their connections: one that is open for hours would hold its request, its
 * answer and a fiber with all of its context. So `server` must have been given to it before.
 */
export const passOn = (server: Server): void => {
  server.removeAllListeners("upgrade").on("upgrade", (incoming, socket: Socket & Answering, head) => {
    socket.on("error", constVoid)
    const before = socket._httpMessage
    if (before) {
      // Who did not wait for the answer before this one is given that one, and no other.
      before.once("finish", () => socket.destroySoon())
      socket.once("end", () => socket.destroy()).resume()
      return
    }
    const response = new ServerResponse(incoming)
    response.assignSocket(socket)
    // Nobody reads what comes after a refusal, so that its end would not be seen.
    response.once("finish", () => socket.resume().destroySoon())
    connections.set(incoming, { incoming, response, socket, head })
    server.emit("request", incoming, response)
  })
}

/** A connection, with what Node itself notes down of the answer that is under way on it. */
export interface Answering {
  readonly _httpMessage?: ServerResponse | null
}

/** Takes the connection of an upgraded request, which is then not answered by HTTP any more. */
export const take = (request: HttpServerRequest.HttpServerRequest): Upgraded | undefined => {
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

/** Refuses what does not ask to become a WebSocket, or cannot. */
export const only = Effect.fnUntraced(function* <E, R>(
  endpoint: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const flaw = asks(request.headers) ? flawOf(request.headers) : undefined
  if (flaw !== undefined) return yield* refuse(flaw)
  // Node upgrades no request whose `Connection` does not ask for it, nor one whose path is written in another way.
  const canBeTaken = isUpgraded(NodeHttpServerRequest.toIncomingMessage(request))
  return yield* canBeTaken ? endpoint : refuse("A WebSocket answers here: connect with ws:// or wss://")
})
