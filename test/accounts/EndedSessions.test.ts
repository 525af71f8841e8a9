import * as NodeWS from "@effect/platform-node/NodeWS"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as Callers from "../support/Callers.ts"
import { assertProblem, get, TestServer } from "../support/TestServer.ts"

/** Ends all sessions as another node does, which has no Redis: only the rows change. */
const endElsewhere = Effect.gen(function* () {
  const { execute, sql } = yield* Database
  yield* execute(sql`
    UPDATE session SET revoked_at = now(), revoked_for = 'lock' WHERE revoked_at IS NULL`)
})

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

layer(TestServer.layer({ FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }), { excludeTestServices: true })((it) => {
  describe("A session that ended on another node", () => {
    it.effect("ends its open WebSocket, SSE and RPC streams, and its access token, within 10 seconds", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const { authorization = "" } = yield* Callers.user("user")
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
        yield* endElsewhere
        for (const [name, { closed }] of Object.entries(connections)) {
          const end = yield* Effect.timeoutOption(
            Effect.promise(() => closed),
            "10 seconds"
          )
          assert.strictEqual(end._tag, "Some", name)
          if (name === "webSocket" && end._tag === "Some")
            assert.strictEqual(end.value, "1008 the session has ended; sign in again")
          if (name === "rpc" && end._tag === "Some") assert.include(String(end.value), "unauthorized")
        }
        assertProblem(yield* get("/api/v1/accounts/me", { headers: { authorization } }), 401, "session-ended")
        assertProblem(
          yield* get("/api/v1/rates?from=USD&to=NGN", { headers: { authorization } }),
          401,
          "unauthorized"
        )
      })
    )
  })
})
