import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as RawHttp from "../../../support/RawHttp.ts"
import * as RawSocket from "../../../support/RawSocket.ts"
import { get, TestServer } from "../../../support/TestServer.ts"

const live = { excludeTestServices: true }
const LOOKUP = "/api/v1/rates?from=USD&to=NGN"
const ALLOWED = ["https://app.example.com", "http://localhost:3000"]
const OTHERS = [
  "https://evil.example",
  "http://app.example.com",
  "https://app.example.com.evil.example",
  "null"
]
const BODY = JSON.stringify({ amount: "1", from_currency: "USD", to_currency: "NGN" })

const preflight = (path: string, origin: string, method: string, headers: string) =>
  get(path, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": method,
      "access-control-request-headers": headers
    }
  })

const upgrade = (path: string, headers: Readonly<Record<string, string>>) =>
  Effect.flatMap(TestServer, ({ port }) =>
    Effect.map(
      RawHttp.exchange(port, RawSocket.handshake(path, headers)),
      ({ responses }) => responses[0] ?? assert.fail("no response")
    )
  )

layer(TestServer.layer(), live)("Without CORS_ORIGINS", (it) => {
  it.effect("allows every origin to read all responses and their headers", () =>
    Effect.gen(function* () {
      for (const path of [LOOKUP, "/api/v1/rates", "/nothing", "/health/ready", "/api/rates/"]) {
        const { headers } = yield* get(path, { headers: { origin: "https://anywhere.example" } })
        assert.strictEqual(headers.get("access-control-allow-origin"), "*")
        assert.isNull(headers.get("access-control-allow-credentials"))
        assert.notInclude(headers.get("vary") ?? "", "Origin")
        assert.strictEqual(
          headers.get("access-control-expose-headers"),
          "Age,ETag,Idempotency-Replayed,Location,RateLimit,RateLimit-Policy,Retry-After,WWW-Authenticate,X-Rate-Source,X-Request-Id"
        )
      }
    })
  )

  it.effect("responds to a preflight with the allowed methods and headers", () =>
    Effect.gen(function* () {
      const { headers, status, text } = yield* preflight(
        "/api/v1/convert",
        "https://anywhere.example",
        "POST",
        "authorization,idempotency-key"
      )
      assert.strictEqual(status, 204)
      assert.strictEqual(text, "")
      const corsHeaders = Array.from(headers).filter(
        ([name]) => name.startsWith("access-control") && name !== "access-control-expose-headers"
      )
      assert.deepStrictEqual(Object.fromEntries(corsHeaders), {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "access-control-allow-headers":
          "Authorization,Content-Type,Effex-On-Behalf-Of,Idempotency-Key,If-Match,If-None-Match,Last-Event-ID,X-Request-Id,b3,traceparent,tracestate",
        "access-control-max-age": "86400"
      })
    })
  )

  it.effect("allows every origin to write and to open WebSockets", () =>
    Effect.gen(function* () {
      const origin = "https://anywhere.example"
      const converted = yield* get("/api/v1/convert", { method: "POST", body: BODY, headers: { origin } })
      assert.strictEqual(converted.status, 200)
      for (const path of ["/ws/rates/", "/rpc"])
        assert.strictEqual((yield* upgrade(path, { Origin: origin })).status, 101)
    })
  )
})

for (const origins of [ALLOWED, ALLOWED.slice(0, 1)]) {
  layer(TestServer.layer({ CORS_ORIGINS: origins.join(", ") }), live)(
    `With ${origins.length} CORS_ORIGINS`,
    (it) => {
      it.effect("allows only the listed origins to read", () =>
        Effect.gen(function* () {
          for (const method of ["GET", "OPTIONS"]) {
            for (const origin of origins) {
              const { headers } = yield* get(LOOKUP, { method, headers: { origin } })
              assert.strictEqual(headers.get("access-control-allow-origin"), origin)
              assert.include(headers.get("vary") ?? "", "Origin")
              assert.isNull(headers.get("access-control-allow-credentials"))
            }
            for (const origin of OTHERS) {
              const { headers, status } = yield* get(LOOKUP, { method, headers: { origin } })
              assert.strictEqual(headers.get("access-control-allow-origin"), null)
              assert.include(headers.get("vary") ?? "", "Origin")
              assert.strictEqual(status, method === "GET" ? 200 : 204)
            }
          }
          // Caches must keep responses to pages and to other clients apart.
          assert.include((yield* get(LOOKUP)).headers.get("vary") ?? "", "Origin")
        })
      )

      it.effect("rejects writes from pages of other origins, even without a preflight", () =>
        Effect.gen(function* () {
          const { port, url } = yield* TestServer
          const post = (path: string, headers: Readonly<Record<string, string>>) =>
            get(path, { method: "POST", body: BODY, headers: { "content-type": "text/plain", ...headers } })
          for (const origin of OTHERS) {
            for (const path of ["/api/v1/convert", "/api/v1/quotes", "/rpc/http"]) {
              const rejected = yield* post(path, { origin })
              assert.strictEqual(rejected.status, 403, path)
              assert.strictEqual(rejected.json["code"], "forbidden")
              assert.isNull(rejected.headers.get("access-control-allow-origin"))
            }
          }
          // HTTP/1.0 has no Host, which must not match the origin `null`.
          const withoutHost = yield* RawHttp.exchange(
            port,
            `POST /api/v1/convert HTTP/1.0\r\nOrigin: null\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`
          )
          assert.strictEqual(withoutHost.responses[0]?.status, 403)
          // Pages of a listed origin, pages of this server, and programs, which send no origin.
          for (const headers of [{ origin: origins[0] ?? "" }, { origin: url }, {}])
            assert.strictEqual((yield* post("/api/v1/convert", headers)).status, 200)
        })
      )

      it.effect("rejects WebSocket handshakes from pages of other origins", () =>
        Effect.gen(function* () {
          for (const path of ["/ws/rates/", "/ws/rates", "/rpc"]) {
            for (const origin of OTHERS) {
              const { body, headers, status } = yield* upgrade(path, { Origin: origin })
              assert.strictEqual(status, 403, `${path} ${origin}`)
              assert.strictEqual(headers.get("content-type"), "application/problem+json")
              assert.include(body, '"code":"forbidden"')
            }
            for (const headers of [
              ...origins.map((Origin) => ({ Origin })),
              { Origin: "http://localhost" },
              {}
            ])
              assert.strictEqual((yield* upgrade(path, headers)).status, 101, JSON.stringify(headers))
          }
        })
      )
    }
  )
}
