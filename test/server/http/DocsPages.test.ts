import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { brotliDecompressSync, gunzipSync } from "node:zlib"
import { exhaust } from "../../support/RateLimitExhaustion.ts"
import * as RawHttp from "../../support/RawHttp.ts"
import { get, TestServer } from "../../support/TestServer.ts"

const PAGES = ["/", "/docs", "/openapi.json", "/api/v1/swagger/", "/api/v1/redoc/"]

/** Sends a request with raw bytes of the body as Latin-1, which `fetch` would decompress. */
const getRaw = Effect.fnUntraced(function* (path: string, headers: Readonly<Record<string, string>>) {
  const { port } = yield* TestServer
  const lines = Object.entries({ host: "localhost", connection: "close", ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")
  const { responses } = yield* RawHttp.exchange(port, `GET ${path} HTTP/1.1\r\n${lines}\r\n`)
  const [response = assert.fail(`no response from ${path}`)] = responses
  return { ...response, bytes: Buffer.from(response.body, "latin1") }
})

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

layer(TestServer.layer(), { excludeTestServices: true })("Static content", (it) => {
  it.effect("is compressed as the client prefers, with an ETag for each encoding", () =>
    Effect.gen(function* () {
      for (const path of PAGES) {
        const plain = yield* getRaw(path, {})
        const gzip = yield* getRaw(path, { "accept-encoding": "deflate, GZIP;q=0.5, br;q=0" })
        const brotli = yield* getRaw(path, { "accept-encoding": "gzip, deflate, br, zstd" })
        assert.deepStrictEqual(
          [plain, gzip, brotli].map(({ headers }) => headers.get("content-encoding")),
          [undefined, "gzip", "br"]
        )
        assert.strictEqual(sha256(gunzipSync(gzip.bytes)), sha256(plain.bytes))
        assert.strictEqual(sha256(brotliDecompressSync(brotli.bytes)), sha256(plain.bytes))
        assert.isBelow(brotli.bytes.length, plain.bytes.length * 0.7)
        const etags = [plain, gzip, brotli].map(({ headers }) => headers.get("etag") ?? "")
        assert.strictEqual(new Set(etags).size, 3)
        for (const { headers } of [plain, gzip, brotli]) {
          assert.include(headers.get("vary"), "Accept-Encoding")
          assert.strictEqual(headers.get("cache-control"), "public, max-age=300")
        }
        const unchanged = yield* getRaw(path, { "accept-encoding": "gzip", "if-none-match": etags[1] ?? "" })
        assert.strictEqual(unchanged.status, 304)
        assert.strictEqual(unchanged.headers.get("etag"), etags[1])
        assert.lengthOf(unchanged.body, 0)
      }
    })
  )

  it.effect("of the start page is JSON, or HTML for a browser", () =>
    Effect.gen(function* () {
      const json = yield* get("/")
      assert.strictEqual(json.headers.get("content-type"), "application/json")
      assert.strictEqual(json.headers.get("vary"), "Accept, Accept-Encoding")
      const links = Object.values(json.json).filter((value) => String(value).startsWith("/"))
      assert.isAtLeast(links.length, 5)
      const html = yield* get("/", { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } })
      assert.strictEqual(html.headers.get("content-type"), "text/html; charset=utf-8")
      for (const link of links) {
        assert.include(html.text, `href="${String(link)}"`)
        assert.notStrictEqual((yield* get(String(link))).status, 404)
      }
    })
  )
})

layer(TestServer.layer({ RATE_LIMIT_READS: "5/hour" }), { excludeTestServices: true })(
  "The rate limit of pages",
  (it) => {
    it.effect("counts everything that no endpoint counts, separately from reads", () =>
      Effect.gen(function* () {
        const { port } = yield* TestServer
        const targets = [
          "/docs",
          "/metrics",
          "/openapi.json",
          "/",
          "/health/live",
          "/nothing",
          "//",
          "/%6detrics"
        ]
        const one = (target: string) => `GET ${target} HTTP/1.1\r\nhost: localhost\r\n\r\n`
        const tooLarge = "POST /api/v1/convert HTTP/1.1\r\nhost: localhost\r\ncontent-length: 70000\r\n\r\n"
        for (const request of [tooLarge, ...targets.map(one)]) {
          yield* exhaust("pages", "127.0.0.1")
          const [response] = (yield* RawHttp.exchange(port, request)).responses
          assert.strictEqual(response?.status, 429, request)
          assert.match(response?.headers.get("ratelimit-policy") ?? "", /^"pages";q=600;w=60$/)
          assert.isAtLeast(Number(response?.headers.get("retry-after")), 1)
        }
        assert.strictEqual((yield* get("/api/v1/currencies")).status, 200)
      })
    )
  }
)
