import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as LookupFastPath from "../../../src/server/fastpath/LookupFastPath.ts"
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
import { failing, quotedBefore, rate, TestProvider } from "../../support/TestProvider.ts"
import { get, TestServer } from "../../support/TestServer.ts"
import { ServerClock, setForward } from "../http/ServerClock.ts"

const LOOKUP = "/api/v1/rates?from=USD&to=NGN"
const TRACE = "0af7651916cd43dd8448eb211c80319c"

const lookup = (isFast: boolean, changes: Partial<RequestCase> = {}): RequestCase => ({
  isFast,
  target: LOOKUP,
  method: "GET",
  version: "1.1",
  headers: {},
  body: "",
  ...changes
})

const fast = (changes?: Partial<RequestCase>) => lookup(true, changes)
const slow = (changes?: Partial<RequestCase>) => lookup(false, changes)

/** Every kind of lookup, the headers that can change its response, and requests that are not lookups. */
const REQUESTS: ReadonlyArray<RequestCase> = [
  fast(),
  fast({ target: "/api/v1/rates?from=EUR&to=ZMW" }),
  fast({ headers: { "x-request-id": "order-1042:7.a_B" } }),
  fast({ headers: { "x-request-id": "<script>" } }),
  fast({ headers: { traceparent: `00-${TRACE}-b7ad6b7169203331-01` } }),
  fast({ headers: { traceparent: "00-nonsense" } }),
  fast({ headers: { b3: `${TRACE}-b7ad6b7169203331-1` } }),
  fast({ headers: { accept: "text/html", "accept-encoding": "gzip, br", cookie: "a=b", te: "trailers" } }),
  fast({ headers: { range: "bytes=0-3", "if-modified-since": "Sat, 21 Nov 2026 03:27:17 GMT" } }),
  slow({ headers: { connection: "close" } }),
  fast({ headers: { upgrade: "websocket", connection: "upgrade" } }),
  slow({ version: "1.0" }),
  fast({ version: "1.0", headers: { connection: "keep-alive" } }),
  slow({ headers: { origin: "https://shop.example" } }),
  fast({ headers: { origin: "https://evil.example" } }),
  fast({ headers: { "x-forwarded-for": "192.0.2.7" } }),
  slow({ headers: { "if-none-match": `"another"` } }),
  slow({ headers: { "if-none-match": "*" } }),
  slow({ headers: { authorization: "Bearer efx_test_wrong" } }),
  slow({ headers: { authorization: "Bearer" } }),
  fast({ headers: { authorization: "Basic YTpi" } }),
  slow({ headers: { "content-length": "2" }, body: "{}" }),
  slow({ headers: { "transfer-encoding": "chunked" }, body: "0\r\n\r\n" }),
  slow({ headers: { "content-length": "70000" } }),
  slow({ headers: { expect: "100-continue" } }),
  slow({ method: "HEAD" }),
  slow({ method: "POST" }),
  slow({ method: "OPTIONS", headers: { origin: "https://shop.example" } }),
  slow({ target: "/api/v1/rates?from=usd&to=ngn" }),
  slow({ target: "/api/v1/rates?to=NGN&from=USD" }),
  slow({ target: "/api/v1/rates/?from=USD&to=NGN" }),
  slow({ target: "/api/v1/rates?from=%55SD&to=NGN" }),
  slow({ target: `http://elsewhere.example${LOOKUP}` }),
  slow({ target: `${LOOKUP}&max_age=60%20seconds` }),
  slow({ target: `${LOOKUP}&max_age=never` }),
  slow({ target: `${LOOKUP}&from=EUR` }),
  slow({ target: `${LOOKUP}#part` }),
  slow({ target: "/api/v1/rates?from=USD" }),
  slow({ target: "/api/v1/rates?from=USD&to=USD" }),
  slow({ target: "/api/v1/rates?from=USD&to=XXX" }),
  slow({ target: "/api/rates/?source_currency=USD&destination_currency=NGN" }),
  slow({ headers: { host: "" } })
]

const sendAll = Effect.forEach(REQUESTS, send)

/** Looks up the rates that {@link REQUESTS} expect in memory. */
const warmUp = Effect.forEach(REQUESTS.slice(0, 2), send)

/** `CORS_ORIGINS` and `TRUSTED_PROXIES` make responses depend on more headers. */
const ORIGINS_AND_PROXIES = {
  RATE_LIMIT_READS: "500/day",
  CORS_ORIGINS: "https://shop.example",
  TRUSTED_PROXIES: "127.0.0.1,10.0.0.0/8"
}
const SETTINGS = [{}, { RATE_LIMIT_READS: "5/hour" }]

/** Values of `X-Forwarded-For`, from trusted and untrusted hops, in every notation, and invalid ones. */
const FORWARDED = [
  "192.0.2.7",
  " 192.0.2.7 , 127.0.0.1",
  "203.0.113.9, 192.0.2.7",
  "10.1.2.3, 192.0.2.7, 10.4.5.6",
  "10.1.2.3, 10.4.5.6",
  "192.0.2.7:4711",
  "2001:db8:1:2:3:4:5:6",
  "2001:db8:1:2:ffff::1",
  "[2001:db8:9::1]",
  "[2001:db8:9::1]:4711",
  "::ffff:192.0.2.7",
  "fe80::1%eth0",
  "unknown",
  "192.0.2.7, unknown",
  "unknown, 192.0.2.7",
  "",
  ",",
  "192.0.2.7,"
]

for (const env of SETTINGS) {
  layer(ServerPair.layer(env), { excludeTestServices: true })(
    `LookupFastPath with ${JSON.stringify(env)}`,
    (it) => {
      it.effect("responds and counts like the router", () =>
        Effect.gen(function* () {
          const { fast: withFastPath, routed } = yield* compare(Effect.andThen(warmUp, sendAll))
          assert.deepStrictEqual(withFastPath, routed)
          assert.isAbove(withFastPath.increases.length, 5)
        })
      )
    }
  )
}

layer(ServerPair.layer(ORIGINS_AND_PROXIES), { excludeTestServices: true })(
  "LookupFastPath with rate limits, origins and proxies",
  (it) => {
    it.effect("responds and counts like the router", () =>
      Effect.gen(function* () {
        const { fast: withFastPath, routed } = yield* compare(Effect.andThen(warmUp, sendAll))
        assert.deepStrictEqual(withFastPath, routed)
        assert.isAbove(withFastPath.increases.length, 5)
      })
    )

    it.effect("counts clients behind trusted proxies like the router", () =>
      Effect.gen(function* () {
        const requests = FORWARDED.map((value) => fast({ headers: { "x-forwarded-for": value } }))
        const { fast: withFastPath, routed } = yield* compare(
          Effect.andThen(warmUp, Effect.forEach(requests, send))
        )
        assert.deepStrictEqual(withFastPath, routed)
        const remaining = new Set(
          withFastPath.result.map(
            ({ responses }) => responses[0]?.headers.find(([name]) => name === "ratelimit")?.[1]
          )
        )
        assert.isAbove(remaining.size, 3)
      })
    )

    it.effect("authenticates API keys and counts them like the router", () =>
      Effect.gen(function* () {
        const sendAsCallers = Effect.gen(function* () {
          const valid = [yield* Callers.withScopes("rates:read"), yield* Callers.withScopes("convert")]
          const callers = [...valid, ...(yield* Callers.invalid)]
          // The first request of each key fills the cache.
          return yield* Effect.forEach([...callers, ...callers, ...valid], ({ authorization = "" }) =>
            send(fast({ headers: { authorization } }))
          )
        })
        const outcomes = Effect.andThen(warmUp, sendAsCallers).pipe(
          Effect.map((all) => all.map(({ responses, rest }) => ({ responses, rest })))
        )
        const { fast: withFastPath, routed } = yield* compare(outcomes)
        assert.deepStrictEqual(withFastPath, routed)
        assert.includeMembers(
          withFastPath.result.map(({ responses }) => responses[0]?.status),
          [200, 401]
        )
      })
    )

    it.effect("responds to pipelined requests in order", () =>
      withFastServer(
        Effect.gen(function* () {
          const { port } = yield* TestServer
          yield* get(LOOKUP)
          const requests = [
            fast(),
            slow({ target: "/api/v1/rates?from=usd&to=ngn" }),
            fast(),
            slow({ method: "POST" }),
            fast()
          ]
          const { responses } = yield* RawHttp.exchange(port, requests.map(toBytes).join(""), {
            responses: requests.length
          })
          assert.deepStrictEqual(
            responses.map(({ status }) => status),
            [200, 200, 200, 405, 200]
          )
          assert.strictEqual(
            new Set(responses.map(({ headers }) => headers.get("x-request-id"))).size,
            requests.length
          )
        })
      )
    )

    it.effect("handles exactly the eligible requests, and those with a known API key", () =>
      withFastServer(
        Effect.gen(function* () {
          yield* warmUp
          const { authorization } = yield* Callers.withScopes("rates:read")
          const keyed = { headers: { authorization } }
          const port = yield* listenAlone(LookupFastPath.layer)
          const isAnsweredBy = Effect.fnUntraced(function* (request: RequestCase) {
            const bodiless = request.method === "HEAD"
            const { responses } = yield* RawHttp.exchange(port, toBytes(request), { bodiless })
            return responses[0]?.status === 200
          })
          for (const request of REQUESTS)
            assert.strictEqual(yield* isAnsweredBy(request), request.isFast, toBytes(request))
          assert.isFalse(yield* isAnsweredBy(fast(keyed)))
          yield* get(LOOKUP, keyed)
          assert.isTrue(yield* isAnsweredBy(fast(keyed)))
        })
      )
    )
  }
)

layer(ServerPair.layer({ STALE_AFTER: "1 minute" }).pipe(Layer.provideMerge(ServerClock.layer)), {
  excludeTestServices: true
})("LookupFastPath with rates that expire after a minute", (it) => {
  it.effect("responds like the router if the rate is stale, unavailable or replaced", () =>
    Effect.gen(function* () {
      const bodies: Array<string> = []
      const compareWith = Effect.fnUntraced(function* (
        response: ReturnType<typeof rate>,
        second: RequestCase = fast()
      ) {
        const both = Effect.gen(function* () {
          yield* (yield* TestProvider).respondWith(response)
          return [yield* send(fast()), yield* send(second)]
        })
        const { fast: withFastPath, routed } = yield* compare(both)
        assert.deepStrictEqual(withFastPath, routed)
        bodies.push(...withFastPath.result.map(({ responses }) => responses[0]?.body ?? ""))
        yield* setForward("61 seconds")
      })
      yield* compareWith(rate("1500"))
      yield* compareWith(rate("1501.5"))
      yield* compareWith(quotedBefore("2 minutes", "1502"))
      yield* compareWith(failing, fast({ target: "/api/v1/rates?from=EUR&to=ZMW" }))
      assert.deepStrictEqual(
        bodies.map((body) => [/"rate":"[^"]*"/.exec(body)?.[0], body.includes(`"stale":true`)]),
        [
          [`"rate":"1500"`, false],
          [`"rate":"1500"`, false],
          [`"rate":"1501.5"`, false],
          [`"rate":"1501.5"`, false],
          [`"rate":"1502"`, true],
          [`"rate":"1502"`, true],
          [`"rate":"1502"`, true],
          [undefined, false]
        ]
      )
    })
  )
})
