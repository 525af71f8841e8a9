import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as LookupFastPath from "../../../src/server/fastpath/LookupFastPath.ts"
import { answerTo, type Asked, bothWays, bytesOf, frontAlone } from "../../support/FastPathComparison.ts"
import * as RawHttp from "../../support/RawHttp.ts"
import { failing, rate, TestProvider } from "../../support/TestProvider.ts"
import { get, TestServer } from "../../support/TestServer.ts"

const LOOKUP = "/api/v1/rates?from=USD&to=NGN"
const TRACE = "0af7651916cd43dd8448eb211c80319c"

const lookup = (isPlain: boolean, changes: Partial<Asked> = {}): Asked => ({
  isPlain,
  target: LOOKUP,
  method: "GET",
  version: "1.1",
  headers: {},
  body: "",
  ...changes
})

const plain = (changes?: Partial<Asked>) => lookup(true, changes)
const other = (changes?: Partial<Asked>) => lookup(false, changes)

/** Every kind of lookup, the headers that could change its answer, and what is no lookup. */
const LOOKUPS: ReadonlyArray<Asked> = [
  plain(),
  plain({ target: "/api/v1/rates?from=EUR&to=ZMW" }),
  plain({ headers: { "x-request-id": "order-1042:7.a_B" } }),
  plain({ headers: { "x-request-id": "<script>" } }),
  plain({ headers: { traceparent: `00-${TRACE}-b7ad6b7169203331-01` } }),
  plain({ headers: { traceparent: "00-nonsense" } }),
  plain({ headers: { accept: "text/html", "accept-encoding": "gzip, br", cookie: "a=b", te: "trailers" } }),
  plain({ headers: { range: "bytes=0-3", "if-modified-since": "Sat, 21 Nov 2026 03:27:17 GMT" } }),
  other({ headers: { connection: "close" } }),
  plain({ headers: { upgrade: "websocket", connection: "upgrade" } }),
  other({ version: "1.0" }),
  plain({ version: "1.0", headers: { connection: "keep-alive" } }),
  other({ headers: { origin: "https://shop.example" } }),
  plain({ headers: { origin: "https://evil.example" } }),
  other({ headers: { "x-forwarded-for": "192.0.2.7" } }),
  other({ headers: { "if-none-match": `"another"` } }),
  other({ headers: { "if-none-match": "*" } }),
  other({ headers: { authorization: "Bearer efx_test_wrong" } }),
  other({ headers: { authorization: "Basic YTpi" } }),
  other({ headers: { "content-length": "2" }, body: "{}" }),
  other({ headers: { "transfer-encoding": "chunked" }, body: "0\r\n\r\n" }),
  other({ headers: { "content-length": "70000" } }),
  other({ headers: { expect: "100-continue" } }),
  other({ method: "HEAD" }),
  other({ method: "POST" }),
  other({ method: "OPTIONS", headers: { origin: "https://shop.example" } }),
  other({ target: "/api/v1/rates?from=usd&to=ngn" }),
  other({ target: "/api/v1/rates?to=NGN&from=USD" }),
  other({ target: "/api/v1/rates/?from=USD&to=NGN" }),
  other({ target: "/api/v1/rates?from=%55SD&to=NGN" }),
  other({ target: `http://elsewhere.example${LOOKUP}` }),
  other({ target: `${LOOKUP}&max_age=60%20seconds` }),
  other({ target: `${LOOKUP}&max_age=never` }),
  other({ target: `${LOOKUP}&from=EUR` }),
  other({ target: `${LOOKUP}#part` }),
  other({ target: "/api/v1/rates?from=USD" }),
  other({ target: "/api/v1/rates?from=USD&to=USD" }),
  other({ target: "/api/v1/rates?from=USD&to=XXX" }),
  other({ target: "/api/rates/?source_currency=USD&destination_currency=NGN" })
]

const hostless = other({ headers: { host: "" } })

const askAll = Effect.forEach([...LOOKUPS, hostless], answerTo)

/** Some origins and proxies are told apart from others. */
const DISCERNING = {
  RATE_LIMIT_READS: "1000/hour",
  CORS_ORIGINS: "https://shop.example",
  TRUSTED_PROXIES: "127.0.0.1"
}
const SETTINGS = [{}, { RATE_LIMIT_READS: "5/hour" }, DISCERNING]

describe("Lookups that are answered in front of the router", () => {
  for (const env of SETTINGS) {
    it.live(`are answered as by the router, and counted: ${JSON.stringify(env)}`, () =>
      Effect.gen(function* () {
        const warm = Effect.forEach(LOOKUPS.slice(0, 2), answerTo)
        const [front, routed] = yield* bothWays(env, Effect.andThen(warm, askAll))
        assert.deepStrictEqual(front, routed)
        assert.isAbove(front?.increased.length ?? 0, 5)
      })
    )
  }

  it.live("are answered as by the router where the rate is stale, gone, or another one", () =>
    Effect.gen(function* () {
      const changing = Effect.gen(function* () {
        const provider = yield* TestProvider
        const answers = [yield* answerTo(plain()), yield* answerTo(plain())]
        yield* provider.answer(rate("1501.5"))
        yield* Effect.sleep("1100 millis")
        answers.push(yield* answerTo(plain()), yield* answerTo(plain()))
        yield* provider.answer(failing)
        yield* Effect.sleep("1100 millis")
        answers.push(
          yield* answerTo(plain()),
          yield* answerTo(plain({ target: "/api/v1/rates?from=EUR&to=ZMW" }))
        )
        return answers
      })
      const [front, routed] = yield* bothWays(
        { STALE_AFTER: "1 second", LOOKUP_BUDGET: "100 millis" },
        changing
      )
      assert.deepStrictEqual(front, routed)
      const bodies = front?.answers.map(({ answers }) => answers[0]?.body ?? "") ?? []
      assert.deepStrictEqual(
        bodies.map((body) => [/"rate":"[^"]*"/.exec(body)?.[0], body.includes(`"stale":true`)]),
        [
          [`"rate":"1500"`, false],
          [`"rate":"1500"`, false],
          [`"rate":"1501.5"`, false],
          [`"rate":"1501.5"`, false],
          [`"rate":"1501.5"`, true],
          [undefined, false]
        ]
      )
    })
  )

  it.live("come one after another over one connection, in order", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      yield* get(LOOKUP)
      const asked = [
        plain(),
        other({ target: "/api/v1/rates?from=usd&to=ngn" }),
        plain(),
        other({ method: "POST" }),
        plain()
      ]
      const { answers } = yield* RawHttp.exchange(port, asked.map(bytesOf).join(""), {
        answers: asked.length
      })
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        [200, 200, 200, 405, 200]
      )
      assert.strictEqual(
        new Set(answers.map(({ headers }) => headers.get("x-request-id"))).size,
        asked.length
      )
    }).pipe(Effect.provide(TestServer.layer()))
  )

  it.live("are the plain ones, and no others", () =>
    Effect.gen(function* () {
      yield* get(LOOKUP)
      yield* get("/api/v1/rates?from=EUR&to=ZMW")
      const port = yield* frontAlone(LookupFastPath.layer)
      for (const asked of [...LOOKUPS, hostless]) {
        const bodiless = asked.method === "HEAD"
        const { answers } = yield* RawHttp.exchange(port, bytesOf(asked), { bodiless })
        assert.strictEqual(answers[0]?.status === 200, asked.isPlain, bytesOf(asked))
      }
    }).pipe(Effect.scoped, Effect.provide(TestServer.layer(DISCERNING)))
  )
})
