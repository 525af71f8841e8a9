import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as ContentNegotiation from "../../../src/server/encoding/ContentNegotiation.ts"
import { get, TestServer } from "../../support/TestServer.ts"

const FORMATS: ReadonlyArray<readonly [accept: string, type: string]> = [
  ["text/csv", "text/csv; charset=utf-8"],
  ["Text/CSV", "text/csv; charset=utf-8"],
  ["text/csv;q=0.5, application/x-ndjson", "application/x-ndjson"],
  ["application/x-ndjson;q=0.1, text/csv;q=0.2", "text/csv; charset=utf-8"],
  ["text/*", "text/csv; charset=utf-8"],
  ["text/csv;q=0", "application/json"],
  ["text/csvx", "application/json"],
  ["x-text/csv", "application/json"],
  ["application/x-ndjson2", "application/json"],
  ["*/*", "application/json"],
  ["application/json, text/csv", "application/json"],
  ["image/png", "application/json"],
  ["nonsense", "application/json"],
  [",;q=", "application/json"]
]

const PATHS = [
  "/api/v1/rates/history?from=USD&to=NGN",
  "/api/v1/rates/history?from=USD&to=NGN&interval=1h",
  "/api/v1/audit/conversions"
]

layer(TestServer.layer(), { excludeTestServices: true })("Lists and exports", (it) => {
  it.effect("have the format that Accept prefers, and vary by it", () =>
    Effect.gen(function* () {
      for (const path of PATHS) {
        for (const [accept, type] of FORMATS) {
          const { headers, status } = yield* get(path, { headers: { accept } })
          assert.strictEqual(status, 200)
          assert.strictEqual(headers.get("content-type"), type, `${path} as ${accept}`)
          assert.strictEqual(headers.get("vary"), "Accept")
        }
      }
    })
  )

  it.effect("of the audit are not stored by caches", () =>
    Effect.gen(function* () {
      const paths = ["/api/v1/audit/conversions", "/api/v1/audit/verify", "/api/v1/polls", "/metrics"]
      for (const path of paths) {
        for (const accept of ["application/json", "text/csv"]) {
          const { headers } = yield* get(path, { headers: { accept } })
          assert.strictEqual(headers.get("cache-control"), "no-store", path)
        }
      }
    })
  )
})

layer(TestServer.layer({ CORS_ORIGINS: "https://shop.example" }), { excludeTestServices: true })(
  "A response that depends on Accept and Origin",
  (it) => {
    it.effect("varies by both", () =>
      Effect.gen(function* () {
        const exported = yield* get("/api/v1/audit/conversions")
        assert.strictEqual(exported.headers.get("vary"), "Accept, Origin")
        assert.strictEqual((yield* get("/")).headers.get("vary"), "Accept, Accept-Encoding, Origin")
      })
    )
  }
)

describe("ContentNegotiation.preferredEncoding", () => {
  it("prefers the highest quality, then the first available", () => {
    const available = ["br", "gzip", "identity"]
    const cases: ReadonlyArray<readonly [header: string | undefined, encoding: string]> = [
      [undefined, "identity"],
      ["", "identity"],
      ["gzip, deflate, br", "br"],
      ["br;q=0.5, gzip", "gzip"],
      ["GZIP", "gzip"],
      ["*", "br"],
      ["br;q=0, gzip;q=0", "identity"],
      ["zstd", "identity"],
      ["identity;q=0, *;q=0", "identity"]
    ]
    for (const [header, encoding] of cases)
      assert.strictEqual(ContentNegotiation.preferredEncoding(header, available), encoding, header)
  })
})
