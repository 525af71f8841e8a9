import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as RawHttp from "../../../support/RawHttp.ts"
import { get, TestServer } from "../../../support/TestServer.ts"

const HEADERS = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "cross-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

layer(TestServer.layer(), { excludeTestServices: true })("Security headers", (it) => {
  it.effect("are in every response, which does not reveal the server software", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const line = (method: string, path: string, more = "") =>
        `${method} ${path} HTTP/1.1\r\nHost: x\r\n${more}Connection: close\r\n\r\n`
      const requests = {
        "a rate": line("GET", "/api/v1/rates?from=USD&to=NGN"),
        "a HEAD": line("HEAD", "/api/v1/rates?from=USD&to=NGN"),
        "Flutterwave's": line("GET", "/api/rates/?source_currency=USD&destination_currency=NGN"),
        "an error": line("GET", "/api/v1/rates"),
        "an unknown path": line("GET", "/nothing"),
        "another method": line("DELETE", "/api/v1/rates"),
        "a preflight": line("OPTIONS", "/api/v1/convert"),
        metrics: line("GET", "/metrics"),
        "the OpenAPI document": line("GET", "/openapi.json"),
        health: line("GET", "/health/live"),
        "a WebSocket path without an upgrade": line("GET", "/ws/rates/"),
        "no host": "GET /metrics HTTP/1.1\r\n\r\n",
        "a long URL": line("GET", `/${"x".repeat(9_000)}`),
        "long headers": line("GET", "/metrics", `X: ${"x".repeat(20_000)}\r\n`),
        "no HTTP": "hello\r\n\r\n"
      }
      for (const [name, bytes] of Object.entries(requests)) {
        const { responses } = yield* RawHttp.exchange(port, bytes, { bodiless: name === "a HEAD" })
        const headers = responses[0]?.headers ?? assert.fail(name)
        for (const [header, value] of Object.entries(HEADERS))
          assert.strictEqual(headers.get(header), value, name)
        for (const header of ["server", "x-powered-by", "strict-transport-security"])
          assert.isFalse(headers.has(header), `${name}: ${header}`)
      }
    })
  )

  it.effect("let pages run their own scripts, and forbid frames", () =>
    Effect.gen(function* () {
      for (const path of ["/docs", "/api/v1/swagger/", "/api/v1/redoc/"]) {
        const { headers } = yield* get(path)
        const { "content-security-policy": _, ...common } = HEADERS
        for (const [header, value] of Object.entries(common))
          assert.strictEqual(headers.get(header), value, path)
        assert.include(headers.get("content-security-policy") ?? "", "frame-ancestors 'none'")
        assert.strictEqual(headers.get("x-frame-options"), "DENY")
      }
    })
  )

  it.effect("are limited in length, like URLs, with a problem", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const longest = `/api/v1/currencies?${"x".repeat(8192 - 19)}`
      assert.strictEqual((yield* get(longest)).status, 200)
      const long = yield* get(`${longest}x`)
      assert.deepInclude(long.json, { status: 414, code: "address-too-long", retryable: false })
      const flutterwave = yield* get(`/api/rates/?${"x".repeat(8192)}`)
      assert.deepInclude(flutterwave.json, { status: "error", data: null })
      assert.strictEqual(flutterwave.status, 414)
      const { responses } = yield* RawHttp.exchange(
        port,
        `GET /metrics HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(17_000)}\r\n\r\n`
      )
      assert.strictEqual(responses[0]?.status, 431)
      assert.include(responses[0]?.body, '"code":"headers-too-large"')
    })
  )
})
