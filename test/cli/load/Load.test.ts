import { NodeServices } from "@effect/platform-node"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, FileSystem, Option, Path } from "effect"
import * as LoadReport from "../../../src/cli/load/LoadReport.ts"
import * as Mix from "../../../src/cli/load/Mix.ts"
import * as OpenLoop from "../../../src/cli/load/OpenLoop.ts"
import { type Operation, percentile, type Sample } from "../../../src/cli/load/Samples.ts"
import * as LoadClient from "../../../src/cli/load/LoadClient.ts"
import { TestClock } from "effect/testing"
import * as EffexCommand from "../../support/EffexCommand.ts"
import * as ScriptedServer from "../../support/ScriptedServer.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

describe("effex load", () => {
  it.live("measures every operation of a running server, with users of its own, and writes a report", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const { url } = yield* EffexCommand.serve({
        DATABASE_URL: yield* TestDatabase.create,
        LOG_LEVEL: "info"
      })
      const report = path.join(yield* fs.makeTempDirectoryScoped(), "report.html")
      const args = ["--url", url, "--clients", "2", "--requests", "40", "--rate", "40", "--report", report]
      const { code, output } = yield* EffexCommand.exec(["load", ...args], { LOG_LEVEL: "warn" })
      assert.strictEqual(code, 0, output)
      assert.include(output, "2 of 2 users registered")
      for (const operation of ["lookup", "conversion", "transfer", "order", "stream"])
        assert.match(output, new RegExp(`^${operation} +[1-9]\\d* .* 0$`, "m"), output)
      assert.match(output, /^all +80 .* 0$/m)

      const html = yield* fs.readFileString(report)
      assert.lengthOf(html.match(/<svg /g) ?? [], 4)
      assert.include(html, "prefers-color-scheme: dark")
      assert.include(html, "No request failed")
      // Nothing is loaded from elsewhere.
      assert.notMatch(html, /<script|<link|src=|url\(/)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.live("names what is wrong with its arguments and with the server", () =>
    Effect.gen(function* () {
      const cases = [
        [["--clients", "1"], "at least 2"],
        [["--mix", "lookup=0"], Mix.DEFAULT_MIX],
        [["--mix", "withdrawal=1"], Mix.DEFAULT_MIX],
        [["--url", "http://127.0.0.1:9"], "no response from http://127.0.0.1:9: connect ECONNREFUSED"]
      ] as const
      for (const [args, message] of cases) {
        const { code, output } = yield* EffexCommand.exec(["load", ...args])
        assert.strictEqual(code, 1, output)
        assert.include(output, message)
      }
    })
  )
})

/** A server on which registration, deposits and reads succeed. `lookup` answers lookups, and `deposit` the first deposit. */
const scripted = (
  lookup: ScriptedServer.Respond,
  deposit: ScriptedServer.Respond = ScriptedServer.silence
) => {
  let deposits = 0
  return ScriptedServer.listen((response, request) => {
    const respond = (body: object) => ScriptedServer.json(200, body)(response, request)
    if (request.path === "/api/v1/accounts/auth/register")
      return respond({ access: "access", refresh: "refresh", expires_in: 900 })
    if (request.path === "/api/v1/accounts/wallet/deposit")
      return deposits++ === 0 && deposit !== ScriptedServer.silence
        ? deposit(response, request)
        : respond({ state: "completed" })
    if (request.path.startsWith("/api/v1/rates/all")) return respond({ rates: [{ from: "USD", to: "NGN" }] })
    if (request.path.startsWith("/api/v1/exchanges")) return ScriptedServer.json(200, [])(response, request)
    return lookup(response, request)
  })
}

describe("effex load of a server that fails", () => {
  const load = Effect.fnUntraced(function* (url: string) {
    const fs = yield* FileSystem.FileSystem
    const report = `${yield* fs.makeTempDirectoryScoped()}/report.html`
    const args = ["--url", url, "--clients", "2", "--requests", "2", "--rate", "100", "--mix", "lookup=1"]
    const result = yield* EffexCommand.exec(["load", ...args, "--report", report])
    return { ...result, html: yield* fs.readFileString(report) }
  }, Effect.provide(NodeServices.layer))

  it.live("exits with 1 and says why requests failed", () =>
    Effect.gen(function* () {
      const { url } = yield* scripted(ScriptedServer.problem(503, "store-unavailable", true))
      const { code, html, output } = yield* load(url)
      assert.strictEqual(code, 1, output)
      assert.include(output, "4 × lookup: 503 store-unavailable (about store-unavailable)")
      assert.include(output, "4 of 4 requests failed")
      assert.include(html, "503 store-unavailable")
    }).pipe(Effect.scoped)
  )

  it.live("exits with 0 if only limits of the server refused requests", () =>
    Effect.gen(function* () {
      const { url } = yield* scripted(ScriptedServer.problem(429, "rate-limited", true))
      const { code, output } = yield* load(url)
      assert.strictEqual(code, 0, output)
      assert.include(output, "4 × lookup: 429 rate-limited")
    }).pipe(Effect.scoped)
  )

  it.live("registers a user once, also if the server has no time for the deposit", () =>
    Effect.gen(function* () {
      const ok = ScriptedServer.json(200, {})
      const { requests, url } = yield* scripted(ok, ScriptedServer.problem(503, "overloaded", true))
      const { code, output } = yield* load(url)
      assert.strictEqual(code, 0, output)
      const count = (end: string) => requests.filter(({ path }) => path.endsWith(end)).length
      assert.deepStrictEqual([count("/register"), count("/deposit")], [2, 3])
    }).pipe(Effect.scoped)
  )
})

describe("LoadClient", () => {
  it.live("names the status and the problem, or the transport error, of a failed request", () =>
    Effect.gen(function* () {
      const { url } = yield* ScriptedServer.listen(
        ScriptedServer.problem(503, "overloaded", true),
        (response) => response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad gateway</h1>"),
        ScriptedServer.reset,
        (response) => {
          response.writeHead(200, { "content-length": "100" }).write("{", () => response.destroy())
        }
      )
      const client = yield* LoadClient.make(url)
      const fail = Effect.flip(client.send({ method: "GET", path: "/rates" }))
      const failures = [yield* fail, yield* fail, yield* fail, yield* fail]
      assert.deepStrictEqual(
        failures.map(({ detail, reason }) => [reason, detail]),
        [
          ["503 overloaded", "about overloaded"],
          ["502 unexpected-response", "<h1>Bad gateway</h1>"],
          ["UND_ERR_SOCKET", `no response from ${url}: other side closed`],
          ["200 UND_ERR_SOCKET", "the response ended early: other side closed"]
        ]
      )
    }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layerUndici))
  )
})

describe("OpenLoop", () => {
  it.effect("measures from the time at which a request was due, also while the server stalls", () =>
    Effect.gen(function* () {
      // The server answers nothing in the first second, and everything at once afterwards.
      const run = yield* Effect.forkChild(
        OpenLoop.run({
          requests: 20,
          rate: 10,
          pick: () => "lookup",
          perform: (_, index) => (index < 10 ? Effect.sleep(1000 - index * 100) : Effect.void),
          onProgress: () => Effect.void
        })
      )
      yield* TestClock.adjust("3 seconds")
      const { samples } = yield* Fiber.join(run)
      assert.deepStrictEqual(
        samples.map(({ dueAt, latency }) => [dueAt, latency]),
        Array.from({ length: 20 }, (_, n) => [n * 100, n < 10 ? 1000 - n * 100 : 0])
      )
    })
  )

  it.effect("records why requests failed", () =>
    Effect.gen(function* () {
      const run = yield* Effect.forkChild(
        OpenLoop.run({
          requests: 3,
          rate: 10,
          pick: () => "order",
          perform: (_, index) =>
            index === 1
              ? new LoadClient.RequestFailed({ code: "insufficient-funds", status: 402, detail: "" })
              : Effect.void,
          onProgress: () => Effect.void
        })
      )
      yield* TestClock.adjust("1 second")
      const { samples } = yield* Fiber.join(run)
      assert.deepStrictEqual(
        samples.map(({ failure }) => failure?.reason),
        [undefined, "402 insufficient-funds", undefined]
      )
    })
  )
})

describe("LoadReport", () => {
  const sample = (
    operation: Operation,
    dueAt: number,
    latency: number,
    failure?: LoadClient.RequestFailed
  ): Sample => ({
    operation,
    dueAt,
    latency,
    failure
  })

  it("summarizes each operation and escapes what the server said", () => {
    const samples = Array.from({ length: 100 }, (_, n) => sample("lookup", n * 10, n + 1))
    const failure = new LoadClient.RequestFailed({ code: "<script>", status: 502, detail: "<b>" })
    const failed = sample("order", 500, 7, failure)
    const [lookup, order, all] = LoadReport.rowsOf({ samples: [...samples, failed] })
    assert.deepInclude(lookup, {
      operation: "lookup",
      requests: "100",
      p50: "50",
      p90: "90",
      p99: "99",
      max: "100"
    })
    assert.deepInclude(order, { operation: "order", requests: "1", failed: "1" })
    assert.deepInclude(all, { operation: "all", requests: "101", failed: "1" })
    const html = LoadReport.toHtml({
      url: "http://127.0.0.1:8000/?a=<b>",
      startedAt: new Date(0),
      clients: 2,
      rate: 100,
      seconds: 1,
      samples: [...samples, failed]
    })
    assert.notInclude(html, "<script>")
    assert.notInclude(html, "<b>")
    assert.notInclude(html, "NaN")
    assert.notInclude(html, "Infinity")
  })

  it("computes percentiles by the nearest rank", () => {
    assert.strictEqual(percentile([1, 2, 3, 4], 0.5), 2)
    assert.strictEqual(percentile([1, 2, 3, 4], 0.51), 3)
    assert.strictEqual(percentile([1], 0.999), 1)
  })

  it("chooses operations in proportion to their weights", () => {
    const mix = Option.getOrThrow(Mix.parse("lookup=3, order=1"))
    assert.deepStrictEqual(
      [0, 0.7499, 0.75, 0.9999].map((place) => Mix.pick(mix, place)),
      ["lookup", "lookup", "order", "order"]
    )
    for (const text of ["", "lookup", "lookup=1,lookup=2", "lookup=-1", "refund=1", "lookup=0"])
      assert.isTrue(Option.isNone(Mix.parse(text)), text)
  })
})
