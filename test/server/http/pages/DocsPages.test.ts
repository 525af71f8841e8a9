import { assert, layer } from "@effect/vitest"
import { Clock, Duration, Effect } from "effect"
import { createHash } from "node:crypto"
import { brotliDecompressSync, gunzipSync } from "node:zlib"
import { PAGE_RATE_LIMIT, RateLimits } from "../../../../src/access/RateLimits.ts"
import * as Pipelining from "../../../../src/server/node/Pipelining.ts"
import { exhaust } from "../../../support/RateLimitExhaustion.ts"
import * as RawHttp from "../../../support/RawHttp.ts"
import { get, TestServer } from "../../../support/TestServer.ts"

const PAGES = ["/", "/docs", "/docs/scalar.js", "/openapi.json", "/api/v1/swagger/", "/api/v1/redoc/"]

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

  it.effect("has the same headers for HEAD, and ignores ranges", () =>
    Effect.gen(function* () {
      for (const path of PAGES) {
        const full = yield* getRaw(path, {})
        const { port } = yield* TestServer
        const head = yield* RawHttp.exchange(
          port,
          `HEAD ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
          { bodiless: true, untilClosed: true }
        )
        assert.strictEqual(head.rest, "")
        for (const name of ["etag", "content-length", "content-type", "cache-control", "vary"])
          assert.strictEqual(
            head.responses[0]?.headers.get(name),
            full.headers.get(name),
            `${name} of ${path}`
          )
        // RFC 9110, 14.2: a server may ignore Range.
        const range = yield* getRaw(path, { range: "bytes=0-9", "if-range": full.headers.get("etag") ?? "" })
        assert.strictEqual(range.status, 200)
        assert.strictEqual(range.bytes.length, full.bytes.length)
      }
    })
  )

  it.effect("without compression is the last choice, but always available", () =>
    Effect.gen(function* () {
      const encodingOf = (acceptEncoding: string) =>
        Effect.map(getRaw("/docs", { "accept-encoding": acceptEncoding }), ({ headers, status }) => [
          status,
          headers.get("content-encoding")
        ])
      assert.deepStrictEqual(yield* encodingOf("gzip, identity;q=0"), [200, "gzip"])
      assert.deepStrictEqual(yield* encodingOf("*, identity;q=0"), [200, "br"])
      assert.deepStrictEqual(yield* encodingOf("identity;q=0"), [200, undefined])
      assert.deepStrictEqual(yield* encodingOf("identity;q=0, *;q=0"), [200, undefined])
    })
  )

  it.effect("that is unchanged leaves the connection usable", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const etag = (yield* getRaw("/docs", {})).headers.get("etag")
      const request = (path: string, headers = "") =>
        `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n`
      const { responses } = yield* RawHttp.exchange(
        port,
        [
          request("/docs", `if-none-match: ${etag}\r\n`),
          request("/api/v1/currencies"),
          request("/docs", `if-none-match: ${etag}\r\n`),
          request("/health/live")
        ].join(""),
        { responses: 4 }
      )
      assert.deepStrictEqual(
        responses.map(({ status }) => status),
        [304, 200, 304, 200]
      )
      assert.isTrue(responses.every(({ headers }) => headers.get("connection") === "keep-alive"))
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
        const pipelined = yield* RawHttp.exchange(port, one("/nothing").repeat(400), { untilClosed: true })
        assert.isAtMost(pipelined.responses.length, Pipelining.MAX_CONCURRENT_REQUESTS)
        assert.strictEqual(pipelined.responses[0]?.headers.get("connection"), "close")
        assert.strictEqual((yield* get("/api/v1/currencies")).status, 200)
      })
    )
  }
)

layer(TestServer.layer({ TRUSTED_PROXIES: "127.0.0.1", RATE_LIMIT_READS: "6000/minute" }), {
  excludeTestServices: true
})("A large page", (it) => {
  it.effect("counts by its size against the limit, but not if it is unchanged or has no body", () =>
    Effect.gen(function* () {
      const { consumeSync } = yield* RateLimits
      const tomorrow = (yield* Clock.currentTimeMillis) + Duration.toMillis("1 day")
      let host = 1
      /** Requests the page from a new address with a number of requests left, all counted in the future: see `exhaust`. */
      const getWith = Effect.fnUntraced(function* (
        remaining: number,
        headers: Readonly<Record<string, string>>,
        method = "GET"
      ) {
        const address = `192.0.2.${host++}`
        consumeSync("pages", address, tomorrow, PAGE_RATE_LIMIT.limit - remaining)
        return yield* get("/docs/scalar.js", { method, headers: { ...headers, "x-forwarded-for": address } })
      })
      const identity = { "accept-encoding": "identity" }
      const { headers } = yield* get("/docs/scalar.js", { headers: identity })
      const cost = 1 + Math.floor(Number(headers.get("content-length")) / (256 * 1024))
      assert.isAbove(cost, 10)
      assert.strictEqual((yield* getWith(cost, identity)).status, 200)
      const rejected = yield* getWith(3, identity)
      assert.strictEqual(rejected.status, 429)
      assert.strictEqual(rejected.json["code"], "rate-limited")
      assert.isNull(rejected.headers.get("etag"))
      assert.strictEqual((yield* getWith(3, identity, "HEAD")).status, 200)
      const unchanged = { ...identity, "if-none-match": headers.get("etag") ?? "" }
      assert.strictEqual((yield* getWith(3, unchanged)).status, 304)
    })
  )
})
