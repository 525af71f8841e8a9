import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "node:net"
import { AuditLog } from "../../../src/audit/AuditLog.ts"
import * as ConversionFastPath from "../../../src/server/fastpath/ConversionFastPath.ts"
import * as Callers from "../../support/Callers.ts"
import {
  compare,
  listenAlone,
  type RequestCase,
  send,
  ServerPair,
  toBytes,
  withFastServer
} from "../../support/FastPathComparison.ts"
import * as RawHttp from "../../support/RawHttp.ts"
import { get, TestServer } from "../../support/TestServer.ts"

const TRACE = "0af7651916cd43dd8448eb211c80319c"
const UNKNOWN_ID = "01980000-0000-7000-8000-000000000000"

const json = (over: object = {}) =>
  JSON.stringify({ amount: "500.00", from_currency: "USD", to_currency: "NGN", ...over })

const conversion = (
  isFast: boolean,
  { body = json(), headers = {}, ...changes }: Partial<RequestCase> = {}
): RequestCase => ({
  isFast,
  target: "/api/v1/convert",
  method: "POST",
  version: "1.1",
  headers: { "content-length": String(Buffer.byteLength(body)), ...headers },
  body,
  ...changes
})

const fast = (changes?: Partial<RequestCase>) => conversion(true, changes)
const slow = (changes?: Partial<RequestCase>) => conversion(false, changes)
const withBody = (over: object) => fast({ body: json(over) })
const withKey = (key: string, over: object = {}) =>
  fast({ body: json(over), headers: { "idempotency-key": key } })

/** Valid and invalid conversions of every kind, and requests that the fast path leaves to the router. */
const REQUESTS: ReadonlyArray<RequestCase> = [
  fast(),
  fast({ body: '{"to_currency":"ngn","from_currency":"usd","amount":500.00}' }),
  withBody({ amount: 500 }),
  withBody({
    amount: "12.34",
    amount_type: "target",
    from_currency: "EUR",
    to_currency: "XOF",
    reference: "x"
  }),
  withBody({ amount: "1000", amount_type: "target", from_currency: "EUR", to_currency: "XOF" }),
  withBody({ reference: "Überweisung № 7 — ₦" }),
  withBody({ reference: 'order "1042", {a,b} \\ NULL' }),
  fast({ headers: { "content-type": "text/plain", accept: "text/html", cookie: "a=b" } }),
  fast({ headers: { "x-request-id": "order-1042:7.a_B" } }),
  fast({ headers: { "x-request-id": "<script>" } }),
  fast({ headers: { traceparent: `00-${TRACE}-b7ad6b7169203331-01` } }),
  withKey("order-1042"),
  withKey("order-1042"),
  withKey("order-1042", { amount: "501.00" }),
  withKey("order-1043", { amount: "0.00" }),
  withKey("order-1043"),
  withKey("k".repeat(256)),
  withKey("schlüssel"),
  withBody({ amount: "0.01", from_currency: "USD", to_currency: "XOF" }),
  withBody({ amount: "999999999999999999" }),
  withBody({ amount: "500.001" }),
  withBody({ amount: "1e3" }),
  withBody({ amount: 1234567890.123456 }),
  withBody({ amount: null }),
  withBody({ amount_type: "both", from_currency: 7 }),
  withBody({ constructor: "x" }),
  withBody({ __proto__: null, surprise: true, another: 1 }),
  withBody({ reference: "" }),
  withBody({ reference: "a\u0000b" }),
  withBody({ reference: "\ud800" }),
  withBody({ to_currency: "JPY" }),
  withBody({ to_currency: "XXX" }),
  withBody({ to_currency: "USD" }),
  withBody({ quote_id: UNKNOWN_ID }),
  withBody({ quote_id: "none" }),
  fast({ body: "" }),
  fast({ body: "500" }),
  fast({ body: "[]" }),
  fast({ body: "null" }),
  fast({ body: "{" }),
  fast({ body: "\ufeff{}" }),
  fast({ body: "[".repeat(2000) }),
  fast({ headers: { authorization: "Bearer efx_test_wrong" } }),
  fast({ headers: { authorization: "Bearer" } }),
  fast({ headers: { authorization: "Basic YTpi" } }),
  slow({ headers: { connection: "close" } }),
  slow({ version: "1.0" }),
  slow({ headers: { "content-length": "", "transfer-encoding": "chunked" }, body: "2\r\n{}\r\n0\r\n\r\n" }),
  slow({ headers: { "content-length": "" }, body: "" }),
  slow({ body: json({ reference: "x".repeat(70_000) }) }),
  slow({ headers: { origin: "https://evil.example" } }),
  slow({ headers: { origin: "https://shop.example" } }),
  fast({ headers: { "x-forwarded-for": "192.0.2.7" } }),
  slow({ headers: { "x-forwarded-for": "unknown" } }),
  slow({ method: "GET" }),
  slow({ method: "OPTIONS", headers: { origin: "https://shop.example" } }),
  slow({ target: "/api/v1/convert/" }),
  slow({ target: "/api/v1/convert?a=b" })
]

/** `CORS_ORIGINS` and `TRUSTED_PROXIES` make responses depend on more headers. */
const ORIGINS_AND_PROXIES = {
  RATE_LIMIT_WRITES: "500/day",
  CORS_ORIGINS: "https://shop.example",
  TRUSTED_PROXIES: "127.0.0.1"
}

const countRecords = Effect.gen(function* () {
  const audit = yield* AuditLog
  return (yield* audit.page({}, undefined, 1000)).length
})

const newRecords = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const before = yield* countRecords
  const result = yield* effect
  return { result, records: (yield* countRecords) - before }
})

const sendAll = Effect.all([Effect.forEach(REQUESTS, send), countRecords])

layer(ServerPair.layer(), { excludeTestServices: true })("ConversionFastPath", (it) => {
  it.effect("responds, counts and records like the router", () =>
    Effect.gen(function* () {
      const { fast: withFastPath, routed } = yield* compare(sendAll)
      assert.deepStrictEqual(withFastPath, routed)
      const statuses = withFastPath.result[0].map(({ responses }) => responses[0]?.status)
      assert.includeMembers(statuses, [200, 400, 404, 413, 422])
    })
  )

  it.effect("responds like the router if the database is unavailable or rejects the statement", () =>
    Effect.gen(function* () {
      const sendDuringFailures = Effect.gen(function* () {
        const { setDatabase } = yield* TestServer
        const outcomes = [yield* send(fast())]
        for (const state of ["down", "broken", "up"] as const) {
          yield* setDatabase(state)
          outcomes.push(yield* send(fast()), yield* send(withKey("order-1042")))
        }
        return outcomes
      })
      const { fast: withFastPath, routed } = yield* compare(sendDuringFailures)
      assert.deepStrictEqual(withFastPath, routed)
      assert.deepStrictEqual(
        withFastPath.result.map(({ responses }) => responses[0]?.status),
        [200, 503, 503, 500, 500, 200, 200]
      )
    })
  )
  it.effect("logs unexpected failures under the id of the response", () =>
    withFastServer(
      Effect.gen(function* () {
        const { log, port, setDatabase } = yield* TestServer
        yield* RawHttp.exchange(port, toBytes(fast()))
        yield* setDatabase("broken")
        const { responses } = yield* RawHttp.exchange(port, toBytes(fast()))
        yield* setDatabase("up")
        const id = responses[0]?.headers.get("x-request-id") ?? assert.fail()
        assert.include(responses[0]?.body, `"trace_id":"${id}"`)
        assert.isTrue(
          log.some((line) => line.includes(id) && line.includes("Unexpected failure of a request"))
        )
      })
    )
  )

  it.effect("responds to pipelined conversions in order, each with its own outcome", () =>
    withFastServer(
      Effect.gen(function* () {
        const { port } = yield* TestServer
        yield* get("/api/v1/rates?from=USD&to=NGN")
        const requests = Array.from({ length: 30 }, (_, i) => {
          if (i % 10 === 3) return withBody({ amount: "-1" })
          if (i % 10 === 5) return slow({ target: "/api/v1/convert/", body: json({ amount: `${i + 1}.00` }) })
          if (i % 10 === 7) return withKey("the same", { amount: "7.00" })
          return withBody({ amount: `${i + 1}.00` })
        })
        const { records, result } = yield* newRecords(
          RawHttp.exchange(port, requests.map(toBytes).join(""), { responses: requests.length })
        )
        const amounts = result.responses.map(({ body, status }) =>
          status === 200 ? JSON.parse(body).input_amount : status
        )
        amounts.forEach((amount, i) => {
          // A key in use is rejected, and a used key replays its conversion.
          if (i % 10 === 7) assert.include(["7.00", 409], amount)
          else assert.strictEqual(amount, i % 10 === 3 ? 400 : `${i + 1}.00`)
        })
        assert.strictEqual(records, 30 - 3 - 2)
      })
    )
  )

  it.effect("converts nothing for clients that disconnect before the whole body has arrived", () =>
    withFastServer(
      Effect.gen(function* () {
        const { port } = yield* TestServer
        const incomplete = toBytes(fast()).slice(0, -20)
        const disconnectAll = Effect.gen(function* () {
          for (let i = 0; i < 10; i++) {
            yield* Effect.callback<void>((resume) => {
              const socket = connect(port, "127.0.0.1", () =>
                socket.write(incomplete, () => socket.destroy())
              )
              socket.on("close", () => resume(Effect.void)).on("error", () => undefined)
            })
          }
          return yield* RawHttp.exchange(port, toBytes(fast()))
        })
        const { records, result } = yield* newRecords(disconnectAll)
        assert.strictEqual(result.responses[0]?.status, 200)
        assert.strictEqual(records, 1)
      })
    )
  )
})

layer(ServerPair.layer({ RATE_LIMIT_WRITES: "9/day" }), { excludeTestServices: true })(
  "ConversionFastPath with a low rate limit",
  (it) => {
    it.effect("responds, counts and records like the router", () =>
      Effect.gen(function* () {
        const { fast: withFastPath, routed } = yield* compare(sendAll)
        assert.deepStrictEqual(withFastPath, routed)
        const statuses = withFastPath.result[0].map(({ responses }) => responses[0]?.status)
        assert.includeMembers(statuses, [200, 429])
      })
    )
  }
)

layer(ServerPair.layer(ORIGINS_AND_PROXIES), { excludeTestServices: true })(
  "ConversionFastPath with rate limits, origins and proxies",
  (it) => {
    it.effect("responds, counts and records like the router", () =>
      Effect.gen(function* () {
        const { fast: withFastPath, routed } = yield* compare(sendAll)
        assert.deepStrictEqual(withFastPath, routed)
        const statuses = withFastPath.result[0].map(({ responses }) => responses[0]?.status)
        assert.includeMembers(statuses, [200, 400, 404, 413, 422])
      })
    )

    it.effect("handles exactly the eligible requests", () =>
      withFastServer(
        Effect.gen(function* () {
          const port = yield* listenAlone(ConversionFastPath.layer)
          for (const request of REQUESTS) {
            const { responses } = yield* RawHttp.exchange(port, toBytes(request))
            assert.strictEqual(responses[0]?.status !== 501, request.isFast, toBytes(request).slice(0, 500))
          }
        })
      )
    )
  }
)

layer(ServerPair.layer({ FLUTTERWAVE_SECRET_KEY: "secret", RATE_LIMIT_WRITES: "100/day" }), {
  excludeTestServices: true
})("ConversionFastPath with API keys", (it) => {
  it.effect("authenticates API keys like the router", () =>
    Effect.gen(function* () {
      const sendAsCallers = Effect.gen(function* () {
        const valid = [yield* Callers.withScopes("convert"), yield* Callers.withScopes("audit:read")]
        const callers = [Callers.ANONYMOUS, ...valid, ...(yield* Callers.invalid)]
        // The first request of each key fills the cache.
        return yield* Effect.forEach([...callers, ...callers], ({ authorization = "" }) =>
          send(fast({ headers: { authorization } }))
        )
      })
      const outcomes = Effect.map(sendAsCallers, (all) =>
        all.map(({ responses, rest }) => ({ responses, rest }))
      )
      const { fast: withFastPath, routed } = yield* compare(outcomes)
      assert.deepStrictEqual(withFastPath, routed)
      assert.includeMembers(
        withFastPath.result.map(({ responses }) => responses[0]?.status),
        [200, 401, 403]
      )
    })
  )
})
