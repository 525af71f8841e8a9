import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { change } from "../../support/RateChanges.ts"
import * as SseClient from "../../support/SseClient.ts"
import { poll } from "../../support/SampleRates.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"
import { eventuallyFrom } from "../../support/Waiters.ts"

const PATH = "/api/v1/rates/stream"

const follow = Effect.fnUntraced(function* (query = "", headers: Readonly<Record<string, string>> = {}) {
  const { url } = yield* TestServer
  const client = yield* SseClient.open(url + PATH + query, headers)
  assert.strictEqual(client.response.status, 200)
  assert.strictEqual(yield* client.block, "retry: 1000")
  return client
})

const position = Effect.map(Broadcaster, (broadcaster) => {
  const { epoch, sequence } = broadcaster.snapshot()
  return { epoch, sequence }
})

/** Asserts that a client has no untaken event, by means of another event. */
const assertNoMessage = Effect.fnUntraced(function* (client: Effect.Success<ReturnType<typeof follow>>) {
  yield* (yield* Broadcaster).publishPoll(poll(1))
  assert.strictEqual((yield* client.next).event, "poll")
})

const untilClosed = eventuallyFrom(
  "end of the streams",
  Effect.map(get("/metrics"), ({ text }) =>
    text.includes('effex_stream_connections{transport="sse"} 0\n') ? true : undefined
  )
)

layer(TestServer.layer({ RATE_SOURCES: "USD,EUR", RATE_DESTINATIONS: "NGN,KES" }), {
  excludeTestServices: true
})("GET /api/v1/rates/stream", (it) => {
  it.effect("sends a snapshot first, and then every change and every poll", () =>
    Effect.gen(function* () {
      const known = yield* change("USD:NGN", "1534.12345678")
      const { epoch, sequence } = yield* position
      const client = yield* follow()
      const { headers } = client.response
      assert.strictEqual(headers.get("content-type"), "text/event-stream")
      assert.strictEqual(headers.get("cache-control"), "no-cache")
      assert.strictEqual(headers.get("x-accel-buffering"), "no")
      assert.strictEqual(headers.get("content-length"), null)
      assert.deepStrictEqual(yield* client.next, {
        id: `${epoch}-${sequence}`,
        event: "snapshot",
        data: { epoch, sequence, rates: [known] }
      })
      const changed = yield* change("EUR:KES", "150.5")
      const next = { epoch, sequence: sequence + 1 }
      assert.deepStrictEqual(yield* client.next, {
        id: `${epoch}-${next.sequence}`,
        event: "rate",
        data: { ...next, ...changed }
      })
      yield* (yield* Broadcaster).publishPoll(poll(3))
      const { data, event, id } = yield* client.next
      assert.deepStrictEqual({ event, id }, { event: "poll", id: `${epoch}-${next.sequence}` })
      assert.deepInclude(data, { ...next, run_id: poll(3).id, pairs: 44, succeeded: 41, failed: 3 })
    })
  )

  it.effect("sends only the requested pairs", () =>
    Effect.gen(function* () {
      yield* change("USD:NGN", "1")
      const client = yield* follow("?pairs=eur:ngn,%20EUR:KES,EUR:NGN")
      const { data, event } = yield* client.next
      assert.strictEqual(event, "snapshot")
      assert.sameMembers(Array.isArray(data["rates"]) ? data["rates"].map(({ from }) => from) : [], ["EUR"])
      yield* change("USD:NGN", "2")
      const changed = yield* change("EUR:NGN", "3")
      assert.deepInclude((yield* client.next).data, changed)
      yield* assertNoMessage(client)
    })
  )

  it.effect("resumes with exactly the missed changes", () =>
    Effect.gen(function* () {
      const { epoch, sequence } = yield* position
      const missed = [
        yield* change("USD:NGN", "4"),
        yield* change("EUR:KES", "5"),
        yield* change("USD:NGN", "6")
      ]
      const since = `${epoch}-${sequence}`
      for (const client of [
        yield* follow("", { "last-event-id": since }),
        yield* follow(`?since=${since}`),
        // A browser that reconnects sends the same URL, and a newer position in the header.
        yield* follow("?since=long-1", { "last-event-id": since })
      ]) {
        for (const [i, expected] of missed.entries()) {
          const { data, event, id } = yield* client.next
          assert.strictEqual(event, "rate")
          assert.strictEqual(id, `${epoch}-${sequence + 1 + i}`)
          assert.deepInclude(data, expected)
        }
        yield* assertNoMessage(client)
      }
      const some = yield* follow(`?since=${since}&pairs=EUR:KES`)
      assert.strictEqual((yield* some.next).id, `${epoch}-${sequence + 2}`)
      yield* assertNoMessage(some)
    })
  )

  it.effect("sends a gap and a snapshot for a position that is no longer available", () =>
    Effect.gen(function* () {
      const { epoch, sequence } = yield* position
      for (const since of ["unknown-1", `${epoch}-${sequence + 1}`]) {
        const client = yield* follow("", { "last-event-id": since })
        const id = `${epoch}-${sequence}`
        assert.deepStrictEqual(yield* client.next, { id, event: "gap", data: { epoch, sequence, since } })
        const { data, event } = yield* client.next
        assert.strictEqual(event, "snapshot")
        assert.deepInclude(data, { epoch, sequence })
      }
    })
  )

  it.effect("rejects invalid parameters", () =>
    Effect.gen(function* () {
      assertProblem(yield* get(`${PATH}?pairs=USD:XXX`), 422, "unsupported-currency")
      assertProblem(yield* get(`${PATH}?pairs=USD:JPY`), 422, "unsupported-pair")
      for (const query of [
        "pairs=USDNGN",
        "pairs=",
        "pairs=USD:NGN,",
        "since=1",
        "since=",
        "since=1-1&since=1-1"
      ])
        assertProblem(yield* get(`${PATH}?${query}`), 400, "invalid-request")
      const tooMany = Array.from({ length: 1001 }, () => "USD:NGN").join()
      assertProblem(yield* get(`${PATH}?pairs=${tooMany}`), 400, "invalid-request")
      const headers = { "last-event-id": "yesterday" }
      const { errors } = assertProblem(yield* get(PATH, { headers }), 400, "invalid-request")
      assert.include(JSON.stringify(errors), "last-event-id")
      assertProblem(yield* get(PATH, { method: "POST" }), 405, "method-not-allowed")
    })
  )

  it.effect("responds to HEAD without keeping a stream", () =>
    Effect.gen(function* () {
      const answer = yield* get(PATH, { method: "HEAD" })
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.headers.get("content-type"), "text/event-stream")
      yield* untilClosed
    })
  )

  it.effect("counts a stream until its client disconnects", () =>
    Effect.gen(function* () {
      const clients = [yield* follow(), yield* follow()]
      assert.include((yield* get("/metrics")).text, 'effex_stream_connections{transport="sse"} 2\n')
      for (const { close } of clients) yield* close
      yield* untilClosed
    })
  )

  it.effect("allows pages of other origins", () =>
    Effect.gen(function* () {
      const { response } = yield* follow("", { origin: "https://app.example.com" })
      assert.strictEqual(response.headers.get("access-control-allow-origin"), "*")
    })
  )
})
