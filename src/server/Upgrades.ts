import { Effect } from "effect"
import { HttpServerRequest, type HttpServerResponse } from "effect/http"
import { InvalidRequest } from "../api/Problem.ts"
import * as Problems from "./Problems.ts"

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

/** Refuses what does not ask to become a WebSocket, or cannot. */
export const only = Effect.fnUntraced(function* <E, R>(
  endpoint: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
) {
  const { headers, upgrade } = yield* HttpServerRequest.HttpServerRequest
  const flaw = asks(headers) ? flawOf(headers) : undefined
  if (flaw !== undefined) return yield* refuse(flaw)
  // Node upgrades no request whose `Connection` does not ask for it, nor one whose path is written in another way.
  const isUpgraded = asks(headers) && (yield* Effect.isSuccess(upgrade))
  return yield* isUpgraded ? endpoint : refuse("A WebSocket answers here: connect with ws:// or wss://")
})
