import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { brotliDecompressSync } from "node:zlib"
import * as RateChanges from "../../../support/RateChanges.ts"
import * as RawHttp from "../../../support/RawHttp.ts"
import { assertProblem, get, parseJsonObject, TestServer } from "../../../support/TestServer.ts"

const BROWSER = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" }

const getPage = (path: string) => get(path, { headers: BROWSER })

const inlinedOf = (html: string) => {
  const [, json = ""] = /<script type="application\/json" id="rates">(.*?)<\/script>/s.exec(html) ?? []
  return { text: json, data: parseJsonObject(json) }
}

const assetsOf = (html: string) =>
  Array.from(html.matchAll(/(?:src|href)="(\/assets\/[^"#]+)/g), ([, path = ""]) => path)

layer(TestServer.layer({ WEB: "on" }), { excludeTestServices: true })("The web app", (it) => {
  describe("a page", () => {
    it.effect("is sent to browsers for / and for each address of the app, with the strict policy", () =>
      Effect.gen(function* () {
        for (const path of ["/", "/crypto", "/stocks", "/verify", "/rates/USD/NGN", "/rates/BRK.B/USD"]) {
          const { headers, status, text } = yield* getPage(path)
          assert.strictEqual(status, 200, path)
          assert.strictEqual(headers.get("content-type"), "text/html; charset=utf-8")
          assert.strictEqual(headers.get("cache-control"), "no-cache")
          assert.strictEqual(headers.get("cross-origin-resource-policy"), "same-origin")
          const policy = headers.get("content-security-policy") ?? ""
          assert.include(policy, "default-src 'none'")
          assert.include(policy, "require-trusted-types-for 'script'")
          assert.notInclude(policy, "unsafe")
          assert.include(text, '<div id="app">')
        }
      })
    )

    it.effect("is answered with 304 while nothing changes", () =>
      Effect.gen(function* () {
        const { headers } = yield* getPage("/")
        const again = yield* get("/", {
          headers: { ...BROWSER, "if-none-match": headers.get("etag") ?? "" }
        })
        assert.strictEqual(again.status, 304)
        assert.strictEqual(again.text, "")
      })
    )

    it.effect("is the same for many concurrent requests, which share one rendering", () =>
      Effect.gen(function* () {
        const pages = yield* Effect.all(
          Array.from({ length: 50 }, () => getPage("/")),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(new Set(pages.map(({ text }) => text)).size, 1)
      })
    )

    it.effect("is sent without rates while the database is unavailable", () =>
      Effect.gen(function* () {
        const { setDatabase } = yield* TestServer
        yield* setDatabase("down")
        const { status } = yield* Effect.ensuring(getPage("/"), setDatabase("up"))
        assert.strictEqual(status, 200)
      })
    )
  })

  describe("a file", () => {
    it.effect("with a hash in its name is compressed, immutable, and only for this origin", () =>
      Effect.gen(function* () {
        const { port } = yield* TestServer
        const paths = assetsOf((yield* getPage("/")).text)
        assert.isAtLeast(paths.length, 3)
        for (const path of paths) {
          const plain = yield* get(path, { headers: { "accept-encoding": "identity" } })
          assert.strictEqual(plain.headers.get("cache-control"), "public, max-age=31536000, immutable")
          const { responses } = yield* RawHttp.exchange(
            port,
            `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\naccept-encoding: br\r\n\r\n`
          )
          const [compressed = assert.fail(path)] = responses
          assert.strictEqual(compressed.headers.get("content-encoding"), "br", path)
          assert.strictEqual(
            brotliDecompressSync(Buffer.from(compressed.body, "latin1")).toString(),
            plain.text,
            path
          )
          assert.notStrictEqual(compressed.headers.get("etag"), plain.headers.get("etag"))
        }
      })
    )

    it.effect("that does not exist is a problem, and nothing outside of the folder is sent", () =>
      Effect.gen(function* () {
        for (const path of ["/assets/index-00000000.js", "/assets/", "/index.html.br", "/package.json"])
          assertProblem(yield* get(path), 404, "not-found")
        assertProblem(yield* get("/assets/%2e%2e/%2e%2e/package.json"), 404, "not-found")
      })
    )
  })

  describe("an unknown path", () => {
    it.effect("is the page with status 404 for browsers, and a problem for programs", () =>
      Effect.gen(function* () {
        const page = yield* getPage("/no/such/page")
        assert.strictEqual(page.status, 404)
        assert.include(page.text, '<div id="app">')
        assertProblem(yield* get("/no/such/page"), 404, "not-found")
        assertProblem(yield* getPage("/api/v1/no-such-endpoint"), 404, "not-found")
      })
    )

    it.effect("of the API stays a problem with the allowed methods, also for browsers", () =>
      Effect.gen(function* () {
        const response = yield* getPage("/api/v1/convert")
        assertProblem(response, 405, "method-not-allowed")
        assert.include(response.headers.get("allow"), "POST")
      })
    )
  })

  it.effect("leaves / as JSON for programs", () =>
    Effect.gen(function* () {
      const { json } = yield* get("/")
      assert.strictEqual(json["name"], "effex")
    })
  )
})

layer(TestServer.layer({ WEB: "on" }), { excludeTestServices: true })("The latest rates", (it) => {
  it.effect("are in the page as JSON in which nothing ends the element", () =>
    Effect.gen(function* () {
      const { rate_id } = yield* RateChanges.change("USD:NGN", "1528.0351515")
      const { text } = yield* getPage("/")
      const { data, text: json } = inlinedOf(text)
      assert.notInclude(json, "<")
      assert.include(json, `"rate":"1528.0351515","rate_id":"${rate_id}"`)
      assert.isArray(data["assets"])
      assert.deepInclude(data["bases"], "USD")
    })
  )
})

layer(TestServer.layer({ WEB: "on", RATE_LIMIT_READS: "100/minute" }), { excludeTestServices: true })(
  "The web app with a low limit of reads",
  (it) => {
    it.effect("can be loaded with all its files many times within a minute", () =>
      Effect.gen(function* () {
        for (let visit = 0; visit < 20; visit++) {
          const { status, text } = yield* getPage("/")
          assert.strictEqual(status, 200)
          for (const path of assetsOf(text)) assert.strictEqual((yield* get(path)).status, 200)
        }
        assert.strictEqual((yield* get("/api/v1/currencies")).status, 200)
      })
    )
  }
)

layer(TestServer.layer({ WEB: "off" }), { excludeTestServices: true })("WEB=off", (it) => {
  it.effect("serves the start page with links, and no file or page of the app", () =>
    Effect.gen(function* () {
      const { text } = yield* getPage("/")
      assert.include(text, 'href="/docs"')
      assertProblem(yield* getPage("/crypto"), 404, "not-found")
      assertProblem(yield* getPage("/favicon.svg"), 404, "not-found")
    })
  )
})
