import * as NodeWS from "@effect/platform-node/NodeWS"
import { assert } from "@effect/vitest"
import { Effect } from "effect"

interface Connection {
  readonly opened: Promise<unknown>
  readonly closed: Promise<unknown>
}

const webSocket = (url: string, authorization: string): Connection => {
  const socket = new NodeWS.WebSocket(`${url.replace("http", "ws")}/ws/rates/`, {
    headers: { authorization }
  })
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

/** Opens a WebSocket, an SSE stream and an RPC stream with an access token. */
export const open = Effect.fnUntraced(function* (url: string, authorization: string) {
  const call = { _tag: "Request", id: "1", tag: "WatchRates", payload: {}, headers: [] }
  const connections = {
    webSocket: webSocket(url, authorization),
    sse: stream(`${url}/api/v1/rates/stream`, { headers: { authorization } }),
    rpc: stream(`${url}/rpc/http`, {
      method: "POST",
      headers: { authorization },
      body: `${JSON.stringify(call)}\n`
    })
  }
  yield* Effect.promise(() => Promise.all(Object.values(connections).map(({ opened }) => opened)))
  return connections
})

/** Waits at most 10 seconds until each connection has ended because of its session. */
export const awaitEnd = Effect.fnUntraced(function* (connections: Effect.Success<ReturnType<typeof open>>) {
  for (const [name, { closed }] of Object.entries(connections)) {
    const end = yield* Effect.timeoutOption(
      Effect.promise(() => closed),
      "10 seconds"
    )
    if (end._tag === "None") return assert.fail(`${name} is still open`)
    if (name === "webSocket") assert.strictEqual(end.value, "1008 the session has ended; sign in again")
    if (name === "rpc") assert.include(String(end.value), "unauthorized")
  }
})
