import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { change } from "../../support/RateChanges.ts"
import { poll } from "../../support/SampleRates.ts"
import { type Message, open } from "../../support/SocketClient.ts"
import { rate, TestProvider } from "../../support/TestProvider.ts"
import { get, TestServer } from "../../support/TestServer.ts"

const env = { RATE_SOURCES: "USD,EUR", RATE_DESTINATIONS: "NGN,KES" }
const live = { excludeTestServices: true }

const connect = Effect.fnUntraced(function* (path = "/ws/rates/") {
  const { url } = yield* TestServer
  return yield* open(url + path)
})

/** Connects, and takes the snapshot. */
const connected = Effect.fnUntraced(function* (path?: string) {
  const client = yield* connect(path)
  const { epoch, rates, sequence, type } = yield* client.next
  assert.strictEqual(type, "all_rates")
  return { ...client, epoch, rates, sequence: Number(sequence) }
})

const pairsOf = ({ rates }: Message) =>
  Array.isArray(rates) ? rates.map(({ from, to }) => `${from}:${to}`).toSorted() : []

layer(TestServer.layer(env), live)("/ws/rates/", (it) => {
  it.effect("sends a snapshot first, and then every change", () =>
    Effect.gen(function* () {
      const known = yield* change("USD:NGN", "1534.12345678")
      const client = yield* connect()
      const first = yield* client.next
      const { epoch, sequence } = (yield* Broadcaster).snapshot()
      assert.deepStrictEqual(first, { type: "all_rates", epoch, sequence, rates: [known] })
      const changed = yield* change("EUR:KES", "150.5")
      assert.deepStrictEqual(yield* client.next, {
        type: "rate_update",
        epoch,
        sequence: sequence + 1,
        ...changed
      })
      yield* client.assertNoMessage
    })
  )

  it.effect("sends finished polls", () =>
    Effect.gen(function* () {
      const { epoch, next, sequence } = yield* connected()
      yield* (yield* Broadcaster).publishPoll(poll(3))
      assert.deepStrictEqual(yield* next, {
        type: "all_rates_update",
        epoch,
        sequence,
        run_id: poll(3).id,
        started_at: "2026-01-01T00:00:00.003Z",
        finished_at: "2026-01-01T00:00:00.004Z",
        pairs: 44,
        succeeded: 41,
        failed: 3
      })
    })
  )

  it.effect("replies to every type of message", () =>
    Effect.gen(function* () {
      const known = yield* change("USD:NGN", "1534.5")
      const { assertNoMessage, next, send } = yield* connected()
      yield* send({ type: "ping" })
      assert.deepStrictEqual(yield* next, { type: "pong" })
      yield* send({ type: "get_rate", source_currency: "usd", destination_currency: "NGN" })
      assert.deepStrictEqual(yield* next, { type: "rate", ...known })
      yield* send({ type: "get_all_rates" })
      assert.deepStrictEqual(pairsOf(yield* next), ["EUR:KES", "USD:NGN"])
      yield* send({ type: "subscribe", pairs: ["usd:ngn"] })
      const subscribed = yield* next
      assert.strictEqual(subscribed["type"], "all_rates")
      assert.deepStrictEqual(pairsOf(subscribed), ["USD:NGN"])
      yield* send({ type: "unsubscribe", pairs: ["USD:NGN"] })
      yield* assertNoMessage
    })
  )

  it.effect("fetches a requested rate that is not known, and publishes it", () =>
    Effect.gen(function* () {
      const { next, send } = yield* connected()
      yield* (yield* TestProvider).respondWith(rate("129"))
      yield* send({ type: "get_rate", source_currency: "USD", destination_currency: "KES" })
      const messages = [yield* next, yield* next]
      assert.sameMembers(
        messages.map(({ type }) => type),
        ["rate", "rate_update"]
      )
      assert.deepStrictEqual(
        messages.map((message) => message["rate"]),
        ["129", "129"]
      )
    })
  )

  it.effect("sends only the changes of subscribed pairs", () =>
    Effect.gen(function* () {
      const { next, assertNoMessage, send } = yield* connected()
      const assertReceives = Effect.fnUntraced(function* (...expected: ReadonlyArray<string>) {
        for (const pair of ["USD:NGN", "USD:KES", "EUR:NGN", "EUR:KES"]) {
          yield* change(pair, "10")
          if (!expected.includes(pair)) continue
          const { from, to, type } = yield* next
          assert.strictEqual(`${type} ${from}:${to}`, `rate_update ${pair}`)
        }
        yield* assertNoMessage
      })
      yield* send({ type: "unsubscribe", pairs: ["USD:NGN", "EUR:NGN"] })
      yield* assertNoMessage
      yield* assertReceives("USD:KES", "EUR:KES")
      yield* send({ type: "subscribe", pairs: ["EUR:NGN"] })
      assert.deepStrictEqual(pairsOf(yield* next), ["EUR:KES", "EUR:NGN", "USD:KES"])
      yield* assertReceives("USD:KES", "EUR:NGN", "EUR:KES")
      yield* send({ type: "unsubscribe", pairs: ["USD:NGN", "USD:KES", "EUR:NGN", "EUR:KES"] })
      yield* assertNoMessage
      yield* assertReceives()
      yield* send({ type: "subscribe", pairs: ["USD:NGN", "USD:NGN"] })
      assert.deepStrictEqual(pairsOf(yield* next), ["USD:NGN"])
      yield* assertReceives("USD:NGN")
    })
  )

  it.effect("replies to an invalid message with an error, and continues", () =>
    Effect.gen(function* () {
      const { next, assertNoMessage, send } = yield* connected()
      const getRate = (members: object) => ({ type: "get_rate", ...members })
      const messages: ReadonlyArray<readonly [message: unknown, code: string, detail: RegExp]> = [
        ["", "invalid-request", /JSON object/],
        ["{", "invalid-request", /JSON object/],
        ["null", "invalid-request", /JSON object/],
        ["[]", "invalid-request", /JSON object|"type"/],
        ["17", "invalid-request", /JSON object/],
        [`${"[".repeat(30_000)}`, "invalid-request", /JSON object/],
        [Buffer.from('{"type":"ping"}'), "invalid-request", /is binary/],
        [{}, "invalid-request", /"type" must be one of get_all_rates, /],
        [{ type: "shout" }, "invalid-request", /"type" must be one of/],
        [{ type: "toString" }, "invalid-request", /"type" must be one of/],
        [{ type: "__proto__" }, "invalid-request", /"type" must be one of/],
        [{ type: ["ping"] }, "invalid-request", /"type" must be one of/],
        [getRate({}), "invalid-request", /source_currency/],
        [getRate({ source_currency: 1, destination_currency: {} }), "invalid-request", /source_currency/],
        [getRate({ source_currency: "XXX", destination_currency: "NGN" }), "unsupported-currency", /XXX/],
        [getRate({ source_currency: "JPY", destination_currency: "USD" }), "unsupported-pair", /JPY:USD/],
        [{ type: "subscribe" }, "invalid-request", /pairs/],
        [{ type: "subscribe", pairs: [] }, "invalid-request", /pairs/],
        [{ type: "subscribe", pairs: "USD:NGN" }, "invalid-request", /pairs/],
        [{ type: "subscribe", pairs: ["USDNGN"] }, "invalid-request", /"USDNGN"/],
        [{ type: "subscribe", pairs: ["USD:NGN", "USD:XXX"] }, "unsupported-currency", /XXX/],
        [{ type: "unsubscribe", pairs: ["USD:JPY"] }, "unsupported-pair", /USD:JPY/],
        [
          { type: "subscribe", pairs: Array.from({ length: 1001 }, () => "USD:NGN") },
          "invalid-request",
          /1000/
        ]
      ]
      for (const [message, code, detail] of messages) {
        yield* send(message)
        const error = yield* next
        assert.deepInclude(error, { type: "error", code, retryable: false }, JSON.stringify(message))
        assert.match(String(error["trace_id"]), /^[0-9a-f]{32}$/)
        assert.match(String(error["detail"]), detail)
        assert.isAtMost(String(error["detail"]).length, 600)
      }
      yield* assertNoMessage
      // Rejected messages have not changed the subscription.
      yield* change("EUR:KES", "151")
      assert.deepInclude(yield* next, { type: "rate_update", from: "EUR", to: "KES" })
    })
  )

  it.effect("replies with a known rate while the database is unavailable", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const { next, assertNoMessage, send } = yield* connected()
      yield* server.setDatabase("down")
      yield* send({ type: "get_rate", source_currency: "EUR", destination_currency: "KES" })
      assert.strictEqual((yield* next)["type"], "rate")
      yield* assertNoMessage
      yield* server.setDatabase("up")
    })
  )

  it.effect("resumes with exactly the missed changes", () =>
    Effect.gen(function* () {
      const { epoch, assertNoMessage, sequence, webSocket } = yield* connected()
      yield* assertNoMessage
      webSocket.close(1000)
      const missed = [
        yield* change("USD:NGN", "1"),
        yield* change("EUR:KES", "2"),
        yield* change("USD:NGN", "3")
      ]
      const reconnected = yield* connect(`/ws/rates?since=${epoch}-${sequence}`)
      for (const [i, expected] of missed.entries()) {
        assert.deepStrictEqual(yield* reconnected.next, {
          type: "rate_update",
          epoch,
          sequence: sequence + i + 1,
          ...expected
        })
      }
      yield* reconnected.assertNoMessage
      const upToDate = yield* connect(`/ws/rates?since=${epoch}-${sequence + 3}`)
      yield* upToDate.assertNoMessage
    })
  )

  it.effect("sends a gap and a snapshot for a position that is no longer available", () =>
    Effect.gen(function* () {
      const { epoch, sequence } = yield* connected()
      for (const since of [`unknown-${sequence}`, `${epoch}-${sequence + 1}`]) {
        const { next, assertNoMessage } = yield* connect(`/ws/rates/?since=${since}`)
        assert.deepStrictEqual(yield* next, { type: "gap", epoch, sequence, since })
        const snapshot = yield* next
        assert.deepInclude(snapshot, { type: "all_rates", epoch, sequence })
        assert.deepStrictEqual(pairsOf(snapshot), ["EUR:KES", "EUR:NGN", "USD:KES", "USD:NGN"])
        yield* assertNoMessage
      }
    })
  )

  it.effect("rejects an invalid position, and closes with 1008", () =>
    Effect.gen(function* () {
      for (const query of ["since=", "since=yesterday", "since=1-1&since=1-2", "since=%00", "since=%ZZ"]) {
        const { closed, next } = yield* connect(`/ws/rates/?${query}`)
        const { code, errors, type } = yield* next
        assert.deepStrictEqual({ type, code }, { type: "error", code: "invalid-request" })
        assert.deepNestedPropertyVal(errors, "[0].pointer", "/query/since")
        assert.deepStrictEqual(yield* closed, { code: 1008, reason: "The request is invalid" })
      }
    })
  )

  it.effect("rejects requests that are not a WebSocket handshake", () =>
    Effect.gen(function* () {
      for (const path of ["/ws/rates", "/ws/rates/", "/rpc"]) {
        const answer = yield* get(path)
        assert.strictEqual(answer.status, 400)
        assert.deepInclude(answer.json, { code: "invalid-request", instance: path })
        assert.include(answer.json["detail"], "ws://")
        assert.strictEqual((yield* get(path, { method: "DELETE" })).status, 405)
      }
    })
  )
})
