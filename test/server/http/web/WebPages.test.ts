import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestServer } from "../../../support/TestServer.ts"
import { RatePoller } from "../../../../src/rates/polling/RatePoller.ts"
import * as InlinedRates from "../../../../src/server/http/web/InlinedRates.ts"
import * as PageRenderer from "../../../../src/server/http/web/PageRenderer.ts"
import * as PageTemplate from "../../../../src/server/http/web/PageTemplate.ts"
import * as WebPages from "../../../../src/server/http/web/WebPages.ts"

const bytes = (text: string) => ({
  contentType: "",
  hash: "",
  isImmutable: true,
  bodies: { identity: new TextEncoder().encode(text) }
})

/** A built app with a page of its own for pairs. */
const FILES = {
  index:
    '<html><head><title>effex</title><link rel="stylesheet" crossorigin href="/assets/app.css"></head><body><div id="app"></div><!-- rates --></body></html>',
  manifest: {
    "index.html": { file: "assets/app.js", css: ["assets/app.css"] },
    "src/pages/PricesPage.vue": {
      file: "assets/prices.js",
      imports: ["index.html"],
      css: ["assets/prices.css"]
    },
    "src/pages/PairPage.vue": {
      file: "assets/pair.js",
      imports: ["index.html", "_chart.js"],
      css: ["assets/pair.css"]
    },
    "_chart.js": { file: "assets/chart.js", css: ["assets/chart.css"] }
  },
  files: new Map([
    ["/assets/app.css", bytes("a{color:red}")],
    ["/assets/prices.css", bytes("d{color:red}")],
    ["/assets/pair.css", bytes("b{color:red}")],
    ["/assets/chart.css", bytes("c{color:red}")]
  ])
}

const PAGE = { title: "USD to NGN · <effex>", html: "<p>$& costs $1</p>" }

describe("A rendered page", () => {
  const { board, pair, prices } = PageTemplate.make(FILES)

  it("has its content, title, data and styles, and names the styles that it need not load", () => {
    const html = board.document(PAGE, '{"at":"$&"}')
    assert.include(html, '<div id="app"><p>$& costs $1</p></div>')
    assert.include(html, "<title>USD to NGN · &lt;effex></title>")
    assert.include(html, '<script type="application/json" id="rates">{"at":"$&"}</script>')
    assert.include(html, "<style>a{color:red}</style>")
    assert.include(html, '<link rel="stylesheet" href="/assets/app.css" disabled>')
    assert.notInclude(html, '<link rel="stylesheet" crossorigin')
  })

  it("of prices has their styles, and loads their script early", () => {
    const html = prices.document(PAGE, "{}")
    assert.include(html, "<style>a{color:red}\nd{color:red}</style>")
    assert.include(html, '<link rel="modulepreload" crossorigin href="/assets/prices.js">')
    assert.notInclude(html, "pair.js")
  })

  it("of a pair has the styles of everything that it imports, and loads its scripts early", () => {
    const html = pair.document(PAGE, "{}")
    assert.include(html, "<style>a{color:red}\nc{color:red}\nb{color:red}</style>")
    assert.include(html, '<link rel="modulepreload" crossorigin href="/assets/pair.js">')
    assert.include(html, '<link rel="modulepreload" crossorigin href="/assets/chart.js">')
    assert.notInclude(html, 'href="/assets/app.js"')
    assert.notStrictEqual(pair.styleSource, board.styleSource)
  })

  it("exists for lists and known pairs, in every spelling of their paths", () => {
    const pairs = new Set(["USD:NGN", "BRK.B:USD"])
    const paths = {
      "/": "/",
      "/crypto/": "/crypto",
      "/rates/USD/NGN": "/rates/USD/NGN",
      "/rates/usd/ngn/": "/rates/USD/NGN",
      "/rates/BRK.B/USD": "/rates/BRK.B/USD",
      "/rates/NGN/USD": undefined,
      "/wallet": undefined,
      "/rates": undefined
    }
    for (const [path, expected] of Object.entries(paths))
      assert.strictEqual(WebPages.renderedPath(path, pairs), expected, path)
  })
})

describe("A renderer", () => {
  it.effect("renders nothing if it is missing, throws, or returns something else", () =>
    Effect.gen(function* () {
      const missing = yield* PageRenderer.makeOf(() => Promise.reject(new Error("missing")))
      assert.isTrue(Option.isNone(yield* missing("/", "{}")))
      const broken = yield* PageRenderer.makeOf(async () => () => {
        throw new Error("broken")
      })
      assert.isTrue(Option.isNone(yield* broken("/", "{}")))
      const wrong = yield* PageRenderer.makeOf(async () => () => ({ html: 1 }))
      assert.isTrue(Option.isNone(yield* wrong("/", "{}")))
    })
  )

  it.effect("renders one page at a time", () =>
    Effect.gen(function* () {
      let running = 0
      const render = yield* PageRenderer.makeOf(async () => async (path) => {
        assert.strictEqual(++running, 1)
        await Promise.resolve()
        running--
        return { title: path, html: "" }
      })
      const pages = yield* Effect.all([render("/a", "{}"), render("/b", "{}")], { concurrency: 2 })
      assert.deepStrictEqual(
        pages.map((page) => Option.getOrThrow(page).title),
        ["/a", "/b"]
      )
    })
  )
})

layer(TestServer.layer(), { excludeTestServices: true })("The pages", (it) => {
  it.effect("are sent without content if they cannot be rendered, with another ETag", () =>
    Effect.gen(function* () {
      const none = yield* WebPages.make(FILES, () => Effect.succeedNone)
      const some = yield* WebPages.make(FILES, () => Effect.succeedSome(PAGE))
      const [shell, page] = [yield* none("/"), yield* some("/")]
      const text = new TextDecoder().decode(yield* shell.bodies.identity)
      assert.include(text, '<div id="app"></div>')
      assert.include(text, '<link rel="stylesheet" crossorigin href="/assets/app.css">')
      assert.isUndefined(shell.styleSource)
      assert.isDefined(page.styleSource)
      assert.notStrictEqual(shell.hash, page.hash)
    })
  )

  it.effect("are rendered once for many concurrent requests", () =>
    Effect.gen(function* () {
      const rendered: Array<string> = []
      const pageOf = yield* WebPages.make(FILES, (path) => {
        rendered.push(path)
        return Effect.succeedSome(PAGE)
      })
      const many = Array.from({ length: 20 }, () => pageOf("/"))
      const pages = yield* Effect.all(many, { concurrency: "unbounded" })
      assert.strictEqual(new Set(pages).size, 1)
      yield* pageOf("/wallet")
      assert.deepStrictEqual(rendered, ["/"])
    })
  )

  it.effect("are kept for a bounded number of pairs", () =>
    Effect.gen(function* () {
      const { pollOnce } = yield* RatePoller
      yield* pollOnce()
      const { pairs } = yield* (yield* InlinedRates.make).encoded
      const paths = Array.from(pairs, (pair) => `/rates/${pair.replace(":", "/")}`)
      assert.isAbove(paths.length, WebPages.MAX_PAGES)
      const rendered: Array<string> = []
      const pageOf = yield* WebPages.make(FILES, (path) => {
        rendered.push(path)
        return Effect.succeedSome(PAGE)
      })
      yield* Effect.forEach(paths, pageOf, { discard: true })
      const [first = "", last = ""] = [paths.at(0), paths.at(-1)]
      yield* pageOf(last)
      yield* pageOf(first)
      assert.deepStrictEqual(rendered, [...paths, first])
    })
  )
})
