import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { newTraceId } from "../../../src/platform/RequestId.ts"
import * as RawHttp from "../../support/RawHttp.ts"
import { get, TestServer } from "../../support/TestServer.ts"

const TRACE = "0af7651916cd43dd8448eb211c80319c"
const LOOKUP = "/api/v1/rates?from=USD&to=NGN"

layer(TestServer.layer(), { excludeTestServices: true })("Requests", (it) => {
  const idOf = (path: string, init?: RequestInit) =>
    Effect.map(get(path, init), ({ headers }) => headers.get("x-request-id") ?? "")

  it.effect("X-Request-Id is unique", () =>
    Effect.sync(() => {
      const ids = new Set(Array.from({ length: 1000 }, newTraceId))
      assert.strictEqual(ids.size, 1000)
      for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/)
    })
  )

  it.effect("X-Request-Id is different in every response", () =>
    Effect.gen(function* () {
      const seen = new Set<string>()
      const paths = [
        LOOKUP,
        LOOKUP,
        "/api/v1/rates",
        "/nothing",
        "/metrics",
        "/docs",
        "/health/live",
        "/ws/rates/"
      ]
      for (const path of paths) {
        const id = yield* idOf(path)
        assert.match(id, /^[0-9a-f]{32}$/, path)
        seen.add(id)
      }
      seen.add(yield* idOf("/api/v1/convert", { method: "POST", body: "{" }))
      seen.add(yield* idOf("/rpc/http", { method: "POST", body: "" }))
      seen.add(yield* idOf("/api/rates/?source_currency=USD&destination_currency=NGN"))
      assert.strictEqual(seen.size, paths.length + 3)
      assert.isFalse(seen.has(""))
    })
  )

  it.effect("X-Request-Id equals the trace id of the problem", () =>
    Effect.gen(function* () {
      for (const path of ["/nothing", "/api/v1/rates?from=USD&to=XXX"]) {
        const { headers, json } = yield* get(path)
        assert.strictEqual(headers.get("x-request-id"), json["trace_id"])
      }
    })
  )

  it.effect("X-Request-Id continues the trace of the client", () =>
    Effect.gen(function* () {
      const traceparent = `00-${TRACE}-b7ad6b7169203331-01`
      assert.strictEqual(yield* idOf(LOOKUP, { headers: { traceparent } }), TRACE)
      const { json } = yield* get("/nothing", { headers: { traceparent } })
      assert.strictEqual(json["trace_id"], TRACE)
      assert.notStrictEqual(yield* idOf(LOOKUP, { headers: { traceparent: `00-${TRACE}` } }), TRACE)
    })
  )

  it.effect(
    "X-Request-Id is the id that the client sent if it is valid, while the problem has a trace id",
    () =>
      Effect.gen(function* () {
        const { headers, json } = yield* get("/nothing", { headers: { "x-request-id": "order-1042:7.a_B" } })
        assert.strictEqual(headers.get("x-request-id"), "order-1042:7.a_B")
        assert.match(String(json["trace_id"]), /^[0-9a-f]{32}$/)
        for (const id of ["a b", "x".repeat(129), "<script>", "a,b", "efx_live_0123456789", ""]) {
          assert.match(yield* idOf(LOOKUP, { headers: { "x-request-id": id } }), /^[0-9a-f]{32}$/, id)
        }
      })
  )

  it.effect("X-Request-Id is in rejections by Node's HTTP parser", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const { responses } = yield* RawHttp.exchange(port, "NOT HTTP\r\n\r\n")
      const id = responses[0]?.headers.get("x-request-id") ?? ""
      assert.match(id, /^[0-9a-f]{32}$/)
      assert.include(responses[0]?.body ?? "", `"trace_id":"${id}"`)
    })
  )

  it.effect("Request metrics have one series per route template, for unknown paths too", () =>
    Effect.gen(function* () {
      const count = (labels: string) =>
        Effect.map(get("/metrics"), ({ text }) =>
          Number(text.split(`effex_http_requests_total{${labels}} `)[1]?.split("\n")[0] ?? "0")
        )
      const record = 'method="GET",route="/api/v1/rates/:rate_id",status="404"'
      const unknown = 'method="GET",route="unknown",status="404"'
      const before = [yield* count(record), yield* count(unknown)] as const
      for (let i = 0; i < 5; i++) {
        yield* get(`/api/v1/rates/01980000-0000-7000-8000-00000000000${i}`)
        yield* get(`/nothing/${i}`)
      }
      assert.strictEqual((yield* count(record)) - before[0], 5)
      assert.strictEqual((yield* count(unknown)) - before[1], 5)
      const { text } = yield* get("/metrics")
      assert.include(text, `effex_http_request_duration_seconds_count{${record}} `)
      assert.notInclude(text, "01980000")
    })
  )
})
