import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "node:net"
import { AuditLog } from "../../../src/audit/AuditLog.ts"
import * as ConversionFastPath from "../../../src/server/fastpath/ConversionFastPath.ts"
import { answerTo, type Asked, bothWays, bytesOf, frontAlone } from "../../support/FastPathComparison.ts"
import * as Callers from "../../support/Callers.ts"
import * as RawHttp from "../../support/RawHttp.ts"
import { get, TestServer } from "../../support/TestServer.ts"

const TRACE = "0af7651916cd43dd8448eb211c80319c"
const UNKNOWN_ID = "01980000-0000-7000-8000-000000000000"

const json = (over: object = {}) =>
  JSON.stringify({ amount: "500.00", from_currency: "USD", to_currency: "NGN", ...over })

const conversion = (
  isPlain: boolean,
  { body = json(), headers = {}, ...changes }: Partial<Asked> = {}
): Asked => ({
  isPlain,
  target: "/api/v1/convert",
  method: "POST",
  version: "1.1",
  headers: { "content-length": String(Buffer.byteLength(body)), ...headers },
  body,
  ...changes
})

const plain = (changes?: Partial<Asked>) => conversion(true, changes)
const other = (changes?: Partial<Asked>) => conversion(false, changes)
const asking = (over: object) => plain({ body: json(over) })
const keyed = (key: string, over: object = {}) =>
  plain({ body: json(over), headers: { "idempotency-key": key } })

/** Every kind of conversion, right and wrong, and what is no plain one. */
const CONVERSIONS: ReadonlyArray<Asked> = [
  plain(),
  plain({ body: '{"to_currency":"ngn","from_currency":"usd","amount":500.00}' }),
  asking({ amount: 500 }),
  asking({
    amount: "12.34",
    amount_type: "target",
    from_currency: "EUR",
    to_currency: "XOF",
    reference: "x"
  }),
  asking({ amount: "1000", amount_type: "target", from_currency: "EUR", to_currency: "XOF" }),
  asking({ reference: "Überweisung № 7 — ₦" }),
  asking({ reference: 'order "1042", {a,b} \\ NULL' }),
  plain({ headers: { "content-type": "text/plain", accept: "text/html", cookie: "a=b" } }),
  plain({ headers: { "x-request-id": "order-1042:7.a_B" } }),
  plain({ headers: { "x-request-id": "<script>" } }),
  plain({ headers: { traceparent: `00-${TRACE}-b7ad6b7169203331-01` } }),
  keyed("order-1042"),
  keyed("order-1042"),
  keyed("order-1042", { amount: "501.00" }),
  keyed("order-1043", { amount: "0.00" }),
  keyed("order-1043"),
  keyed("k".repeat(256)),
  keyed("schlüssel"),
  asking({ amount: "0.01", from_currency: "USD", to_currency: "XOF" }),
  asking({ amount: "999999999999999999" }),
  asking({ amount: "500.001" }),
  asking({ amount: "1e3" }),
  asking({ amount: 1234567890.123456 }),
  asking({ amount: null }),
  asking({ amount_type: "both", from_currency: 7 }),
  asking({ constructor: "x" }),
  asking({ __proto__: null, surprise: true, another: 1 }),
  asking({ reference: "" }),
  asking({ reference: "a\u0000b" }),
  asking({ reference: "\ud800" }),
  asking({ to_currency: "JPY" }),
  asking({ to_currency: "XXX" }),
  asking({ to_currency: "USD" }),
  asking({ quote_id: UNKNOWN_ID }),
  asking({ quote_id: "none" }),
  plain({ body: "" }),
  plain({ body: "500" }),
  plain({ body: "[]" }),
  plain({ body: "null" }),
  plain({ body: "{" }),
  plain({ body: "\ufeff{}" }),
  plain({ body: "[".repeat(2000) }),
  plain({ headers: { authorization: "Bearer efx_test_wrong" } }),
  plain({ headers: { authorization: "Bearer" } }),
  plain({ headers: { authorization: "Basic YTpi" } }),
  other({ headers: { connection: "close" } }),
  other({ version: "1.0" }),
  other({ headers: { "content-length": "", "transfer-encoding": "chunked" }, body: "2\r\n{}\r\n0\r\n\r\n" }),
  other({ headers: { "content-length": "" }, body: "" }),
  other({ body: json({ reference: "x".repeat(70_000) }) }),
  other({ headers: { origin: "https://evil.example" } }),
  other({ headers: { origin: "https://shop.example" } }),
  other({ headers: { "x-forwarded-for": "192.0.2.7" } }),
  other({ method: "GET" }),
  other({ method: "OPTIONS", headers: { origin: "https://shop.example" } }),
  other({ target: "/api/v1/convert/" }),
  other({ target: "/api/v1/convert?a=b" })
]

/** Some origins and proxies are told apart from others. */
const DISCERNING = {
  RATE_LIMIT_WRITES: "1000/hour",
  CORS_ORIGINS: "https://shop.example",
  TRUSTED_PROXIES: "127.0.0.1"
}
const SETTINGS = [{}, { RATE_LIMIT_WRITES: "9/hour" }, DISCERNING]

const countRecords = Effect.gen(function* () {
  const audit = yield* AuditLog
  return (yield* audit.page({}, undefined, 1000)).length
})

describe("Conversions that are answered in front of the router", () => {
  for (const env of SETTINGS) {
    it.live(`are answered as by the router, counted and recorded: ${JSON.stringify(env)}`, () =>
      Effect.gen(function* () {
        const all = Effect.all([Effect.forEach(CONVERSIONS, answerTo), countRecords])
        const [front, routed] = yield* bothWays(env, all)
        assert.deepStrictEqual(front, routed)
        const statuses = new Set(front?.answers[0].map(({ answers }) => answers[0]?.status))
        assert.includeMembers([...statuses], env === SETTINGS[1] ? [200, 429] : [200, 400, 404, 413, 422])
      })
    )
  }

  it.live("are answered as by the router to whoever shows a key", () =>
    Effect.gen(function* () {
      const asAll = Effect.gen(function* () {
        const holders = [yield* Callers.holderOf("convert"), yield* Callers.holderOf("audit:read")]
        const callers = [Callers.NOBODY, ...holders, ...(yield* Callers.refused)]
        // The first time nobody is known.
        return yield* Effect.forEach([...callers, ...callers], ({ authorization = "" }) =>
          answerTo(plain({ headers: { authorization } }))
        )
      })
      const told = asAll.pipe(Effect.map((all) => all.map(({ answers, rest }) => ({ answers, rest }))))
      const [front, routed] = yield* bothWays(
        { FLUTTERWAVE_SECRET_KEY: "secret", RATE_LIMIT_WRITES: "100/hour" },
        told
      )
      assert.deepStrictEqual(front, routed)
      assert.includeMembers(front?.answers.map(({ answers }) => answers[0]?.status) ?? [], [200, 401, 403])
    })
  )

  it.live("are answered as by the router while the database is gone, or refuses", () =>
    Effect.gen(function* () {
      const failing = Effect.gen(function* () {
        const { setDatabase } = yield* TestServer
        const answers = [yield* answerTo(plain())]
        for (const state of ["down", "broken", "well"] as const) {
          yield* setDatabase(state)
          answers.push(yield* answerTo(plain()), yield* answerTo(keyed("order-1042")))
        }
        return answers
      })
      const [front, routed] = yield* bothWays({}, failing)
      assert.deepStrictEqual(front, routed)
      assert.deepStrictEqual(
        front?.answers.map(({ answers }) => answers[0]?.status),
        [200, 503, 503, 500, 500, 200, 200]
      )
    })
  )

  it.live("are logged under the id that their answers name", () =>
    Effect.gen(function* () {
      const { log, port, setDatabase } = yield* TestServer
      yield* RawHttp.exchange(port, bytesOf(plain()))
      yield* setDatabase("broken")
      const { answers } = yield* RawHttp.exchange(port, bytesOf(plain()))
      yield* setDatabase("well")
      const id = answers[0]?.headers.get("x-request-id") ?? assert.fail()
      assert.include(answers[0]?.body, `"trace_id":"${id}"`)
      assert.isTrue(log.some((line) => line.includes(id) && line.includes("Unforeseen failure of a request")))
    }).pipe(Effect.provide(TestServer.layer()))
  )

  it.live("come many at once over one connection, each answered by itself and in order", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      yield* get("/api/v1/rates?from=USD&to=NGN")
      const asked = Array.from({ length: 30 }, (_, i) => {
        if (i % 10 === 3) return asking({ amount: "-1" })
        if (i % 10 === 5) return other({ target: "/api/v1/convert/", body: json({ amount: `${i + 1}.00` }) })
        if (i % 10 === 7) return keyed("the same", { amount: "7.00" })
        return asking({ amount: `${i + 1}.00` })
      })
      const { answers } = yield* RawHttp.exchange(port, asked.map(bytesOf).join(""), {
        answers: asked.length
      })
      const amounts = answers.map(({ body, status }) =>
        status === 200 ? JSON.parse(body).input_amount : status
      )
      amounts.forEach((amount, i) => {
        // Whoever uses a key that is being used is told so, or gets the first answer.
        if (i % 10 === 7) assert.include(["7.00", 409], amount)
        else assert.strictEqual(amount, i % 10 === 3 ? 400 : `${i + 1}.00`)
      })
      assert.strictEqual(yield* countRecords, 30 - 3 - 2)
    }).pipe(Effect.provide(TestServer.layer()))
  )

  it.live("are nothing to whoever hangs up before all of the body is there", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      yield* RawHttp.exchange(port, bytesOf(plain()))
      const half = bytesOf(plain()).slice(0, -20)
      for (let i = 0; i < 10; i++) {
        yield* Effect.callback<void>((resume) => {
          const socket = connect(port, "127.0.0.1", () => socket.write(half, () => socket.destroy()))
          socket.on("close", () => resume(Effect.void)).on("error", () => undefined)
        })
      }
      const { answers } = yield* RawHttp.exchange(port, bytesOf(plain()))
      assert.strictEqual(answers[0]?.status, 200)
      assert.strictEqual(yield* countRecords, 2)
    }).pipe(Effect.provide(TestServer.layer()))
  )

  it.live("are the plain ones, and no others", () =>
    Effect.gen(function* () {
      const port = yield* frontAlone(ConversionFastPath.layer)
      for (const asked of CONVERSIONS) {
        const { answers } = yield* RawHttp.exchange(port, bytesOf(asked))
        assert.strictEqual(answers[0]?.status !== 501, asked.isPlain, bytesOf(asked).slice(0, 500))
      }
    }).pipe(Effect.scoped, Effect.provide(TestServer.layer(DISCERNING)))
  )
})
