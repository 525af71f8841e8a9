import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Result } from "effect"
import { TestClock } from "effect/testing"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as CoinGecko from "../../../src/providers/coingecko/CoinGecko.ts"
import { pairOf } from "../../support/RateTicks.ts"
import { type Answer, start as startSource, symbolsOf } from "../prices/PriceTestSource.ts"

const KEY = "CG-0123456789abcdef"
const NOW = Date.parse("2026-11-28T12:00:00Z")
const SECONDS = NOW / 1000
const COINS = { BTC: "bitcoin", ETH: "ethereum", PEPE: "pepe" }

const start = Effect.fnUntraced(function* (
  answer: (url: URL) => Answer,
  symbols: Readonly<Record<string, string>> = COINS
) {
  yield* TestClock.setTime(NOW)
  return yield* startSource({
    symbols: symbolsOf("crypto", symbols),
    answer,
    env: (baseUrl) => ({
      PROVIDERS: "sandbox",
      COINGECKO_BASE_URL: `${baseUrl}/api/v3`,
      COINGECKO_API_KEY: KEY
    }),
    make: CoinGecko.makeFromSettings
  })
})

const body = (text: string) => (): Answer => ({ body: text })
const error =
  (status: number, code: number, message: string, headers = {}) =>
  (): Answer => ({
    status,
    headers,
    body: JSON.stringify({ status: { error_code: code, error_message: message } })
  })

describe("CoinGecko", () => {
  it.effect("requests all coins at once with the key in a header, and reads the prices exactly", () =>
    Effect.gen(function* () {
      const source = yield* start(
        body(
          `{"bitcoin":{"usd":67187.3358936566123456,"last_updated_at":${SECONDS}},` +
            `"ethereum":{"usd":3421.5,"last_updated_at":${SECONDS}},"pepe":{"usd":1.2e-8,"last_updated_at":${SECONDS}}}`
        )
      )
      const tick = yield* source.price("BTC")
      assert.strictEqual(Decimal.format(tick.rate), "67187.3358936566123456")
      assert.strictEqual(tick.providerRate, "67187.3358936566123456")
      assert.strictEqual(tick.provider, "coingecko")
      assert.strictEqual(tick.raw, `{"bitcoin":{"usd":67187.3358936566123456,"last_updated_at":${SECONDS}}}`)
      assert.strictEqual(tick.quotedAt && DateTime.toEpochMillis(tick.quotedAt), NOW)
      assert.strictEqual(Decimal.format((yield* source.price("ETH")).rate), "3421.5")
      assert.strictEqual(Decimal.format((yield* source.price("PEPE")).rate), "0.000000012")
      const [request] = source.requests
      assert.strictEqual(source.requests.length, 1)
      assert.strictEqual(request?.url.pathname, "/api/v3/simple/price")
      assert.deepStrictEqual(Object.fromEntries(request?.url.searchParams ?? []), {
        ids: "bitcoin,ethereum,pepe",
        vs_currencies: "usd",
        include_last_updated_at: "true",
        precision: "full"
      })
      assert.strictEqual(request?.headers["x-cg-demo-api-key"], KEY)
      assert.notInclude(source.exportedSpans(), KEY)
      assert.notInclude(source.logs.join("\n"), KEY)
    }).pipe(Effect.scoped)
  )

  it.effect("needs few requests for 500 assets that are polled at once", () =>
    Effect.gen(function* () {
      const symbols = Object.fromEntries(
        Array.from({ length: 500 }, (_, index) => [`C${index}`, `some-long-coin-name-${index}`])
      )
      const source = yield* start((url) => {
        const ids = (url.searchParams.get("ids") ?? "").split(",")
        assert.isBelow(url.toString().length, 6500)
        return {
          body: JSON.stringify(
            Object.fromEntries(ids.map((id) => [id, { usd: 1.5, last_updated_at: SECONDS }]))
          )
        }
      }, symbols)
      const ticks = yield* source.settle(
        Effect.forEach(Object.keys(symbols), (code) => source.requestRate(code, "USD", { isPoll: true }), {
          concurrency: "unbounded"
        })
      )
      assert.strictEqual(ticks.length, 500)
      assert.isAtMost(source.requests.length, 5)
    }).pipe(Effect.scoped)
  )

  it.effect("refuses only the assets whose ids or prices are missing", () =>
    Effect.gen(function* () {
      const source = yield* start(
        body(
          `{"bitcoin":{"usd":67187.5,"last_updated_at":${SECONDS}},"pepe":{"usd":null,"last_updated_at":null}}`
        )
      )
      assert.strictEqual(Decimal.format((yield* source.price("BTC")).rate), "67187.5")
      for (const code of ["ETH", "PEPE"]) assert.strictEqual((yield* source.reasonOf(code))._tag, "Untraded")
      assert.strictEqual(source.requests.length, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("refuses prices that are not positive decimals, and the others not", () =>
    Effect.gen(function* () {
      const coin = (usd: string) => `{"usd":${usd},"last_updated_at":${SECONDS}}`
      const symbols = { A: "a", B: "b", C: "c", D: "d", E: "e", F: "f", BTC: "bitcoin" }
      const source = yield* start(
        body(
          `{"a":${coin("0")},"b":${coin("-1.5")},"c":${coin('"12"')},"d":${coin("1e999999999")},` +
            `"e":{"usd":1.5},"f":{"usd":1.5,"usd":2.5,"last_updated_at":${SECONDS}},"bitcoin":${coin("2")}}`
        ),
        symbols
      )
      for (const code of ["A", "B", "D", "E", "F"])
        assert.strictEqual((yield* source.reasonOf(code))._tag, "Contradictory", code)
      assert.strictEqual(Decimal.format((yield* source.price("BTC")).rate), "2")
    }).pipe(Effect.scoped)
  )

  it.effect("refuses a coin that has not been traded for hours", () =>
    Effect.gen(function* () {
      const source = yield* start(body(`{"bitcoin":{"usd":67187.5,"last_updated_at":${SECONDS - 3601}}}`))
      assert.strictEqual((yield* source.reasonOf("BTC"))._tag, "Untraded")
    }).pipe(Effect.scoped)
  )

  it.effect("waits for Retry-After after 429, and then succeeds", () =>
    Effect.gen(function* () {
      let count = 0
      const source = yield* start(() =>
        count++ === 0
          ? error(429, 429, "You've exceeded the Rate Limit.", { "retry-after": "3" })()
          : { body: `{"bitcoin":{"usd":1.5,"last_updated_at":${SECONDS}}}` }
      )
      assert.strictEqual(Decimal.format((yield* source.price("BTC")).rate), "1.5")
      const [first = 0, second = 0] = source.sentAt
      assert.isAtLeast(second - first, 3000)
    }).pipe(Effect.scoped)
  )

  it.effect("maps documented errors, without a retry where none helps", () =>
    Effect.gen(function* () {
      for (const [answer, tag, detail] of [
        [error(401, 10002, "API Key Missing"), "Refused", "10002 API Key Missing"],
        [
          () => ({ status: 400, body: `{"error_code":10010,"error_message":"use pro-api.coingecko.com"}` }),
          "Refused",
          "10010 use pro-api.coingecko.com"
        ],
        [
          () => ({ status: 422, body: `{"error":"Missing parameter ids"}` }),
          "Refused",
          "Missing parameter ids"
        ],
        [error(403, 1020, "Access Denied"), "Refused", "1020 Access Denied"]
      ] as const) {
        const source = yield* start(answer)
        const reason = yield* source.reasonOf("BTC")
        assert.strictEqual(reason._tag, tag)
        assert.include("detail" in reason ? reason.detail : "", detail)
        assert.strictEqual(source.requests.length, 1)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("returns failures of the server and pages instead of JSON as failures of the provider", () =>
    Effect.gen(function* () {
      const html = yield* start(body("<!DOCTYPE html><title>Just a moment...</title>"))
      assert.strictEqual((yield* html.reasonOf("BTC"))._tag, "Malformed")
      const failing = yield* start(() => ({ status: 503, body: "<html>Service Unavailable</html>" }))
      assert.strictEqual((yield* failing.reasonOf("BTC"))._tag, "Failing")
      const truncated = yield* start(body(`{"bitcoin":{"usd":67187.5,"last_up`))
      assert.strictEqual((yield* truncated.reasonOf("BTC"))._tag, "Malformed")
      const list = yield* start(body(`[]`))
      assert.strictEqual((yield* list.reasonOf("BTC"))._tag, "Malformed")
    }).pipe(Effect.scoped)
  )

  it.effect("quotes prices in US dollars of assets with an id, and sends no request for others", () =>
    Effect.gen(function* () {
      const source = yield* start(body("{}"))
      const result = yield* Effect.result(source.rate("USD", "NGN"))
      assert.isTrue(Result.isFailure(result) && result.failure.reason._tag === "NotQuoted")
      assert.strictEqual((yield* source.reasonOf("DOGE"))._tag, "NotQuoted")
      assert.strictEqual(source.requests.length, 0)
      assert.isTrue(source.quotes(pairOf("BTC", "USD")))
      assert.isFalse(source.quotes(pairOf("BTC", "EUR")))
      assert.isFalse(source.quotes(pairOf("USD", "BTC")))
      assert.isFalse(source.quotes(pairOf("USD", "NGN")))
    }).pipe(Effect.scoped)
  )

  it.effect("reuses a response for 10 seconds", () =>
    Effect.gen(function* () {
      const source = yield* start(body(`{"bitcoin":{"usd":1.5,"last_updated_at":${SECONDS}}}`))
      yield* source.price("BTC")
      yield* TestClock.adjust(Duration.seconds(9))
      yield* source.price("BTC")
      assert.strictEqual(source.requests.length, 1)
      yield* TestClock.adjust(Duration.seconds(2))
      yield* source.price("BTC")
      assert.strictEqual(source.requests.length, 2)
    }).pipe(Effect.scoped)
  )
})
