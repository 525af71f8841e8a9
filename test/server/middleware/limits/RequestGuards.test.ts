import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { OpenApi } from "effect/http-api"
import { Api } from "../../../../src/api/Api.ts"
import * as RawHttp from "../../../support/RawHttp.ts"
import * as RawSocket from "../../../support/RawSocket.ts"
import { change } from "../../../support/RateChanges.ts"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"

const LOOKUP = "/api/v1/rates?from=USD&to=NGN"

/** Sends lines of a request, and returns the responses. */
const exchange = (lines: ReadonlyArray<string>, body: string | Uint8Array = "") =>
  Effect.flatMap(TestServer, ({ port }) =>
    Effect.map(
      RawHttp.exchange(
        port,
        Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), Buffer.from(body)])
      ),
      ({ responses }) => responses[0] ?? assert.fail("no response")
    )
  )

const convert = (headers: ReadonlyArray<string>, body: string | Uint8Array) =>
  exchange(["POST /api/v1/convert HTTP/1.1", "host: localhost", ...headers], body)

const BODY = JSON.stringify({ amount: "500.00", from_currency: "USD", to_currency: "NGN" })
const lengthOf = (body: string | Uint8Array) => `content-length: ${Buffer.byteLength(body)}`

layer(TestServer.layer(), { excludeTestServices: true })("Ambiguous requests", (it) => {
  it.effect("with another than exactly one Host are rejected", () =>
    Effect.gen(function* () {
      for (const path of [LOOKUP, "/metrics", "/docs"]) {
        const get = `GET ${path} HTTP/1.1`
        for (const hosts of [
          ["host: a.example", "host: b.example"],
          ["host: a.example", "host: a.example"],
          ["host: a.example, b.example"],
          ["host: a.example/path"],
          ["host: user@a.example"],
          []
        ]) {
          const { body, status } = yield* exchange([get, ...hosts])
          assert.strictEqual(status, 400, hosts.join())
          assert.include(body, "Host")
        }
        for (const host of ["a.example", "a.example:8000", "[::1]:8000", ""])
          assert.notStrictEqual((yield* exchange([get, `host: ${host}`])).status, 400, host)
      }
    })
  )

  it.effect("reach a path only in its exact spelling", () =>
    Effect.gen(function* () {
      for (const path of [
        "//metrics",
        "/metrics//",
        "/Metrics",
        "/METRICS",
        "/%6detrics",
        "/%6Detrics",
        "/metrics%2f",
        "/metrics;",
        "/metrics;x=1",
        "/metrics#x",
        "/./metrics",
        "//api/v1/polls",
        "/API/v1/polls",
        "/api/v1/%70olls",
        "/api//v1/polls",
        "/api/v1/polls;page_size=1"
      ]) {
        const { status } = yield* exchange([`GET ${path} HTTP/1.1`, "host: localhost"])
        assert.strictEqual(status, 404, path)
      }
      assert.strictEqual((yield* get("/metrics")).status, 200)
    })
  )

  it.effect("reach a WebSocket endpoint only in the exact spelling of its path", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const statusOf = (path: string) =>
        Effect.map(RawHttp.exchange(port, RawSocket.handshake(path)), ({ responses }) => responses[0]?.status)
      for (const path of [
        "/ws/%72ates/",
        "/ws/%72ates",
        "/%77s/rates/",
        "/ws%2frates/",
        "/ws/rates%2f",
        "/ws/rates;x",
        "/ws/rates/#x",
        "/ws/rates/%3fsince=0",
        "/%72pc",
        "/rpc%2f",
        "//ws/rates/",
        "/ws//rates/",
        "/ws/rates//",
        "/WS/rates/",
        "/ws/./rates/"
      ])
        assert.strictEqual(yield* statusOf(path), 404, path)
      for (const path of ["/ws/rates/", "/ws/rates", "/rpc", "/rpc/", "/ws/rates/?x=%2f"])
        assert.strictEqual(yield* statusOf(path), 101, path)
    })
  )

  it.effect("with an absolute URL reach a path only in its exact spelling", () =>
    Effect.gen(function* () {
      const statusOf = (url: string) =>
        Effect.map(exchange([`GET ${url} HTTP/1.1`, "host: localhost"]), ({ status }) => status)
      for (const path of ["/metrics", "/api/rates/all", "/api/v1/polls"]) {
        for (const url of [`http://localhost${path}`, `HTTP://localhost:80${path}/`])
          assert.strictEqual(yield* statusOf(url), 200, url)
        for (const url of [
          `http://localhost/.${path}`,
          `http://localhost/x/..${path}`,
          `http://localhost/%2e${path}`,
          `http://localhost${path}#x`,
          `http://localhost/.${path.replace("/", "\\")}`,
          `http:///localhost${path}`,
          `http:////localhost${path}`
        ])
          assert.strictEqual(yield* statusOf(url), 404, url)
      }
      assert.strictEqual(yield* statusOf("http://localhost"), yield* statusOf("/"))
      assert.strictEqual(yield* statusOf('http://localhost/metrics?x="/../"'), 200)
    })
  )

  it.effect("may encode any part of the query", () =>
    Effect.gen(function* () {
      yield* change("USD:NGN", "1500")
      const encodeAll = (text: string) =>
        Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")
      const queries = Object.entries(OpenApi.fromApi(Api).paths).flatMap(([path, { get: operation }]) => {
        const examples = (operation?.parameters ?? []).flatMap((parameter) => {
          const example = "example" in parameter ? String(parameter.example) : ""
          return parameter.in === "query" && example !== "" ? [[parameter.name, example] as const] : []
        })
        return examples.length === 0 ? [] : [{ path, examples }]
      })
      assert.isAtLeast(queries.length, 10)
      for (const { examples, path } of queries) {
        // A stream would not end.
        const method = path.endsWith("/stream") ? "HEAD" : "GET"
        const plain = yield* get(`${path}?${new URLSearchParams(Object.fromEntries(examples)).toString()}`, {
          method
        })
        const encoded = examples.map(([name, value]) => `${encodeAll(name)}=${encodeAll(value)}`).join("&")
        const { json, status } = yield* get(`${path}?${encoded}`, { method })
        assert.strictEqual(status, plain.status, path)
        assert.strictEqual(json["code"], plain.json["code"], path)
      }
      const { json, status } = yield* get("/api/v1/rates?%66rom=%55SD&to=NG%4E")
      assert.strictEqual(status, 200)
      assert.strictEqual(json["rate"], "1500")
      const found = yield* get("/api/v1/audit/conversions?reference=%2fmetrics%3f%23")
      assert.strictEqual(found.status, 200, found.text)
    })
  )

  it.effect("with two idempotency keys are rejected", () =>
    Effect.gen(function* () {
      yield* change("USD:NGN", "1500")
      // Chunked bodies go through the router.
      const bodies = [
        [lengthOf(BODY), BODY],
        ["transfer-encoding: chunked", `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`]
      ] as const
      for (const [framing, body] of bodies) {
        const repeated = yield* convert(["Idempotency-Key: a", "idempotency-key: b", framing], body)
        assert.strictEqual(repeated.status, 400)
        assert.include(repeated.body, "/headers/idempotency-key: must be given once")
        assert.strictEqual((yield* convert(["idempotency-key: a, b", framing], body)).status, 200)
      }
    })
  )

  it.effect("with two Authorization headers are rejected", () =>
    Effect.gen(function* () {
      const lines = [`GET ${LOOKUP} HTTP/1.1`, "host: localhost"]
      const keys = ["authorization: Bearer efx_test_a", "authorization: Bearer efx_test_b"]
      assert.strictEqual((yield* exchange([...lines, ...keys])).status, 401)
    })
  )

  it.effect("with a body that is not UTF-8 are rejected", () =>
    Effect.gen(function* () {
      const body = Buffer.from(BODY.replace("}", ',"reference":"caf\u00e9"}'), "latin1")
      const chunked = Buffer.concat([
        Buffer.from(`${body.length.toString(16)}\r\n`),
        body,
        Buffer.from("\r\n0\r\n\r\n")
      ])
      for (const [framing, bytes] of [
        [lengthOf(body), body],
        ["transfer-encoding: chunked", chunked]
      ] as const) {
        const { body: text, status } = yield* convert([framing], bytes)
        assert.strictEqual(status, 400)
        assert.include(text, "UTF-8")
      }
      for (const path of ["/api/v1/quotes", "/rpc/http"]) {
        const { status } = yield* exchange([`POST ${path} HTTP/1.1`, "host: localhost", lengthOf(body)], body)
        assert.strictEqual(status, 400, path)
      }
    })
  )

  it.effect("with two RPC calls of one id are rejected", () =>
    Effect.gen(function* () {
      const call = (id: unknown) =>
        JSON.stringify({
          _tag: "Request",
          id,
          tag: "GetRate",
          payload: { from: "USD", to: "NGN" },
          headers: []
        })
      const send = (...calls: ReadonlyArray<string>) =>
        get("/rpc/http", { method: "POST", body: calls.join("\n") })
      for (const ids of [
        ["1", "1"],
        ["1", 1]
      ])
        assertProblem(yield* send(...ids.map(call)), 400, "invalid-request")
      const { status, text } = yield* send(call("1"), call("2"))
      assert.strictEqual(status, 200)
      assert.lengthOf(text.trim().split("\n"), 2)
    })
  )
})

layer(TestServer.layer({ METRICS_TOKEN: "scraper-0123456789" }), { excludeTestServices: true })(
  "Metrics with METRICS_TOKEN",
  (it) => {
    it.effect("require the token", () =>
      Effect.gen(function* () {
        const withToken = (authorization: string) => get("/metrics", { headers: { authorization } })
        assertProblem(yield* get("/metrics"), 401, "unauthorized")
        assertProblem(yield* withToken("Bearer scraper-012345678"), 401, "unauthorized")
        assert.strictEqual((yield* withToken("Bearer scraper-0123456789")).status, 200)
      })
    )
  }
)
