import { assert, layer } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { SecurityEvents } from "../../../src/accounts/SecurityEvents.ts"
import { ApiKeys } from "../../../src/access/ApiKeys.ts"
import { Rpcs } from "../../../src/api/Rpcs.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as Callers from "../../support/Callers.ts"
import * as RpcClients from "../../support/RpcClients.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"
import * as UserEventClients from "../../support/UserEventClients.ts"
import * as WalletUsers from "../../support/WalletUsers.ts"

let users = 0
const user = (balances: Readonly<Record<string, string>> = { USD: "500" }) =>
  WalletUsers.create(`user-${users++}`, balances)

type User = Effect.Success<ReturnType<typeof user>>

const send = Effect.fnUntraced(function* (from: User, to: User, amount = "25") {
  const response = yield* from.post("/api/v1/transfers", { to: to.wallet.username, asset: "USD", amount })
  assert.strictEqual(response.status, 201, response.text)
  return response.json
})

const USD = (balance: string, held = "0.00", available = balance) => ({
  asset: "USD",
  balance,
  held,
  available
})

layer(TestServer.layer({ FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }), { excludeTestServices: true })(
  "GET /api/v1/accounts/events",
  (it) => {
    it.effect("sends a snapshot, and then what happens to the user and to nobody else", () =>
      Effect.gen(function* () {
        const [amara, bola, chidi] = [yield* user(), yield* user({}), yield* user()]
        const { next, response } = yield* UserEventClients.sse({ authorization: amara.authorization })
        assert.strictEqual(response.headers.get("content-type"), "text/event-stream")
        assert.strictEqual(response.headers.get("cache-control"), "no-store")
        const { data, event, id } = yield* next
        assert.deepStrictEqual({ data, event }, { event: "snapshot", data: { balances: [USD("500.00")] } })
        assert.match(id ?? "", /^[0-9a-f]{16}-1-\d+\.\d+-1$/)
        yield* send(chidi, bola)
        const sent = yield* send(amara, bola)
        const posted = yield* next
        assert.deepStrictEqual(posted, { id: posted.id, event: "transaction", data: sent })
        assert.deepStrictEqual(yield* next, { id: posted.id, event: "balance", data: USD("475.00") })
      })
    )

    it.effect("resumes at Last-Event-ID and at since, and sends a gap for a position of another user", () =>
      Effect.gen(function* () {
        const [amara, bola] = [yield* user(), yield* user()]
        const { authorization } = amara
        const first = yield* UserEventClients.sse({ authorization })
        const { id: since = "" } = yield* first.next
        yield* first.close
        const sent = [yield* send(amara, bola), yield* send(bola, amara)]
        const received = {
          ...sent[1],
          change: "25.00",
          balance: "500.00",
          counterparty: bola.wallet.username
        }
        for (const [headers, query] of [
          [{ "last-event-id": since }, ""],
          [{}, `?since=${since}`]
        ] as const) {
          const { next } = yield* UserEventClients.sse({ authorization, ...headers }, query)
          assert.deepStrictEqual((yield* next).data, sent[0])
          assert.deepStrictEqual((yield* next).data, received)
          assert.strictEqual((yield* next).event, "snapshot")
        }
        const { next } = yield* UserEventClients.sse({ authorization: bola.authorization }, `?since=${since}`)
        const gap = yield* next
        assert.deepStrictEqual([gap.event, gap.data], ["gap", { since }])
        assert.strictEqual((yield* next).event, "snapshot")
        const invalid = yield* amara.get(`${UserEventClients.SSE_PATH}?since=1763698037086-17`)
        assertProblem(invalid, 400, "invalid-request")
      })
    )

    it.effect("shows an API key the money of the user for whom it acts, until the key is revoked", () =>
      Effect.gen(function* () {
        const keys = yield* ApiKeys
        const { record } = yield* SecurityEvents
        const { execute, sql } = yield* Database
        const amara = yield* user()
        const { userId } = amara.wallet
        const key = yield* Callers.withScopes("wallets")
        const headers = { authorization: key.authorization, "effex-on-behalf-of": userId }
        const { ended, next } = yield* UserEventClients.sse(headers)
        const socket = yield* UserEventClients.webSocket(headers)
        assert.strictEqual((yield* next).event, "snapshot")
        assert.strictEqual((yield* socket.next)["type"], "snapshot")
        yield* execute(sql.withTransaction(record(userId, { event: "unlocked" })))
        yield* send(amara, yield* user())
        assert.strictEqual((yield* next).event, "transaction")
        assert.strictEqual((yield* socket.next)["type"], "transaction")
        yield* keys.revoke(key.id)
        yield* ended
        assert.strictEqual((yield* socket.closed).code, 1008)
      })
    )

    it.effect("lists security events in pages, newest first", () =>
      Effect.gen(function* () {
        const { record } = yield* SecurityEvents
        const { execute, sql } = yield* Database
        const amara = yield* user()
        const { next } = yield* UserEventClients.sse({ authorization: amara.authorization })
        yield* next
        yield* execute(sql.withTransaction(record(amara.wallet.userId, { event: "mfa-enabled" })))
        const { data, event } = yield* next
        assert.strictEqual(event, "security")
        assert.deepInclude(data, { number: 2, event: "mfa-enabled", session: null })
        const page = yield* amara.get("/api/v1/accounts/security-events?page_size=1")
        assert.deepInclude(page.json, { data: [data], has_more: true })
        const rest = yield* amara.get(`/api/v1/accounts/security-events?cursor=${page.json["next"]}`)
        assert.deepInclude(rest.json, { has_more: false, next: null })
        assert.include(rest.text, `"number":1,"event":"signed-in"`)
        assertProblem(yield* amara.get("/api/v1/accounts/security-events?cursor=YQ"), 400, "invalid-request")
      })
    )

    it.effect("is not available without a user", () =>
      Effect.gen(function* () {
        assertProblem(yield* get(UserEventClients.SSE_PATH), 401, "unauthorized")
      })
    )
  }
)

layer(TestServer.layer(), { excludeTestServices: true })("/ws/accounts/events/", (it) => {
  it.effect("accepts the access token in the header, and resumes at since", () =>
    Effect.gen(function* () {
      const [amara, bola] = [yield* user(), yield* user()]
      const { authorization } = amara
      const first = yield* UserEventClients.webSocket({ authorization })
      const { position, ...snapshot } = yield* first.next
      assert.deepStrictEqual(snapshot, { type: "snapshot", data: { balances: [USD("500.00")] } })
      yield* first.assertNoMessage
      const data = yield* send(amara, bola)
      const resumed = yield* UserEventClients.webSocket({ authorization }, `?since=${String(position)}`)
      for (const { next } of [first, resumed]) {
        const { position: _, ...posted } = yield* next
        assert.deepStrictEqual(posted, { type: "transaction", data })
      }
      assert.strictEqual((yield* first.next)["type"], "balance")
      assert.strictEqual((yield* resumed.next)["type"], "snapshot")
    })
  )

  it.effect("accepts the access token as the first message, and nothing before it", () =>
    Effect.gen(function* () {
      const amara = yield* user()
      const { assertNoMessage, closed, next, send } = yield* UserEventClients.webSocket()
      yield* assertNoMessage
      const token = amara.authorization.slice("Bearer ".length)
      yield* send({ type: "authenticate", token })
      assert.strictEqual((yield* next)["type"], "snapshot")
      yield* send({ type: "subscribe" })
      assert.deepInclude(yield* next, { type: "error", code: "invalid-request" })
      yield* send({ type: "authenticate", token })
      assert.deepInclude(yield* next, { type: "error", code: "invalid-request" })
      assert.strictEqual((yield* closed).code, 1008)
    })
  )

  it.effect("closes a connection with an invalid access token, and refuses one in the header", () =>
    Effect.gen(function* () {
      const { closed, next, send } = yield* UserEventClients.webSocket()
      yield* send({ type: "authenticate", token: "eyJhbGciOiJFZERTQSJ9.e30.c2ln" })
      assert.deepInclude(yield* next, { type: "error", code: "unauthorized" })
      assert.strictEqual((yield* closed).code, 1008)
      const refused = yield* UserEventClients.webSocket({ authorization: "Bearer ey.ey.ey" })
      assert.strictEqual((yield* refused.closed).code, 1006)
    })
  )
})

layer(TestServer.layer(), { excludeTestServices: true })("WatchWallet", (it) => {
  it.effect("streams the events of the user whose token is in the call", () =>
    Effect.gen(function* () {
      const [amara, bola] = [yield* user(), yield* user()]
      const client = yield* RpcClients.overWebSocketOf(Rpcs)
      const watch = (since?: string) =>
        client.WatchWallet(since === undefined ? {} : { since }, {
          headers: { authorization: amara.authorization }
        })
      const [snapshot] = yield* Stream.runCollect(Stream.take(watch(), 1))
      if (snapshot?._tag !== "Snapshot") return assert.fail("no snapshot")
      assert.deepStrictEqual<unknown>(snapshot.balances, [USD("500.00")])
      const transaction = yield* send(amara, bola)
      const events = yield* Stream.runCollect(Stream.take(watch(snapshot.position), 2))
      assert.deepInclude<unknown>(events[0], { _tag: "Transaction", transaction })
      assert.deepInclude<unknown>(events[1], { _tag: "Snapshot", balances: [USD("475.00")] })
      const denied = yield* Effect.flip(Stream.runDrain(client.WatchWallet({})))
      assert.strictEqual(denied._tag, "Unauthorized")
    })
  )
})
