import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as Callers from "../../support/Callers.ts"
import * as SessionConnections from "../../support/SessionConnections.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"
import * as TwoServers from "../../support/TwoServers.ts"

/** Ends all sessions as another node does, which has no Redis: only the rows change. */
const endElsewhere = Effect.gen(function* () {
  const { execute, sql } = yield* Database
  yield* execute(sql`
    UPDATE session SET revoked_at = now(), revoked_for = 'lock' WHERE revoked_at IS NULL`)
})

const PASSWORD = "a long enough passphrase"

const post = (path: string, body: unknown, authorization?: string) =>
  get(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) }
  })

layer(TestServer.layer({ FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }), { excludeTestServices: true })((it) => {
  describe("A session that ended on another node", () => {
    it.effect("ends its open WebSocket, SSE and RPC streams, and its access token, within 10 seconds", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const { authorization = "" } = yield* Callers.user("user")
        const connections = yield* SessionConnections.open(url, authorization)
        yield* endElsewhere
        yield* SessionConnections.awaitEnd(connections)
        assertProblem(yield* get("/api/v1/accounts/me", { headers: { authorization } }), 401, "session-ended")
        assertProblem(
          yield* get("/api/v1/rates?from=USD&to=NGN", { headers: { authorization } }),
          401,
          "unauthorized"
        )
      })
    )
  })

  describe("A changed password", () => {
    it.effect("ends the open WebSocket, SSE and RPC streams of the user's other sessions", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const other = yield* post("/api/v1/accounts/auth/register", { username: "amara", password: PASSWORD })
        const own = yield* post("/api/v1/accounts/auth/login", { username: "amara", password: PASSWORD })
        const authorization = `Bearer ${String(other.json["access"])}`
        const changing = `Bearer ${String(own.json["access"])}`
        const connections = yield* SessionConnections.open(url, authorization)
        const changed = yield* post(
          "/api/v1/accounts/me/password",
          { current_password: PASSWORD, new_password: `${PASSWORD} 2` },
          changing
        )
        assert.strictEqual(changed.status, 204, changed.text)
        yield* SessionConnections.awaitEnd(connections)
        assertProblem(yield* get("/api/v1/accounts/me", { headers: { authorization } }), 401, "session-ended")
        const me = yield* get("/api/v1/accounts/me", { headers: { authorization: changing } })
        assert.strictEqual(me.status, 200)
      })
    )
  })
})

describe("Two servers on one database, without Redis", () => {
  it.live("end the connections and the access token of a session that signs out on the other", () =>
    Effect.scoped(TwoServers.signOutElsewhere({}))
  )
})
