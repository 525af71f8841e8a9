import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as Massive from "../../../src/providers/massive/Massive.ts"
import { pairOf } from "../../support/RateTicks.ts"
import { type Answer, start as startSource, symbolsOf } from "../prices/PriceTestSource.ts"

const KEY = "massive-0123456789abcdef"
/** A Monday during trading hours: 10:00 in New York. */
const OPEN = "2026-11-30T15:00:00Z"
const SNAPSHOT = "/v2/snapshot/locale/us/markets/stocks/tickers"
const STOCKS = { AAPL: "AAPL", MSFT: "MSFT", "BRK.B": "BRK.B" }

const start = Effect.fnUntraced(function* (
  answer: (url: URL) => Answer,
  now: string = OPEN,
  symbols: Readonly<Record<string, string>> = STOCKS
) {
  yield* TestClock.setTime(Date.parse(now))
  return yield* startSource({
    symbols: symbolsOf("stock", symbols),
    answer,
    env: (baseUrl) => ({
      PROVIDERS: "sandbox",
      PRICE_PROVIDERS: "massive",
      MASSIVE_BASE_URL: baseUrl,
      MASSIVE_API_KEY: KEY
    }),
    make: Massive.makeFromSettings
  })
})

/** Nanoseconds as in the documentation, beyond 2^53. */
const nanos = (time: string) => `${Date.parse(time)}274123`
const trade = (ticker: string, price: string, time: string) =>
  `{"day":{"c":${price},"h":0,"l":0,"o":0,"v":1,"vw":0},"lastTrade":{"c":[14,41],"i":"4046","p":${price},"s":236,"t":${nanos(time)},"x":4},"min":{"c":20.506,"t":1},"prevDay":{"c":20.63},"ticker":"${ticker}","todaysChange":-0.124,"updated":${nanos(time)}}`
const snapshot = (...tickers: ReadonlyArray<string>) =>
  `{"count":${tickers.length},"status":"OK","tickers":[${tickers.join(",")}]}`
const body = (text: string) => (): Answer => ({ body: text })
const quotedAt = (tick: { readonly quotedAt?: DateTime.Utc | undefined }) =>
  tick.quotedAt && DateTime.formatIso(tick.quotedAt)

describe("Massive", () => {
  it.effect("requests a snapshot of all tickers, and reads price and time exactly", () =>
    Effect.gen(function* () {
      const source = yield* start(
        body(
          snapshot(
            trade("AAPL", "251.123456789012345678", "2026-11-30T14:59:58.123Z"),
            trade("BRK.B", "480.5", "2026-11-30T14:59:00Z")
          )
        )
      )
      const tick = yield* source.price("AAPL")
      assert.strictEqual(Decimal.format(tick.rate), "251.123456789012345678")
      assert.strictEqual(tick.provider, "massive")
      assert.strictEqual(quotedAt(tick), "2026-11-30T14:59:58.123Z")
      assert.strictEqual(
        tick.raw,
        `{"tickers":[${trade("AAPL", "251.123456789012345678", "2026-11-30T14:59:58.123Z")}]}`
      )
      assert.strictEqual(Decimal.format((yield* source.price("BRK.B")).rate), "480.5")
      const [request] = source.requests
      assert.strictEqual(source.requests.length, 1)
      assert.strictEqual(request?.url.pathname, SNAPSHOT)
      assert.strictEqual(request?.url.searchParams.get("tickers"), "AAPL,MSFT,BRK.B")
      assert.strictEqual(request?.headers.authorization, `Bearer ${KEY}`)
      assert.notInclude(source.exportedSpans(), KEY)
    }).pipe(Effect.scoped)
  )

  it.effect("uses the bars of plans without trades, and accepts the status DELAYED", () =>
    Effect.gen(function* () {
      const time = "2026-11-30T14:45:00.000Z"
      const source = yield* start(
        body(
          `{"status":"DELAYED","tickers":[` +
            `{"ticker":"AAPL","min":{"c":250.25,"t":${Date.parse(time)}},"day":{"c":250},"prevDay":{"c":249},"updated":${nanos(time)}},` +
            `{"ticker":"MSFT","min":{"c":0,"t":0},"day":{"c":450.5},"prevDay":{"c":449},"updated":${nanos(time)}},` +
            `{"ticker":"BRK.B","day":{"c":0},"lastTrade":null,"prevDay":{"c":480.75},"updated":0}]}`
        )
      )
      const prices = yield* Effect.forEach(["AAPL", "MSFT", "BRK.B"], source.price)
      assert.deepStrictEqual(
        prices.map((tick) => [Decimal.format(tick.rate), quotedAt(tick)]),
        [
          ["250.25", time],
          ["450.5", time],
          // The Friday after Thanksgiving, with an early close.
          ["480.75", "2026-11-27T18:00:00.000Z"]
        ]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("refuses a ticker that is missing, and one without a price", () =>
    Effect.gen(function* () {
      const source = yield* start(body(snapshot(trade("AAPL", "250", OPEN), `{"ticker":"MSFT"}`)))
      assert.strictEqual(Decimal.format((yield* source.price("AAPL")).rate), "250")
      for (const code of ["MSFT", "BRK.B"])
        assert.strictEqual((yield* source.reasonOf(code))._tag, "Untraded", code)
      const empty = yield* start(body(`{"status":"OK","count":0}`))
      assert.strictEqual((yield* empty.reasonOf("AAPL"))._tag, "Untraded")
    }).pipe(Effect.scoped)
  )

  it.effect("refuses a halted ticker: no trade for an hour although the market was open", () =>
    Effect.gen(function* () {
      const friday = "2026-11-27T17:59:00Z"
      // 29 minutes after the open, and a minute before the close of Friday.
      const halted = trade("AAPL", "250", friday)
      const early = yield* start(body(snapshot(halted)), "2026-11-30T14:59:00Z")
      assert.strictEqual(Decimal.format((yield* early.price("AAPL")).rate), "250")
      const late = yield* start(body(snapshot(halted)), "2026-11-30T15:30:00Z")
      const reason = yield* late.reasonOf("AAPL")
      assert.strictEqual(reason._tag, "Untraded")
      assert.include(
        "detail" in reason ? reason.detail : "",
        "no trade of AAPL since 2026-11-27T17:59:00.000Z"
      )
      // Over the weekend, a ticker that was halted on Friday morning.
      const weekend = yield* start(
        body(snapshot(trade("AAPL", "250", "2026-11-27T15:00:00Z"))),
        "2026-11-28T12:00:00Z"
      )
      assert.strictEqual((yield* weekend.reasonOf("AAPL"))._tag, "Untraded")
    }).pipe(Effect.scoped)
  )

  it.effect("serves the last trade over a weekend and a holiday", () =>
    Effect.gen(function* () {
      const friday = yield* start(
        body(snapshot(trade("AAPL", "250", "2026-11-27T17:59:59.000Z"))),
        "2026-11-29T12:00:00Z"
      )
      assert.strictEqual(Decimal.format((yield* friday.price("AAPL")).rate), "250")
      const holiday = yield* start(
        body(snapshot(trade("AAPL", "250", "2026-11-25T20:59:59.000Z"))),
        "2026-11-26T20:00:00Z"
      )
      assert.strictEqual(Decimal.format((yield* holiday.price("AAPL")).rate), "250")
    }).pipe(Effect.scoped)
  )

  const previous = (ticker: string, time: string, close = "115.97") =>
    `{"ticker":"${ticker}","queryCount":1,"resultsCount":1,"adjusted":true,"results":[{"T":"${ticker}","v":131704427,"vw":116.3058,"o":115.55,"c":${close},"h":117.59,"l":114.13,"t":${Date.parse(time)}}],"status":"OK","request_id":"6a7e","count":1}`
  const notEntitled: Answer = {
    status: 403,
    body: `{"status":"NOT_AUTHORIZED","request_id":"6a7e","message":"You are not entitled to this data. Please upgrade your plan"}`
  }
  const tickerOf = ({ pathname }: URL) => pathname.split("/")[4] ?? ""
  const closes = (answer: (ticker: string) => string) => (url: URL) =>
    url.pathname === SNAPSHOT ? notEntitled : { body: answer(tickerOf(url)) }

  it.effect(
    "uses the previous close where the plan has no snapshots, and keeps it until the next close",
    () =>
      Effect.gen(function* () {
        // The documented sample states the close of the day, other answers its start.
        const source = yield* start(
          closes((ticker) =>
            previous(ticker, ticker === "AAPL" ? "2026-11-27T18:00:00Z" : "2026-11-27T05:00:00Z")
          )
        )
        for (const code of ["AAPL", "MSFT"]) {
          const tick = yield* source.price(code)
          assert.strictEqual(Decimal.format(tick.rate), "115.97")
          assert.strictEqual(quotedAt(tick), "2026-11-27T18:00:00.000Z")
        }
        assert.strictEqual((yield* source.price("AAPL")).raw, previous("AAPL", "2026-11-27T18:00:00Z"))
        assert.deepStrictEqual(
          source.requests.map(({ url }) => `${url.pathname}${url.search}`.replace(/tickers\?.*/, "tickers")),
          [SNAPSHOT, "/v2/aggs/ticker/AAPL/prev?adjusted=true", "/v2/aggs/ticker/MSFT/prev?adjusted=true"]
        )
        yield* TestClock.setTime(Date.parse("2026-11-30T20:59:00Z"))
        yield* source.price("AAPL")
        assert.strictEqual(source.requests.filter(({ url }) => url.pathname.endsWith("AAPL/prev")).length, 1)
        yield* TestClock.setTime(Date.parse("2026-11-30T21:01:00Z"))
        yield* source.price("AAPL")
        assert.strictEqual(source.requests.filter(({ url }) => url.pathname.endsWith("AAPL/prev")).length, 2)
      }).pipe(Effect.scoped)
  )

  it.effect("sends five requests a minute for previous closes, and does not wait", () =>
    Effect.gen(function* () {
      const symbols = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`S${index}`, `S${index}`]))
      const source = yield* start(
        closes((ticker) => previous(ticker, "2026-11-27T18:00:00Z")),
        OPEN,
        symbols
      )
      const tags = yield* Effect.forEach(Object.keys(symbols), (code) =>
        source.price(code).pipe(
          Effect.as("priced"),
          Effect.catch(({ reason }) => Effect.succeed(reason._tag))
        )
      )
      assert.deepStrictEqual(tags, [
        ...Array.from({ length: 5 }, () => "priced"),
        ...Array.from({ length: 3 }, () => "RateLimited")
      ])
      yield* TestClock.adjust(Duration.minutes(1))
      assert.strictEqual(Decimal.format((yield* source.price("S7")).rate), "115.97")
    }).pipe(Effect.scoped)
  )

  it.effect("refuses a previous close without results, and one that is older than the last session", () =>
    Effect.gen(function* () {
      const source = yield* start(
        closes((ticker) =>
          ticker === "AAPL"
            ? `{"ticker":"AAPL","queryCount":0,"resultsCount":0,"adjusted":true,"status":"OK","request_id":"6a7e","count":0}`
            : previous(ticker, "2026-11-20T21:00:00Z")
        )
      )
      for (const code of ["AAPL", "MSFT"])
        assert.strictEqual((yield* source.reasonOf(code))._tag, "Untraded", code)
    }).pipe(Effect.scoped)
  )

  it.effect("maps documented errors", () =>
    Effect.gen(function* () {
      for (const [status, text, tag] of [
        [401, `{"status":"ERROR","request_id":"6a7e","error":"Unknown API Key"}`, "Refused"],
        [200, `{"status":"ERROR","request_id":"6a7e","error":"Internal error"}`, "Failing"],
        [500, "Internal Server Error", "Failing"],
        [200, "<html><title>502 Bad Gateway</title></html>", "Malformed"],
        [200, `{"status":"OK","tickers":"none"}`, "Malformed"],
        [429, `{"status":"ERROR","error":"You've exceeded the maximum requests per minute"}`, "RateLimited"]
      ] as const) {
        const source = yield* start(() => ({ status, body: text }))
        assert.strictEqual((yield* source.reasonOf("AAPL"))._tag, tag, text)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("quotes prices of stocks in US dollars only", () =>
    Effect.gen(function* () {
      const source = yield* start(body("{}"))
      assert.isTrue(source.quotes(pairOf("AAPL", "USD")))
      assert.isFalse(source.quotes(pairOf("AAPL", "EUR")))
      assert.isFalse(source.quotes(pairOf("USD", "NGN")))
      assert.isFalse(source.quotes(pairOf("BTC", "USD")))
    }).pipe(Effect.scoped)
  )
})
