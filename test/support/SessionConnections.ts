import * as NodeWS from "@effect/platform-node/NodeWS"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { TIMEOUT_MILLIS } from "./Waiters.ts"

interface Connection {
  readonly opened: Promise<unknown>
  readonly closed: Promise<unknown>
}

const webSocket = (url: string, authorization: string): Connection => {
  const socket = new NodeWS.WebSocket(url.replace("http", "ws"), { headers: { authorization } })
  return {
    opened: new Promise((resolve) => socket.once("open", resolve)),
    closed: new Promise((resolve) =>
      socket.once("close", (code: number, reason: Buffer) => resolve(`${code} ${reason.toString()}`))
    )
  }
}

/** Reads a response until it ends. */
const stream = (url: string, init: RequestInit): Connection => {
  const response = fetch(url, init)
  return {
    opened: response,
    closed: response.then((found) => found.text()).catch(() => "disconnected")
  }
}

/** Opens a WebSocket whose access token is its first message. */
const authenticatedWebSocket = (url: string, authorization: string): Connection => {
  const socket = new NodeWS.WebSocket(url.replace("http", "ws"))
  const token = authorization.slice("Bearer ".length)
  socket.once("open", () => socket.send(JSON.stringify({ type: "authenticate", token })))
  return {
    opened: new Promise((resolve) => socket.once("message", resolve)),
    closed: new Promise((resolve) =>
      socket.once("close", (code: number, reason: Buffer) => resolve(`${code} ${reason.toString()}`))
    )
  }
}

/** Opens the WebSockets, SSE streams and RPC streams of rates and of the user with an access token. */
export const open = Effect.fnUntraced(function* (url: string, authorization: string) {
  const headers = { authorization }
  const rpc = (tag: string) => {
    const call = { _tag: "Request", id: "1", tag, payload: {}, headers: [] }
    return stream(`${url}/rpc/http`, { method: "POST", headers, body: `${JSON.stringify(call)}\n` })
  }
  const connections = {
    webSocket: webSocket(`${url}/ws/rates/`, authorization),
    sse: stream(`${url}/api/v1/rates/stream`, { headers }),
    rpc: rpc("WatchRates"),
    userWebSocket: webSocket(`${url}/ws/accounts/events/`, authorization),
    authenticatedWebSocket: authenticatedWebSocket(`${url}/ws/accounts/events/`, authorization),
    userSse: stream(`${url}/api/v1/accounts/events`, { headers }),
    userRpc: rpc("WatchWallet")
  }
  yield* Effect.promise(() => Promise.all(Object.values(connections).map(({ opened }) => opened)))
  return connections
})

/** Waits until each connection has ended because of its session. */
export const awaitEnd = Effect.fnUntraced(function* (connections: Effect.Success<ReturnType<typeof open>>) {
  for (const [name, { closed }] of Object.entries(connections)) {
    const end = yield* Effect.timeoutOption(
      Effect.promise(() => closed),
      TIMEOUT_MILLIS
    )
    if (end._tag === "None") return assert.fail(`${name} is still open`)
    if (name.endsWith("ebSocket")) assert.strictEqual(end.value, "1008 the session has ended; sign in again")
    if (name.endsWith("pc")) assert.include(String(end.value), "unauthorized")
  }
})
