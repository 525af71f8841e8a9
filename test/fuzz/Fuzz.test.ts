import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { createServer, type RequestListener } from "node:http"
import * as ApiKey from "../../src/domain/access/ApiKey.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"
import * as Callers from "../support/Callers.ts"
import { tick } from "../support/RateTicks.ts"
import { TestServer } from "../support/TestServer.ts"
import { parse } from "./RawResponse.ts"
import * as Checks from "./Checks.ts"
import * as Document from "./Document.ts"
import { DOCUMENT } from "./ExampleDocument.ts"
import * as Generators from "./requests/Generators.ts"
import * as RequestDraft from "./requests/RequestDraft.ts"
import * as Fuzzer from "./Fuzzer.ts"
import * as Target from "./Target.ts"
import * as RawConnection from "./RawConnection.ts"

const progress = () => Effect.void

layer(TestServer.layer({ TRUSTED_PROXIES: "127.0.0.0/8", ORDER_MAX_PRICE_AGE: "1 hour" }), {
  excludeTestServices: true
})("Fuzzing every documented operation of a server", (it) => {
  it.effect(
    "finds no violation",
    () =>
      Effect.gen(function* () {
        const { get, log, url } = yield* TestServer
        const { authorization } = yield* Callers.withScopes(...ApiKey.Scope.literals)
        const key = authorization.slice("Bearer ".length)
        // Stores rates of the most common pairs, because this server does not poll.
        for (const from of ["USD", "EUR"]) yield* get(`/api/v1/rates?from=${from}&to=NGN`)
        const { insert } = yield* RateRepo
        for (const asset of Generators.instruments) yield* insert(yield* tick(asset, "USD", "4"))
        yield* Target.listAssets(url, key)
        const target = {
          url,
          key,
          errors: Effect.sync(() => log.filter(Target.isError)),
          isRunning: Effect.succeed(true),
          lastOutput: Effect.succeed(""),
          memory: Effect.succeedNone
        }
        const report = yield* Fuzzer.run({ target, requests: 3_000, seed: "42", connections: 8, progress })
        const violations = Array.from(report.violations.values(), ({ detail, kind, sent }) =>
          [kind, detail, sent && RequestDraft.reproduce(sent, Target.addressOf(target))].join("\n")
        )
        assert.deepStrictEqual(violations, [])
        assert.strictEqual(report.requests, 3_000)
        // The run was deep enough to reuse ids from earlier responses.
        for (const name of [
          "POST /api/v1/convert",
          "GET /api/v1/audit/conversions/{audit_id}",
          "GET /api/v1/accounts/me",
          "GET /api/v1/admin/users/{user_id}",
          "POST /api/v1/orders",
          "POST /api/v1/transfers",
          "PUT /api/v1/admin/assets/{code}",
          "PUT /api/v1/admin/risk/rules"
        ])
          assert.notInclude(report.unsuccessful, name)
      }).pipe(Effect.provide(NodeHttpClient.layerUndici)),
    240_000
  )
})

const responseOf = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) => {
  const text = JSON.stringify(body)
  const lines = Object.entries({
    "Content-Type": "application/json",
    ...headers,
    "Content-Length": `${text.length}`
  })
  const head = [`HTTP/1.1 ${status} Status`, ...lines.map((line) => line.join(": ")), "", ""].join("\r\n")
  return parse(Buffer.from(head + text), "GET", false)?.response ?? assert.fail()
}

describe("Checks", () => {
  const findingsOf = Effect.fnUntraced(function* (
    status: number,
    body: unknown,
    headers: Readonly<Record<string, string>> = {}
  ) {
    const document = yield* Document.read(DOCUMENT, "1")
    const draft: RequestDraft.RequestDraft = {
      name: "GET /things",
      operation: undefined,
      method: "GET",
      path: "/things",
      query: [],
      headers: [],
      body: undefined,
      framing: "length",
      needsOwnConnection: false
    }
    const exchange = { responses: [responseOf(status, body, headers)], millis: 1, end: "responded" as const }
    return Checks.make(document)(RequestDraft.render(draft, 1, "localhost"), exchange).map(({ kind }) => kind)
  })
  const type = { "Content-Type": "application/problem+json" }
  const problem = {
    type: "urn:effex:problem:invalid-request",
    title: "The request is invalid",
    status: 400,
    detail: "no",
    instance: "/things",
    code: "invalid-request",
    retryable: false,
    trace_id: "0".repeat(32)
  }

  it.effect("accept responses that match the document", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* findingsOf(200, { thing_id: "a" }), [])
      assert.deepStrictEqual(yield* findingsOf(400, problem, type), [])
    })
  )

  it.effect("report responses that violate the document", () =>
    Effect.gen(function* () {
      const assertSome = (pattern: RegExp) => (findings: ReadonlyArray<string>) =>
        assert.isTrue(
          findings.some((finding) => pattern.test(finding)),
          `${pattern.source}: ${findings.join("; ")}`
        )
      assertSome(/fails with 500/)(yield* findingsOf(500, problem, type))
      assertSome(/status 418 is not documented/)(yield* findingsOf(418, problem, type))
      assertSome(/does not fit its schema/)(yield* findingsOf(200, { thing_id: 1 }))
      assertSome(/text\/html is not documented/)(yield* findingsOf(200, {}, { "Content-Type": "text/html" }))
      assertSome(/a problem without trace_id/)(
        yield* findingsOf(400, { ...problem, trace_id: undefined }, type)
      )
      assertSome(/another status/)(yield* findingsOf(400, { ...problem, status: 404 }, type))
      assertSome(/leaks "node_modules"/)(yield* findingsOf(200, { thing_id: "/srv/node_modules/x" }))
    })
  )
})

describe("Document", () => {
  it.effect("finds the operation of a request by the rules of the server", () =>
    Effect.gen(function* () {
      const { at, find } = yield* Document.read(DOCUMENT, "1")
      const nameOf = (method: string, target: string) => find(method, target)?.name
      assert.strictEqual(nameOf("POST", "/things/a/?x=%41"), "POST /things/{thing_id}")
      assert.strictEqual(nameOf("HEAD", "/things"), "GET /things")
      for (const target of ["/thing%73", "/%74hings?size=1", "/things%20", "//things", "/Things"])
        assert.isUndefined(nameOf("GET", target), target)
      assert.strictEqual(at("/thing%73")?.path, "/things")
      assert.strictEqual(find("GET", "/things")?.idParameter, "thing_id")
      assert.isUndefined(find("POST", "/things/a")?.idParameter)
    })
  )
})

/** Starts an HTTP server with a request handler. */
const listen = (handler: RequestListener) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer(handler)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.sync(() => server.close())
    ),
    (server) => {
      const address = server.address()
      return { host: "127.0.0.1", port: typeof address === "object" ? (address?.port ?? 0) : 0 }
    }
  )

describe("Fuzzer", () => {
  it.live("reports a server that is busy too often, although retries succeed", () =>
    Effect.gen(function* () {
      let requestCount = 0
      const { port } = yield* listen(({ url = "" }, response) => {
        const isBusy = url.startsWith("/things") && requestCount++ % 2 === 0
        response.writeHead(isBusy ? 503 : 200, { "content-type": "application/json" })
        response.end(JSON.stringify(url === "/openapi.json" ? DOCUMENT : { thing_id: "a" }))
      })
      const target = Target.existing(`http://127.0.0.1:${port}`, undefined)
      const report = yield* Fuzzer.run({ target, requests: 11, seed: "1", connections: 2, progress })
      assert.isAbove(report.retries.get("503") ?? 0, 4)
      assert.isTrue(report.violations.has("too many timeouts and 503 responses"))
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )
})

describe("RawConnection", () => {
  const listenRaw = (text: string) => listen((_, response) => response.socket?.end(text))
  const sent: RequestDraft.RenderedRequest = {
    number: 1,
    name: "one",
    method: "GET",
    target: "/",
    bytes: Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    needsOwnConnection: false,
    isWellFormed: true
  }

  it.live("decodes chunks, and reports missing and unreadable responses", () =>
    Effect.gen(function* () {
      const outcomeOf = Effect.fnUntraced(function* (text: string) {
        const connection = yield* RawConnection.make(yield* listenRaw(text))
        const { end, responses } = yield* connection.send(sent)
        return [end, responses[0]?.body.toString()]
      })
      const chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
      assert.deepStrictEqual(yield* outcomeOf(chunks), ["responded", "abc"])
      assert.deepStrictEqual(yield* outcomeOf("HTTP/1.1 200 OK\r\n\r\nabc"), ["responded", "abc"])
      assert.deepStrictEqual(yield* outcomeOf("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), [
        "closed",
        undefined
      ])
      assert.deepStrictEqual(yield* outcomeOf("nonsense\r\n\r\n"), ["unreadable", undefined])
    })
  )
})
