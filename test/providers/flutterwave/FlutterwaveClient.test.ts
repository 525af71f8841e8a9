import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { FlutterwaveClient } from "../../../src/providers/flutterwave/FlutterwaveClient.ts"
import * as Sandbox from "../../../src/providers/sandbox/Sandbox.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import { pairOf } from "../../support/RateTicks.ts"
import * as StubServer from "../StubServer.ts"
import { connect, SECRET_KEY } from "../ProviderTestClient.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("FlutterwaveClient", () => {
  it.effect("sends the documented request", () =>
    Effect.gen(function* () {
      const requests: Array<unknown> = []
      const baseUrl = yield* StubServer.listen((request, response) => {
        const { accept, authorization } = request.headers
        requests.push({ method: request.method, accept, authorization, ...StubServer.parseQuery(request) })
        response.end(StubServer.quotation("USD", "NGN", 250, 0.1625, 1538.46))
      })
      const client = yield* connect(`${baseUrl}/mock/`, { FLUTTERWAVE_AMOUNT: "250" })
      yield* client.rate("USD", "NGN")
      assert.deepStrictEqual(requests, [
        {
          method: "GET",
          accept: "application/json",
          authorization: `Bearer ${SECRET_KEY}`,
          pathname: "/mock/v3/transfers/rates",
          amount: "250",
          from: "USD",
          to: "NGN"
        }
      ])
    })
  )

  it.effect("returns the content and the time of the response", () =>
    Effect.gen(function* () {
      const text = StubServer.quotation("NGN", "USD", 1_000_000, 1440239425.5, 0.000694)
      const baseUrl = yield* StubServer.listen((_, response) => response.end(`\ufeff${text}\n`))
      const client = yield* connect(baseUrl)
      yield* TestClock.setTime(Date.UTC(2026, 10, 21))
      const tick = yield* client.rate("NGN", "USD")
      assert.deepStrictEqual(
        {
          ...tick,
          pair: tick.pair.key,
          rate: Decimal.format(tick.rate),
          sourceAmount: Decimal.format(tick.sourceAmount),
          destinationAmount: Decimal.format(tick.destinationAmount),
          observedAt: DateTime.formatIso(tick.observedAt)
        },
        {
          pair: "NGN:USD",
          rate: "0.000694328999952793",
          sourceAmount: "1440239425.5",
          destinationAmount: "1000000",
          providerRate: "0.000694",
          provider: "flutterwave",
          raw: `${text}\n`,
          observedAt: "2026-11-21T00:00:00.000Z"
        }
      )
      assert.strictEqual(yield* client.requests("success"), 1)
      assert.deepStrictEqual(client.logs, [])
    })
  )

  it.effect("marks rates of a remote sandbox", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.listen({ host: "127.0.0.1", port: 0 })
      const client = yield* connect(sandbox.baseUrl)
      assert.strictEqual((yield* client.rate()).provider, "sandbox")
    })
  )

  it.live("runs a built-in sandbox without a key or network", () =>
    Effect.gen(function* () {
      const { rate } = yield* FlutterwaveClient
      const tick = yield* rate(pairOf("USD", "NGN"))
      assert.strictEqual(tick.provider, "sandbox")
      assert.isTrue(BigDecimal.isPositive(tick.rate))
      const error = yield* Effect.flip(rate(pairOf("USD", "USD")))
      assert.deepStrictEqual([error.provider, error.reason._tag], ["sandbox", "NotQuoted"])
    }).pipe(
      Effect.provide(
        FlutterwaveClient.layerSandbox.pipe(Layer.provide([NodeHttpClient.layerUndici, TestSettings.layer()]))
      )
    )
  )

  it.effect("accepts the inverse convention of before April 2026, counts it and logs it once", () =>
    Effect.gen(function* () {
      const baseUrl = yield* StubServer.listen((request, response) => {
        const { from, to } = StubServer.parseQuery(request)
        response.end(StubServer.quotation(from, to, 1_000_000, 114_988_500, to === "USD" ? 114.9885 : 0.0087))
      })
      const client = yield* connect(baseUrl)
      for (const to of ["USD", "EUR", "USD", "USD"]) {
        const tick = yield* client.rate("KES", to)
        assert.strictEqual(Decimal.format(tick.rate), "0.00869652182609565")
      }
      assert.strictEqual(yield* client.inverseResponses, 3)
      assert.strictEqual(
        client.logs.filter((line) => line.includes("convention of before April 2026")).length,
        2
      )
      assert.strictEqual(client.logs.length, 2, "one warning, in two formats")
    })
  )

  it.effect("accepts a response in any chunks, with any 2xx status and content type", () =>
    Effect.gen(function* () {
      const text = StubServer.quotation("USD", "NGN", 1_000_000, 651.5, 1534.92)
      const baseUrl = yield* StubServer.listen((_, response) => {
        response.statusCode = 201
        response.setHeader("content-type", "text/plain")
        const bytes = Array.from(Buffer.from(text), (byte) => Buffer.of(byte))
        const writeNext = () => {
          const byte = bytes.shift()
          if (byte === undefined) response.end()
          else response.write(byte, () => setImmediate(writeNext))
        }
        writeNext()
      })
      const client = yield* connect(baseUrl)
      assert.strictEqual((yield* client.rate()).raw, text)
    })
  )

  it.effect("spaces requests by POLL_SPACING", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.listen({ host: "127.0.0.1", port: 0 })
      const client = yield* connect(sandbox.baseUrl, { POLL_SPACING: "2 seconds" })
      const requests = ["NGN", "KES", "GHS"].map((to) => client.requestRate("USD", to))
      yield* client.settle(Effect.all(requests, { concurrency: "unbounded" }))
      assert.deepStrictEqual(client.sentAt, [0, 2000, 4000])
    })
  )

  it.effect.prop(
    "returns the exact rate for any rate and convention",
    [int(100_000, 999_999), int(-11, 0), Schema.Boolean],
    ([mantissa, exponent, inverse]) =>
      Effect.gen(function* () {
        const rate = Number(`${mantissa}e${exponent}`)
        const shown = Number((inverse ? 1 / rate : rate).toPrecision(4))
        const baseUrl = yield* StubServer.listen((request, response) => {
          const { amount, from, to } = StubServer.parseQuery(request)
          response.end(StubServer.quotation(from, to, Number(amount), Number(amount) / rate, shown))
        })
        const client = yield* connect(baseUrl)
        const expected = Decimal.format(BigDecimal.make(BigInt(mantissa), -exponent))
        assert.strictEqual(Decimal.format((yield* client.rate("GBP", "UGX")).rate), expected)
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 100 } }
  )
})
