import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { createServer, type RequestListener } from "node:http"
import { TestServer } from "../support/TestServer.ts"
import { take } from "./Answer.ts"
import * as Checks from "./Checks.ts"
import * as RandomChoice from "./RandomChoice.ts"
import * as Document from "./Document.ts"
import * as RequestDraft from "./RequestDraft.ts"
import * as Fuzzer from "./Fuzzer.ts"
import * as ResponseIds from "./ResponseIds.ts"
import * as Requests from "./Requests.ts"
import * as Target from "./Target.ts"
import * as RawRequests from "./RawRequests.ts"

const progress = () => Effect.void

layer(TestServer.layer({ RATE_LIMIT_READS: "off", RATE_LIMIT_WRITES: "off" }), { excludeTestServices: true })(
  "A server that is asked everything of its document",
  (it) => {
    it.effect(
      "breaks no promise",
      () =>
        Effect.gen(function* () {
          const { get, log, url } = yield* TestServer
          // A rate of every pair that is asked for most, since nothing polls here.
          for (const from of ["USD", "EUR"]) yield* get(`/api/v1/rates?from=${from}&to=NGN`)
          const target = {
            url,
            key: undefined,
            errors: Effect.sync(() => log.filter((line) => /Unforeseen|"level":"(ERROR|FATAL)"/.test(line))),
            isRunning: Effect.succeed(true),
            memory: Effect.succeedNone
          }
          const report = yield* Fuzzer.run({ target, requests: 2_000, seed: "42", connections: 8, progress })
          const told = Array.from(report.violations.values(), ({ detail, kind, sent }) =>
            [kind, detail, sent && RequestDraft.reproduce(sent, report.address)].join("\n")
          )
          assert.deepStrictEqual(told, [])
          assert.strictEqual(report.requests, 2_000)
          // It came as far as to use what it was told: conversions, their receipts, quotes.
          for (const name of [
            "POST /api/v1/convert",
            "GET /api/v1/audit/conversions/{audit_id}",
            "GET /api/v1/quotes/{quote_id}"
          ])
            assert.isAbove(report.answers.get(name)?.get("200") ?? 0, 0, name)
        }).pipe(Effect.provide(NodeHttpClient.layerUndici)),
      240_000
    )
  }
)

const thing = { type: "object", properties: { thing_id: { type: "string" } }, required: ["thing_id"] }
const problem = { type: "object", properties: { code: { type: "string" } } }
const json = (schema: object) => ({ content: { "application/json": { schema } } })

/** A small API, which knows things by their ids. */
const DOCUMENT = {
  paths: {
    "/things": {
      get: {
        parameters: [{ name: "size", in: "query", schema: { type: "string", pattern: "^\\d{1,3}$" } }],
        responses: {
          "200": json(thing),
          "400": { content: { "application/problem+json": { schema: problem } } }
        }
      }
    },
    "/things/{thing_id}": {
      post: {
        parameters: [{ name: "thing_id", in: "path", required: true, schema: { type: "string" } }],
        requestBody: json({ type: "object", properties: { note: { type: "string" } }, required: ["note"] }),
        responses: { "200": json(thing) }
      }
    }
  },
  components: { schemas: {} }
}

const answerOf = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) => {
  const text = JSON.stringify(body)
  const lines = Object.entries({
    "Content-Type": "application/json",
    ...headers,
    "Content-Length": `${text.length}`
  })
  const head = [`HTTP/1.1 ${status} Status`, ...lines.map((line) => line.join(": ")), "", ""].join("\r\n")
  return take(Buffer.from(head + text), "GET", false)?.answer ?? assert.fail()
}

describe("The checks of an answer", () => {
  const faultsOf = Effect.fnUntraced(function* (
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
      apart: false
    }
    const exchange = { answers: [answerOf(status, body, headers)], millis: 1, end: "answered" as const }
    return Checks.make(document)(RequestDraft.render(draft, 1, "localhost"), exchange).map(({ kind }) => kind)
  })
  const type = { "Content-Type": "application/problem+json" }
  const told = {
    type: "urn:effex:problem:invalid-request",
    title: "The request is not valid",
    status: 400,
    detail: "no",
    instance: "/things",
    code: "invalid-request",
    retryable: false,
    trace_id: "0".repeat(32)
  }

  it.effect("find nothing where all is as it is documented", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* faultsOf(200, { thing_id: "a" }), [])
      assert.deepStrictEqual(yield* faultsOf(400, told, type), [])
    })
  )

  it.effect("find what is not", () =>
    Effect.gen(function* () {
      const some = (pattern: RegExp) => (faults: ReadonlyArray<string>) =>
        assert.isTrue(
          faults.some((fault) => pattern.test(fault)),
          `${pattern.source}: ${faults.join("; ")}`
        )
      some(/fails with 500/)(yield* faultsOf(500, told, type))
      some(/status 418 is not documented/)(yield* faultsOf(418, told, type))
      some(/does not fit its schema/)(yield* faultsOf(200, { thing_id: 1 }))
      some(/text\/html is not documented/)(yield* faultsOf(200, {}, { "Content-Type": "text/html" }))
      some(/a problem without trace_id/)(yield* faultsOf(400, { ...told, trace_id: undefined }, type))
      some(/another status/)(yield* faultsOf(400, { ...told, status: 404 }, type))
      some(/tells "node_modules"/)(yield* faultsOf(200, { thing_id: "/srv/node_modules/x" }))
    })
  )
})

describe("The requests of a document", () => {
  const requestsOf = Effect.fnUntraced(function* (seed: string) {
    const harvest = ResponseIds.make()
    harvest.reap({ data: [{ thing_id: "told" }] })
    const draft = Requests.make(yield* Document.read(DOCUMENT, seed), harvest)
    return yield* Effect.forEach(Array.from({ length: 500 }), (_, number) =>
      Effect.map(RandomChoice.make(`${seed}/${number}`), (dice) =>
        RequestDraft.render(draft(dice), number, "localhost")
      )
    )
  })

  it.effect("are the same for a seed, and others for another", () =>
    Effect.gen(function* () {
      const bytesOf = (some: ReadonlyArray<RequestDraft.Sent>) =>
        some.map(({ bytes }) => bytes.toString("latin1"))
      const first = bytesOf(yield* requestsOf("1"))
      assert.deepStrictEqual(bytesOf(yield* requestsOf("1")), first)
      assert.notDeepEqual(bytesOf(yield* requestsOf("2")), first)
    })
  )

  it.effect("ask for every operation, and for what an answer told", () =>
    Effect.gen(function* () {
      const names = (yield* requestsOf("1")).map(({ name }) => name)
      assert.includeMembers(names, ["GET /things", "POST /things/{thing_id}"])
      assert.include(
        (yield* requestsOf("1")).map(({ target }) => target),
        "/things/told"
      )
    })
  )
})

/** A server that answers as it is told to. */
const listen = (answer: RequestListener) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer(answer)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.sync(() => server.close())
    ),
    (server) => {
      const address = server.address()
      return { host: "127.0.0.1", port: typeof address === "object" ? (address?.port ?? 0) : 0 }
    }
  )

describe("A server that is busy too often", () => {
  it.live("is found, although it answers what is asked again", () =>
    Effect.gen(function* () {
      let asked = 0
      const { port } = yield* listen(({ url = "" }, response) => {
        const isBusy = url.startsWith("/things") && asked++ % 2 === 0
        response.writeHead(isBusy ? 503 : 200, { "content-type": "application/json" })
        response.end(JSON.stringify(url === "/openapi.json" ? DOCUMENT : { thing_id: "a" }))
      })
      const target = Target.elsewhere(`http://127.0.0.1:${port}`, undefined)
      const report = yield* Fuzzer.run({ target, requests: 11, seed: "1", connections: 2, progress })
      assert.isAbove(report.repeated.get("503") ?? 0, 4)
      assert.isTrue(report.violations.has("late, or 503, too often"))
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )
})

describe("A connection", () => {
  const answering = (answer: string) => listen((_, response) => response.socket?.end(answer))
  const sent: RequestDraft.Sent = {
    number: 1,
    name: "one",
    method: "GET",
    target: "/",
    bytes: Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    apart: false,
    legible: true
  }

  it.live("reads chunks, and says where there is no answer, or none that is HTTP", () =>
    Effect.gen(function* () {
      const endOf = Effect.fnUntraced(function* (answer: string) {
        const wire = yield* RawRequests.make(yield* answering(answer))
        const { answers, end } = yield* wire.ask(sent)
        return [end, answers[0]?.body.toString()]
      })
      const chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
      assert.deepStrictEqual(yield* endOf(chunks), ["answered", "abc"])
      assert.deepStrictEqual(yield* endOf("HTTP/1.1 200 OK\r\n\r\nabc"), ["answered", "abc"])
      assert.deepStrictEqual(yield* endOf("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), [
        "closed",
        undefined
      ])
      assert.deepStrictEqual(yield* endOf("nonsense\r\n\r\n"), ["unreadable", undefined])
    })
  )
})

describe("A harvest", () => {
  it.effect("gives back what was told under a name, or what may be meant by it", () =>
    Effect.gen(function* () {
      const dice = yield* RandomChoice.make("1")
      const harvest = ResponseIds.make()
      assert.isUndefined(harvest.draw(dice, "quote_id"))
      harvest.reap({ data: [{ audit_id: "a" }], next: "n" })
      assert.strictEqual(harvest.draw(dice, "cursor"), "n")
      assert.strictEqual(harvest.draw(dice, "audit_id"), "a")
      assert.strictEqual(harvest.draw(dice, "quote_id"), "a")
      assert.isUndefined(harvest.draw(dice, "amount"))
    })
  )
})
