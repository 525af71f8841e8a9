import { assert, layer } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { INVALID_KEY_RATE_LIMIT } from "../../../../src/access/RateLimits.ts"
import * as Problem from "../../../../src/api/Problem.ts"
import * as Callers from "../../../support/Callers.ts"
import { exhaust } from "../../../support/RateLimitExhaustion.ts"
import * as RawHttp from "../../../support/RawHttp.ts"
import * as RawSocket from "../../../support/RawSocket.ts"
import * as RpcClients from "../../../support/RpcClients.ts"
import { open } from "../../../support/SocketClient.ts"
import { type ServerResponse, get, TestServer } from "../../../support/TestServer.ts"

const live = { excludeTestServices: true }
const LOOKUP = "/api/v1/rates?from=USD&to=NGN"
const CURRENCIES = "/api/v1/currencies"
const FLUTTERWAVE = "/api/rates/?source_currency=USD&destination_currency=NGN"
const REAL_PROVIDER = { FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }

/** Trusts the test as a proxy, so that each test can use its own client addresses. */
const behindProxy = { TRUSTED_PROXIES: "127.0.0.1", RATE_LIMIT_READS: "3/hour", RATE_LIMIT_WRITES: "2/hour" }

const from = (address: string, caller: Callers.TestCaller = Callers.ANONYMOUS) => ({
  "x-forwarded-for": address,
  ...(caller.authorization === undefined ? {} : { authorization: caller.authorization })
})

const limitsOf = ({ headers, status }: ServerResponse) => ({
  status,
  policy: headers.get("ratelimit-policy"),
  limit: headers.get("ratelimit"),
  retryAfter: headers.get("retry-after")
})

const assertRejected = (answer: ServerResponse, kind: string, detail: RegExp) => {
  assert.strictEqual(answer.status, 429, answer.text)
  assert.deepInclude(answer.json, { code: "rate-limited", status: 429, retryable: true })
  assert.match(String(answer.json["detail"]), detail)
  assert.strictEqual(answer.headers.get("content-type"), "application/problem+json")
  assert.strictEqual(answer.headers.get("cache-control"), "no-store")
  const seconds = Number(answer.headers.get("retry-after"))
  assert.isAbove(seconds, 1)
  assert.strictEqual(answer.headers.get("ratelimit"), `"${kind}";r=0;t=${seconds}`)
}

layer(TestServer.layer({ ...REAL_PROVIDER, ...behindProxy, ALLOW_ANONYMOUS_CONVERT: "true" }), live)(
  "Rate limits",
  (it) => {
    it.effect("sends the rate-limit headers with every counted response, including rejections", () =>
      Effect.gen(function* () {
        const headers = from("192.0.2.1")
        const expected = { policy: '"reads";q=3;w=3600', retryAfter: null }
        const responses = [
          yield* get(LOOKUP, { headers }),
          yield* get("/api/v1/rates?from=USD", { headers }),
          yield* get("/api/v1/rates?from=XXX&to=NGN", { headers, method: "HEAD" })
        ]
        assert.deepStrictEqual(responses.map(limitsOf), [
          { ...expected, status: 200, limit: '"reads";r=2;t=1200' },
          { ...expected, status: 400, limit: '"reads";r=1;t=2400' },
          { ...expected, status: 422, limit: '"reads";r=0;t=3600' }
        ])
        const rejected = yield* get(LOOKUP, { headers })
        assert.strictEqual(rejected.headers.get("ratelimit-policy"), '"reads";q=3;w=3600')
        assertRejected(rejected, "reads", /^The limit is 3 reads in 1h; retry in \d+ s$/)
        assert.strictEqual((yield* get(LOOKUP, { headers: from("192.0.2.2") })).status, 200)
      })
    )

    it.effect("counts Flutterwave's paths as well, and rejects in their shape", () =>
      Effect.gen(function* () {
        const headers = from("192.0.2.10")
        assert.strictEqual(
          (yield* get(FLUTTERWAVE, { headers })).headers.get("ratelimit"),
          '"reads";r=2;t=1200'
        )
        yield* get(FLUTTERWAVE, { headers })
        yield* get(LOOKUP, { headers })
        const rejected = yield* get(FLUTTERWAVE, { headers })
        assert.strictEqual(rejected.status, 429)
        assert.deepInclude(rejected.json, { status: "error", data: null })
        assert.isAbove(Number(rejected.headers.get("retry-after")), 1)
      })
    )

    it.effect("counts writes separately, before reading the body", () =>
      Effect.gen(function* () {
        const headers = from("192.0.2.20")
        const body = JSON.stringify({ amount: "1", from_currency: "USD", to_currency: "NGN" })
        const done = yield* get("/api/v1/convert", { method: "POST", headers, body })
        assert.deepInclude(limitsOf(done), { status: 200, limit: '"writes";r=1;t=1800' })
        const bad = yield* get("/api/v1/quotes", { method: "POST", headers, body: "nonsense" })
        assert.deepInclude(limitsOf(bad), { status: 400, limit: '"writes";r=0;t=3600' })
        const rejected = yield* get("/api/v1/convert", { method: "POST", headers, body })
        assertRejected(rejected, "writes", /^The limit is 2 writes in 1h;/)
        assert.strictEqual((yield* get(LOOKUP, { headers })).headers.get("ratelimit"), '"reads";r=2;t=1200')
      })
    )

    it.effect("counts a key across addresses, and each key of an address separately", () =>
      Effect.gen(function* () {
        const [one, other] = [yield* Callers.withScopes("convert"), yield* Callers.withScopes("convert")]
        for (const address of ["192.0.2.30", "192.0.2.31", "2001:db8::1"])
          assert.strictEqual((yield* get(CURRENCIES, { headers: from(address, one) })).status, 200)
        assert.strictEqual((yield* get(CURRENCIES, { headers: from("192.0.2.32", one) })).status, 429)
        for (const caller of [other, Callers.ANONYMOUS]) {
          const answer = yield* get(CURRENCIES, { headers: from("192.0.2.30", caller) })
          assert.strictEqual(answer.headers.get("ratelimit"), '"reads";r=2;t=1200')
        }
      })
    )

    it.effect("counts an IPv6 client by its /64 prefix", () =>
      Effect.gen(function* () {
        for (const address of ["2001:db8:0:7::1", "2001:db8:0:7:ffff::2", "[2001:db8:0:7::3]:443"])
          assert.strictEqual((yield* get(CURRENCIES, { headers: from(address) })).status, 200)
        assert.strictEqual((yield* get(CURRENCIES, { headers: from("2001:db8:0:7:1:2:3:4") })).status, 429)
        assert.strictEqual((yield* get(CURRENCIES, { headers: from("2001:db8:0:8::1") })).status, 200)
        for (const address of ["192.0.2.40", "::ffff:192.0.2.40", "192.0.2.40"])
          assert.strictEqual((yield* get(CURRENCIES, { headers: from(address) })).status, 200)
        assert.strictEqual((yield* get(CURRENCIES, { headers: from("192.0.2.40") })).status, 429)
      })
    )

    it.effect("does not count health checks, metrics and documentation", () =>
      Effect.gen(function* () {
        const headers = from("192.0.2.50")
        for (let i = 0; i < 5; i++) {
          for (const path of ["/health/live", "/health/ready", "/metrics", "/openapi.json", "/nothing"]) {
            const answer = yield* get(path, { headers })
            assert.notStrictEqual(answer.status, 429, path)
            assert.isNull(answer.headers.get("ratelimit"), path)
          }
        }
      })
    )

    it.effect("rejects messages on a WebSocket, and leaves it open", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const { next, assertNoMessage, send } = yield* open(`${url}/ws/rates/`, {
          headers: from("192.0.2.60")
        })
        assert.strictEqual((yield* next)["type"], "all_rates")
        for (const _ of [1, 2]) {
          yield* send({ type: "get_rate", source_currency: "USD", destination_currency: "NGN" })
          assert.strictEqual((yield* next)["type"], "rate")
        }
        yield* send({ type: "subscribe", pairs: ["USD:NGN"] })
        const error = yield* next
        assert.deepInclude(error, { type: "error", code: "rate-limited", retryable: true })
        assert.match(String(error["detail"]), /^The limit is 3 reads in 1h;/)
        yield* assertNoMessage
        const metrics = yield* get("/metrics")
        assert.match(metrics.text, /^effex_rate_limited_total\{limit="reads"\} [1-9]\d*$/m)
      })
    )

    it.effect("counts invalid messages on a WebSocket", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const { next, send } = yield* open(`${url}/ws/rates/`, { headers: from("192.0.2.62") })
        assert.strictEqual((yield* next)["type"], "all_rates")
        for (const code of ["invalid-request", "invalid-request", "rate-limited"]) {
          yield* send({ type: "nonsense" })
          assert.deepInclude(yield* next, { type: "error", code })
        }
      })
    )

    it.effect("rejects a WebSocket handshake", () =>
      Effect.gen(function* () {
        const { port } = yield* TestServer
        const headers = from("192.0.2.61")
        for (let i = 0; i < 3; i++) yield* get(CURRENCIES, { headers })
        const { responses } = yield* RawHttp.exchange(port, RawSocket.handshake("/ws/rates/", headers))
        assert.strictEqual(responses[0]?.status, 429)
        assert.include(responses[0]?.body, '"code":"rate-limited"')
      })
    )
  }
)

layer(TestServer.layer({ RATE_LIMIT_READS: "2/hour", RATE_LIMIT_WRITES: "1/hour" }), live)(
  "Rate limits of RPCs",
  (it) => {
    it.effect("fails with a typed error, and leaves the connection open", () =>
      Effect.gen(function* () {
        const [socket, http] = [yield* RpcClients.overWebSocket, yield* RpcClients.overHttp]
        const conversion = { amount: "1", fromCurrency: "USD", toCurrency: "NGN" }
        yield* socket.GetRate({ from: "USD", to: "NGN" })
        yield* http.GetRate({ from: "USD", to: "NGN" })
        const rejected = [
          yield* Effect.flip(socket.GetRate({ from: "USD", to: "NGN" })),
          yield* Effect.flip(http.GetRate({ from: "USD", to: "NGN" })),
          yield* Effect.flip(Stream.runDrain(socket.WatchRates({}))),
          yield* Effect.flip(Stream.runDrain(http.WatchPolls()))
        ]
        for (const error of rejected) {
          assert.instanceOf(error, Problem.RateLimited)
          assert.match(String(error.detail), /^The limit is 2 reads in 1h;/)
        }
        yield* socket.Convert(conversion)
        for (const client of [socket, http]) {
          const error = yield* Effect.flip(client.CreateQuote(conversion))
          assert.instanceOf(error, Problem.RateLimited)
          assert.match(String(error.detail), /^The limit is 1 writes in 1h;/)
        }
        const { json, status } = yield* get(LOOKUP)
        assert.deepStrictEqual([status, json["code"]], [429, "rate-limited"])
      })
    )
  }
)

layer(TestServer.layer({ ...REAL_PROVIDER, TRUSTED_PROXIES: "127.0.0.1" }), live)(
  "Rate limit of invalid keys",
  (it) => {
    it.effect("rejects unknown keys without a database query once an address has sent too many", () =>
      Effect.gen(function* () {
        const headers = from("192.0.2.70", { name: "invalid", authorization: "Bearer nonsense" })
        const first = yield* get(CURRENCIES, { headers })
        assert.strictEqual(first.status, 401)
        assert.strictEqual(
          first.headers.get("ratelimit-policy"),
          `"keys";q=${INVALID_KEY_RATE_LIMIT.limit};w=60`
        )
        assert.strictEqual(first.headers.get("ratelimit"), `"keys";r=${INVALID_KEY_RATE_LIMIT.limit - 1};t=1`)
        const known = yield* Callers.withScopes("rates:read")
        assert.strictEqual((yield* get(CURRENCIES, { headers: from("192.0.2.70", known) })).status, 200)

        const fresh = yield* Callers.withScopes("rates:read")
        yield* exhaust("keys", "192.0.2.70")
        const rejected = yield* get(CURRENCIES, { headers })
        assert.strictEqual(rejected.status, 429)
        assert.deepInclude(rejected.json, { code: "rate-limited" })
        assert.match(String(rejected.json["detail"]), /requests with an invalid API key in 1m;/)
        // A known key is accepted, and so is a valid key from another address.
        assert.strictEqual((yield* get(CURRENCIES, { headers: from("192.0.2.70", known) })).status, 200)
        assert.strictEqual((yield* get(CURRENCIES, { headers: from("192.0.2.71", fresh) })).status, 200)
        const { text } = yield* get("/metrics")
        assert.match(text, /^effex_api_keys_rejected_total [1-9]\d*$/m)
        assert.match(text, /^effex_rate_limited_total\{limit="keys"\} [1-9]\d*$/m)
      })
    )
  }
)

layer(TestServer.layer({ RATE_LIMIT_READS: "2/hour" }), live)("A proxy that is not trusted", (it) => {
  it.effect("is counted by its own address", () =>
    Effect.gen(function* () {
      for (const [address, status] of [
        ["192.0.2.1", 200],
        ["192.0.2.2", 200],
        ["192.0.2.3", 429]
      ] as const)
        assert.strictEqual((yield* get(CURRENCIES, { headers: from(address) })).status, status)
    })
  )
})
