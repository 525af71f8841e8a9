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
import { connect } from "./WatchedClient.ts"

const ID = "client-0123456789abcdef"
const SECRET = "s3cr+t/0123456789=="

interface Asked {
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
const good = (response: ServerResponse) => response.writeHead(201).end(quotation)
const unauthorized = (response: ServerResponse) =>
  response.writeHead(401).end('{"status":"failed","error":{"code":"10401","message":"Unauthorized"}}')

/** A v4 that answers each request for a rate with the next of `answers`, the last one from then on. */
const played = Effect.fnUntraced(function* (
  answers: ReadonlyArray<(response: ServerResponse, asked: Asked) => void> = [good],
  life = 600,
  env: Record<string, string> = {}
) {
  const tokens: Array<Asked> = []
  const rates: Array<Asked> = []
  let tokenFails = false
  const baseUrl = yield* StubServer.listen((request, response) => {
    void text(request).then((body) => {
      const asked = { headers: request.headers, body }
      if (request.url === "/token") {
        tokens.push(asked)
        if (tokenFails) return response.writeHead(503).end("busy")
        return response.end(
          JSON.stringify({ access_token: `token-${tokens.length}-0123456789abcdef`, expires_in: life })
        )
      }
      assert.strictEqual(`${request.method} ${request.url}`, "POST /v4/transfers/rates")
      rates.push(asked)
      return (answers[rates.length - 1] ?? answers.at(-1) ?? good)(response, asked)
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
  return { ...client, tokens, rates, failTokens: (fails: boolean) => (tokenFails = fails) }
})

const bearers = (rates: ReadonlyArray<Asked>) =>
  rates.map(({ headers }) => Number(/^Bearer token-(\d+)-/.exec(headers.authorization ?? "")?.[1]))

describe("FlutterwaveV4Client", () => {
  it.effect("asks for a token and a rate as Flutterwave wants to be asked", () =>
    Effect.gen(function* () {
      const { rate, rates, tokens } = yield* played()
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

  it.effect("fetches one token for all who wait for it, and another one before it ends", () =>
    Effect.gen(function* () {
      const { ask, rate, rates, settle, tokens } = yield* played([good], 600)
      yield* settle(
        Effect.all(
          Array.from({ length: 10 }, () => ask("USD", "NGN")),
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

  it.effect("throws a refused token away, and asks once more with another", () =>
    Effect.gen(function* () {
      const { rate, rates, tokens } = yield* played([unauthorized, good])
      yield* rate()
      yield* rate()
      assert.deepStrictEqual(bearers(rates), [1, 2, 2])
      assert.strictEqual(tokens.length, 2)
    })
  )

  it.effect("does so once only, and once for all whose token is refused", () =>
    Effect.gen(function* () {
      const { rate, rates, tokens } = yield* played([unauthorized])
      const error = yield* Effect.flip(rate())
      assert.deepInclude(error.reason, { _tag: "Refused", status: 401 })
      assert.deepStrictEqual(bearers(rates), [1, 2])

      const both = yield* played([unauthorized, unauthorized, good])
      const asks = [both.ask("USD", "NGN"), both.ask("USD", "NGN")]
      yield* both.settle(Effect.all(asks, { concurrency: "unbounded" }))
      assert.deepStrictEqual([both.tokens.length, tokens.length], [2, 2])
    })
  )

  it.effect("says why it has no token, opens its circuit for that as well, and heals", () =>
    Effect.gen(function* () {
      const { failTokens, rate, rates, tokens } = yield* played()
      failTokens(true)
      const error = yield* Effect.flip(rate())
      assert.strictEqual(
        error.message,
        "flutterwave-v4 gave no rate for USD:NGN: it failed with 503 (no token: busy)"
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

  it.effect("uses a fresh key for each attempt, and takes no replay for a rate", () =>
    Effect.gen(function* () {
      const replay = (response: ServerResponse) =>
        response.writeHead(201, { "x-idempotency-cache-hit": "true" }).end(quotation)
      const { rate, rates } = yield* played([replay, (response) => response.destroy(), good])
      yield* rate()
      assert.strictEqual(new Set(rates.map(({ headers }) => headers["x-idempotency-key"])).size, 3)
      assert.strictEqual(new Set(rates.map(({ headers }) => headers["x-trace-id"])).size, 3)
    })
  )

  const echoes: ReadonlyArray<readonly [string, (response: ServerResponse, asked: Asked) => void]> = [
    [
      "a rate",
      (response, { headers }) =>
        response.end(quotation.replace("Rate created", String(headers.authorization)))
    ],
    ["a refusal", (response, { headers }) => response.writeHead(400).end(`${headers.authorization} ${ID}`)],
    ["a page", (response, { headers }) => response.end(`<p>${headers.authorization}</p>`)]
  ]
  it.effect.each(echoes)("shows neither its secret nor its token: %s", ([, answer]) =>
    Effect.gen(function* () {
      const client = yield* played([answer])
      const asked = client.rate().pipe(
        Effect.tap((made) => Effect.logInfo(made.raw)),
        Effect.tapCause((cause) => Effect.logError("failed", cause)),
        Effect.withSpan("test")
      )
      const result = yield* Effect.result(client.watched(asked))
      assert.isNotEmpty(client.logs)
      assert.include(client.traced(), "USD:NGN")
      for (const secret of [ID, SECRET, encodeURIComponent(SECRET), "0123456789abcdef"]) {
        for (const said of [rendered(Result.merge(result)), client.logs.join("\n"), client.traced()])
          assert.notInclude(said, secret)
      }
    })
  )

  it.effect("gets along with the sandbox, through faults and an expired token", () =>
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
        const before = yield* sandbox.requestsTo("flutterwave-v4")
        yield* sandbox.order({ provider: "flutterwave-v4", fault })
        assert.strictEqual((yield* Effect.flip(client.rate())).reason._tag, reason)
        assert.strictEqual((yield* sandbox.requestsTo("flutterwave-v4")) - before, requests, fault)
        yield* sandbox.clear
        for (const [from, to] of [
          ["USD", "NGN"],
          ["NGN", "USD"],
          ["EUR", "UGX"]
        ] as const)
          assert.strictEqual((yield* client.rate(from, to)).pair.key, `${from}:${to}`)
      }
      yield* sandbox.order({ provider: "flutterwave-v4", fault: "expired", times: 1 })
      yield* client.rate()
    })
  )
})
