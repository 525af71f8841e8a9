import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { TestProvider } from "../support/TestProvider.ts"
import { assertProblem, get, SECRETS, TestServer } from "../support/TestServer.ts"

const LOOKUP = "/api/v1/rates?from=USD&to=NGN"
const live = { excludeTestServices: true }

layer(TestServer.layer(), live)("Pages and API paths", (it) => {
  it.effect("serve documentation as HTML, with scripts and styles of this server", () =>
    Effect.gen(function* () {
      for (const path of ["/docs", "/docs/", "/api/v1/swagger/", "/api/v1/swagger", "/api/v1/redoc/"]) {
        const { headers, status, text } = yield* get(path)
        assert.strictEqual(status, 200)
        assert.match(headers.get("content-type") ?? "", /^text\/html/)
        assert.match(text, /^<!doctype html>/i)
        assert.notMatch(text, /https?:\/\//)
        assert.include(text, '"url":"/openapi.json"')
        // Scalar loads fonts from its vendor by default.
        if (!path.includes("swagger")) assert.include(text, '"withDefaultFonts":false')
        const files = Array.from(text.matchAll(/ (?:src|href)="(\/[^"]+)"/g), ([, file = ""]) => file)
        assert.lengthOf(files, path.includes("swagger") ? 2 : 1)
        for (const file of files) {
          const response = yield* get(file)
          assert.strictEqual(response.status, 200)
          assert.match(response.headers.get("content-type") ?? "", /^text\/(javascript|css); charset=utf-8$/)
          assert.strictEqual(response.headers.get("cache-control"), "public, max-age=31536000, immutable")
          const unversioned = yield* get(file.replace(/\?.*/, ""))
          assert.strictEqual(unversioned.headers.get("cache-control"), "public, max-age=300")
        }
        assert.strictEqual(
          headers.get("content-security-policy"),
          "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
        )
        assert.strictEqual(headers.get("x-frame-options"), "DENY")
      }
    })
  )

  it.effect("return 404 for unknown paths", () =>
    Effect.gen(function* () {
      for (const path of ["/doc", "/docs/x", "/api", "/api/v1", "/api/v1/rates/a/b", "/favicon.ico"]) {
        const { instance } = assertProblem(yield* get(path), 404, "not-found")
        assert.strictEqual(instance, path)
      }
    })
  )

  it.effect("return 405 for other methods than GET", () =>
    Effect.gen(function* () {
      for (const path of [
        "/docs",
        "/metrics",
        "/openapi.json",
        "/health/live",
        LOOKUP,
        "/api/v1/currencies/"
      ]) {
        for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
          const response = yield* get(path, { method })
          assertProblem(response, 405, "method-not-allowed")
          assert.strictEqual(response.headers.get("allow"), "GET, HEAD, OPTIONS")
        }
      }
    })
  )

  const UNKNOWN_ID = "01980000-0000-7000-8000-000000000000"

  it.effect("return 503 without the database for rates that are not in memory", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const provider = yield* TestProvider
      yield* server.setDatabase("down")
      for (const path of [
        LOOKUP,
        "/api/v1/rates/all",
        "/api/v1/rates/all?base=USD",
        `/api/v1/rates/${UNKNOWN_ID}`
      ])
        assertProblem(yield* get(path), 503, "store-unavailable")
      assert.strictEqual(yield* provider.calls, 0)
      assert.strictEqual((yield* get("/api/v1/currencies")).status, 200)
      assert.strictEqual((yield* get("/health/live")).status, 200)
      yield* server.setDatabase("up")
    })
  )

  it.effect("serve rates in memory without the database, and recover with it", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const before = yield* get(LOOKUP)
      const all = yield* get("/api/v1/rates/all")
      yield* server.setDatabase("down")
      const during = yield* get(LOOKUP)
      assert.strictEqual(during.text, before.text)
      assert.strictEqual(during.headers.get("x-rate-source"), "memory")
      assert.strictEqual((yield* get("/api/v1/rates/all")).text, all.text)
      assertProblem(yield* get("/api/v1/rates?from=USD&to=KES"), 503, "store-unavailable")
      yield* server.setDatabase("up")
      assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=KES")).status, 200)
    })
  )

  it.effect("reveal only a trace_id of an unexpected failure, which is also logged", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      yield* server.setDatabase("broken")
      const response = yield* get("/api/v1/rates?from=USD&to=GHS")
      yield* server.setDatabase("up")
      assert.strictEqual(response.status, 500)
      const { trace_id } = response.json
      assert.strictEqual(
        response.text,
        `{"type":"urn:effex:problem:internal","title":"Internal server error","status":500,"instance":"/api/v1/rates","code":"internal","retryable":true,"trace_id":"${trace_id}"}`
      )
      assert.strictEqual(response.headers.get("retry-after"), "1")
      const logged = server.log.filter((line) => line.includes(String(trace_id)))
      assert.strictEqual(logged.length, 1)
      assert.include(logged[0], "Unexpected failure")
      assert.include(logged[0], SECRETS.slice(0, 20))
    })
  )
})
