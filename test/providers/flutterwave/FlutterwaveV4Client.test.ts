import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { TestClock } from "effect/testing"
import type { IncomingMessage, ServerResponse } from "node:http"
import { text } from "node:stream/consumers"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as FlutterwaveV4Client from "../../../src/providers/flutterwave/FlutterwaveV4Client.ts"
import * as Sandbox from "../../../src/providers/sandbox/Sandbox.ts"
import { rendered } from "../../config/RenderedValue.ts"
import * as StubServer from "../StubServer.ts"
import { connect } from "../ProviderTestClient.ts"

const ID = "client-0123456789abcdef"
const SECRET = "s3cr+t/0123456789=="

interface ReceivedRequest {
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

const quotation = JSON.stringify({
  status: "success",
  message: "Rate created",
  data: {
    rate: "0.000651500",
    source: { amount: "651.500000000", currency: "USD" },
    destination: { amount: "1000000", currency: "NGN" },
    created_datetime: "2026-11-21T03:27:17.086Z"
  }
})
const created = (response: ServerResponse) => response.writeHead(201).end(quotation)
const unauthorized = (response: ServerResponse) =>
  response.writeHead(401).end('{"status":"failed","error":{"code":"10401","message":"Unauthorized"}}')

/** A client of a stub v4 server. The n-th rate request gets the n-th response; further requests get the last one. */
const connectStub = Effect.fnUntraced(function* (
  responses: ReadonlyArray<(response: ServerResponse, request: ReceivedRequest) => void> = [created],
  tokenLifetime = 600,
  env: Record<string, string> = {}
) {
  const tokens: Array<ReceivedRequest> = []
  const rates: Array<ReceivedRequest> = []
  let isTokenFailing = false
  const baseUrl = yield* StubServer.listen((request, response) => {
    void text(request).then((body) => {
      const received = { headers: request.headers, body }
      if (request.url === "/token") {
        tokens.push(received)
        if (isTokenFailing) return response.writeHead(503).end("busy")
        return response.end(
          JSON.stringify({
            access_token: `token-${tokens.length}-0123456789abcdef`,
            expires_in: tokenLifetime
          })
        )
      }
      assert.strictEqual(`${request.method} ${request.url}`, "POST /v4/transfers/rates")
      rates.push(received)
      return (responses[rates.length - 1] ?? responses.at(-1) ?? created)(response, received)
    })
  })
  const settings = {
    FLUTTERWAVE_SECRET_KEY: "",
    FLUTTERWAVE_BASE_URL: "",
    FLUTTERWAVE_CLIENT_ID: ID,
    FLUTTERWAVE_CLIENT_SECRET: SECRET,
    FLUTTERWAVE_V4_BASE_URL: `${baseUrl}/v4`,
    FLUTTERWAVE_TOKEN_URL: `${baseUrl}/token`
  }
  const client = yield* connect(baseUrl, { ...settings, ...env }, FlutterwaveV4Client.make)
  return { ...client, tokens, rates, failTokens: (isFailing: boolean) => (isTokenFailing = isFailing) }
})

const bearers = (rates: ReadonlyArray<ReceivedRequest>) =>
  rates.map(({ headers }) => Number(/^Bearer token-(\d+)-/.exec(headers.authorization ?? "")?.[1]))

describe("FlutterwaveV4Client", () => {
  it.effect("sends the documented token and rate requests", () =>
    Effect.gen(function* () {
      const { rate, rates, tokens } = yield* connectStub()
      const tick = yield* rate()
      assert.deepStrictEqual(
        [tick.provider, Decimal.format(tick.rate), tick.providerRate, tick.raw, tick.quotedAt?.toString()],
        [
          "flutterwave-v4",
          "1534.91941673062",
          "0.000651500",
          quotation,
          "DateTime.Utc(2026-11-21T03:27:17.086Z)"
        ]
      )
      assert.include(tokens[0]?.headers["content-type"] ?? "", "application/x-www-form-urlencoded")
      assert.deepStrictEqual(Object.fromEntries(new URLSearchParams(tokens[0]?.body)), {
        client_id: ID,
        client_secret: SECRET,
        grant_type: "client_credentials"
      })
      assert.deepStrictEqual(JSON.parse(rates[0]?.body ?? ""), {
        source: { currency: "USD" },
        destination: { currency: "NGN", amount: "1000000" },
        precision: 9
      })
      const {
        accept,
        "content-type": type,
        "x-idempotency-key": key,
        "x-trace-id": trace
      } = rates[0]?.headers ?? {}
      assert.deepStrictEqual([accept, type], ["application/json", "application/json"])
      assert.match(`${key} ${trace}`, /^[0-9a-f-]{36} [0-9a-f-]{36}$/)
    })
  )

  it.effect("fetches one token for concurrent requests, and a new one before it expires", () =>
    Effect.gen(function* () {
      const { rate, rates, requestRate, settle, tokens } = yield* connectStub([created], 600)
      yield* settle(
        Effect.all(
          Array.from({ length: 10 }, () => requestRate("USD", "NGN")),
          { concurrency: "unbounded" }
        )
      )
      assert.deepStrictEqual([rates.length, tokens.length], [10, 1])
      yield* TestClock.adjust("8 minutes")
      yield* rate()
      assert.strictEqual(tokens.length, 1)
      yield* TestClock.adjust("1 minute")
      yield* rate()
      assert.deepStrictEqual(bearers(rates.slice(-2)), [1, 2])
    })
  )

  it.effect("replaces a rejected token and retries", () =>
    Effect.gen(function* () {
      const { rate, rates, tokens } = yield* connectStub([unauthorized, created])
      yield* rate()
      yield* rate()
      assert.deepStrictEqual(bearers(rates), [1, 2, 2])
      assert.strictEqual(tokens.length, 2)
    })
  )

  it.effect("retries once with a new token, which concurrent requests share", () =>
    Effect.gen(function* () {
      const { rate, rates, tokens } = yield* connectStub([unauthorized])
      const error = yield* Effect.flip(rate())
      assert.deepInclude(error.reason, { _tag: "Refused", status: 401 })
      assert.deepStrictEqual(bearers(rates), [1, 2])

      const both = yield* connectStub([unauthorized, unauthorized, created])
      const requests = [both.requestRate("USD", "NGN"), both.requestRate("USD", "NGN")]
      yield* both.settle(Effect.all(requests, { concurrency: "unbounded" }))
      assert.deepStrictEqual([both.tokens.length, tokens.length], [2, 2])
    })
  )

  it.effect("reports token failures, opens the circuit for them and recovers", () =>
    Effect.gen(function* () {
      const { failTokens, rate, rates, tokens } = yield* connectStub()
      failTokens(true)
      const error = yield* Effect.flip(rate())
      assert.strictEqual(
        error.message,
        "flutterwave-v4 returned no rate for USD:NGN: request failed with status 503 (no token: busy)"
      )
      assert.deepStrictEqual([tokens.length, rates.length], [3, 0])
      yield* Effect.replicateEffect(Effect.flip(rate()), 4)
      assert.strictEqual((yield* Effect.flip(rate())).reason._tag, "CircuitOpen")
      failTokens(false)
      yield* TestClock.adjust("2 seconds")
      yield* rate()
      assert.strictEqual(rates.length, 1)
    })
  )

  it.effect("uses a new idempotency key for each attempt and rejects replays", () =>
    Effect.gen(function* () {
      const replay = (response: ServerResponse) =>
        response.writeHead(201, { "x-idempotency-cache-hit": "true" }).end(quotation)
      const { rate, rates } = yield* connectStub([replay, (response) => response.destroy(), created])
      yield* rate()
      assert.strictEqual(new Set(rates.map(({ headers }) => headers["x-idempotency-key"])).size, 3)
      assert.strictEqual(new Set(rates.map(({ headers }) => headers["x-trace-id"])).size, 3)
    })
  )

  const echoes: ReadonlyArray<
    readonly [string, (response: ServerResponse, request: ReceivedRequest) => void]
  > = [
    [
      "a rate",
      (response, { headers }) =>
        response.end(quotation.replace("Rate created", String(headers.authorization)))
    ],
    ["a rejection", (response, { headers }) => response.writeHead(400).end(`${headers.authorization} ${ID}`)],
    ["a page", (response, { headers }) => response.end(`<p>${headers.authorization}</p>`)]
  ]
  it.effect.each(echoes)("keeps its secret and its token out of results, logs and spans: %s", ([, respond]) =>
    Effect.gen(function* () {
      const client = yield* connectStub([respond])
      const logged = client.rate().pipe(
        Effect.tap(({ raw }) => Effect.logInfo(raw)),
        Effect.tapCause((cause) => Effect.logError("failed", cause)),
        Effect.withSpan("test")
      )
      const result = yield* Effect.result(client.withTelemetry(logged))
      assert.isNotEmpty(client.logs)
      assert.include(client.exportedSpans(), "USD:NGN")
      for (const secret of [ID, SECRET, encodeURIComponent(SECRET), "0123456789abcdef"]) {
        for (const output of [rendered(Result.merge(result)), client.logs.join("\n"), client.exportedSpans()])
          assert.notInclude(output, secret)
      }
    })
  )

  it.effect("works with the sandbox, through faults and an expired token", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.listen({ host: "127.0.0.1", port: 0 })
      const client = yield* connect(
        sandbox.baseUrl,
        {
          FLUTTERWAVE_SECRET_KEY: "",
          FLUTTERWAVE_BASE_URL: "",
          FLUTTERWAVE_CLIENT_ID: ID,
          FLUTTERWAVE_CLIENT_SECRET: SECRET,
          FLUTTERWAVE_V4_BASE_URL: `${sandbox.baseUrl}/v4`,
          FLUTTERWAVE_TOKEN_URL: `${sandbox.baseUrl}/v4/token`
        },
        FlutterwaveV4Client.make
      )
      for (const [fault, reason, requests] of [
        ["500", "Failing", 3],
        ["truncated", "Malformed", 3],
        ["429", "RateLimited", 3],
        ["expired", "Refused", 2]
      ] as const) {
        const requestsBefore = yield* sandbox.requestsTo("flutterwave-v4")
        yield* sandbox.injectFault({ provider: "flutterwave-v4", fault })
        assert.strictEqual((yield* Effect.flip(client.rate())).reason._tag, reason)
        assert.strictEqual((yield* sandbox.requestsTo("flutterwave-v4")) - requestsBefore, requests, fault)
        yield* sandbox.clearFaults
        for (const [from, to] of [
          ["USD", "NGN"],
          ["NGN", "USD"],
          ["EUR", "UGX"]
        ] as const)
          assert.strictEqual((yield* client.rate(from, to)).pair.key, `${from}:${to}`)
      }
      yield* sandbox.injectFault({ provider: "flutterwave-v4", fault: "expired", times: 1 })
      yield* client.rate()
    })
  )
})
