import { describe, it, layer } from "@effect/vitest"
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
})

describe("Two servers on one database, without Redis", () => {
  it.live("end the connections and the access token of a session that signs out on the other", () =>
    Effect.scoped(TwoServers.signOutElsewhere({}))
  )
})
