import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as RawHttp from "../../support/RawHttp.ts"
import { get, TestServer } from "../../support/TestServer.ts"

const DATA = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "cross-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

layer(TestServer.layer(), { excludeTestServices: true })("Every answer", (it) => {
  it.effect("tells a browser what it may make of it, and nothing of the server", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const line = (method: string, path: string, more = "") =>
        `${method} ${path} HTTP/1.1\r\nHost: x\r\n${more}Connection: close\r\n\r\n`
      const requests = {
        "a rate": line("GET", "/api/v1/rates?from=USD&to=NGN"),
        "a HEAD": line("HEAD", "/api/v1/rates?from=USD&to=NGN"),
        "Flutterwave's": line("GET", "/api/rates/?source_currency=USD&destination_currency=NGN"),
        "a failure": line("GET", "/api/v1/rates"),
        "nothing there": line("GET", "/nothing"),
        "another method": line("DELETE", "/api/v1/rates"),
        "a preflight": line("OPTIONS", "/api/v1/convert"),
        metrics: line("GET", "/metrics"),
        "the document": line("GET", "/openapi.json"),
        health: line("GET", "/health/live"),
        "no WebSocket": line("GET", "/ws/rates/"),
        "no host": "GET /metrics HTTP/1.1\r\n\r\n",
        "a long address": line("GET", `/${"x".repeat(9_000)}`),
        "long headers": line("GET", "/metrics", `X: ${"x".repeat(20_000)}\r\n`),
        "no HTTP": "hello\r\n\r\n"
      }
      for (const [name, bytes] of Object.entries(requests)) {
        const { answers } = yield* RawHttp.exchange(port, bytes, { bodiless: name === "a HEAD" })
        const headers = answers[0]?.headers ?? assert.fail(name)
        for (const [header, value] of Object.entries(DATA))
          assert.strictEqual(headers.get(header), value, name)
        for (const header of ["server", "x-powered-by", "strict-transport-security"])
          assert.isFalse(headers.has(header), `${name}: ${header}`)
      }
    })
  )

  it.effect("that is a page may run what it brings, and stands in no frame", () =>
    Effect.gen(function* () {
      for (const path of ["/docs", "/api/v1/swagger/", "/api/v1/redoc/"]) {
        const { headers } = yield* get(path)
        const { "content-security-policy": _, ...common } = DATA
        for (const [header, value] of Object.entries(common))
          assert.strictEqual(headers.get(header), value, path)
        assert.include(headers.get("content-security-policy") ?? "", "frame-ancestors 'none'")
        assert.strictEqual(headers.get("x-frame-options"), "DENY")
      }
    })
  )

  it.effect("to what is too long says so", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const longest = `/api/v1/currencies?${"x".repeat(8192 - 19)}`
      assert.strictEqual((yield* get(longest)).status, 200)
      const long = yield* get(`${longest}x`)
      assert.deepInclude(long.json, { status: 414, code: "address-too-long", retryable: false })
      const flutterwave = yield* get(`/api/rates/?${"x".repeat(8192)}`)
      assert.deepInclude(flutterwave.json, { status: "error", data: null })
      assert.strictEqual(flutterwave.status, 414)
      const { answers } = yield* RawHttp.exchange(
        port,
        `GET /metrics HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(17_000)}\r\n\r\n`
      )
      assert.strictEqual(answers[0]?.status, 431)
      assert.include(answers[0]?.body, '"code":"headers-too-large"')
    })
  )
})
