import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Effect, Option, Result } from "effect"
import { TestClock } from "effect/testing"
import { CurrencyCode } from "../../../src/domain/money/Currency.ts"
import { configure } from "../../../src/domain/money/AssetPair.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as FixerResponse from "../../../src/providers/fixer/FixerResponse.ts"
import * as FrankfurterResponse from "../../../src/providers/frankfurter/FrankfurterResponse.ts"
import * as OpenExchangeRatesResponse from "../../../src/providers/openexchangerates/OpenExchangeRatesResponse.ts"
import { describe as describeReason } from "../../../src/providers/ProviderError.ts"
import type { TableQuotes } from "../../../src/providers/table/RateTable.ts"
import * as Sandbox from "../../../src/providers/sandbox/Sandbox.ts"

const listen = (seed = "test") => Sandbox.listen({ host: "127.0.0.1", port: 0, seed })

const send = (url: string, init: RequestInit = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, init)
    return { status: response.status, headers: response.headers, body: await response.text() }
  })

const putFault = (baseUrl: string, injection: unknown) =>
  send(`${baseUrl}/faults`, { method: "PUT", body: JSON.stringify(injection) })

const codes = (text: string) => text.split(",").map((code) => CurrencyCode.make(code))
const SOURCES = codes("USD,CAD,GBP,EUR")
const DESTINATIONS = codes("XOF,XAF,EGP,ETB,GHS,KES,MAD,NGN,ZAR,UGX,ZMW")

/** The table providers: request path and response reader. */
const tables = {
  fixer: {
    pivot: "EUR",
    path: "/fixer/latest?access_key=key&base=EUR&symbols=",
    read: FixerResponse.read
  },
  openexchangerates: {
    pivot: "USD",
    path: "/openexchangerates/latest.json?app_id=id&base=USD&symbols=",
    read: OpenExchangeRatesResponse.read
  },
  frankfurter: { pivot: "USD", path: "/frankfurter/rates?base=USD&quotes=", read: FrankfurterResponse.read }
} as const
type Table = keyof typeof tables
const names: ReadonlyArray<Table> = ["fixer", "openexchangerates", "frankfurter"]

/** Requests the rates of a provider and reads them as its client does. */
const requestQuotes = Effect.fnUntraced(function* (baseUrl: string, name: Table) {
  const { path, pivot, read } = tables[name]
  const currencies = [...SOURCES, ...DESTINATIONS].filter((code) => code !== pivot)
  const { body, headers, status } = yield* send(baseUrl + path + currencies.join(","))
  assert.strictEqual(headers.get(Sandbox.HEADER), "true")
  const response = { status, body, retryAfter: Option.none() }
  return read(response, { pivot: CurrencyCode.make(pivot), currencies })
})

const quoteOf = (quotes: TableQuotes, currency: string) =>
  Result.getOrThrow(quotes.get(CurrencyCode.make(currency)) ?? assert.fail(`no quote of ${currency}`))

const rate = (baseUrl: string, name: Table, currency: string) =>
  Effect.map(requestQuotes(baseUrl, name), (read) =>
    Decimal.format(quoteOf(Result.getOrThrow(read), currency).rate)
  )
const reason = (baseUrl: string, name: Table) =>
  Effect.map(requestQuotes(baseUrl, name), (read) =>
    describeReason(Option.getOrThrow(Result.getFailure(read)))
  )

describe("Sandbox", () => {
  for (const name of names) {
    it.live(`${name} has a current rate for every configured currency, close to the other providers`, () =>
      Effect.gen(function* () {
        const sandbox = yield* listen()
        const quotes = Result.getOrThrow(yield* requestQuotes(sandbox.baseUrl, name))
        assert.strictEqual(quotes.size, 14)
        const { all } = configure(SOURCES, DESTINATIONS)
        const one = BigDecimal.make(1n, 0)
        const now = yield* DateTime.now
        for (const { from, to } of all) {
          const [fromUnits, toUnits] = [from, to].map((code) =>
            quotes.has(code) ? quoteOf(quotes, code).rate : one
          )
          if (fromUnits === undefined || toUnits === undefined) return assert.fail()
          const mid = Decimal.quotient(toUnits, fromUnits)
          const other = yield* send(
            `${sandbox.baseUrl}/v3/transfers/rates?amount=1000000&source_currency=${from}&destination_currency=${to}`,
            { headers: { authorization: "Bearer key" } }
          )
          const ratio = Number(Decimal.format(mid)) / JSON.parse(other.body).data.rate
          // The spread of Flutterwave is 0.4 %.
          assert.closeTo(ratio, 1.004, 0.003, `${from}:${to}`)
        }
        for (const { quotedAt } of Array.from(quotes.values(), Result.getOrThrow)) {
          const days = (DateTime.toEpochMillis(now) - DateTime.toEpochMillis(quotedAt)) / 86_400_000
          assert.isTrue(days > -1 && days < 3, DateTime.formatIso(quotedAt))
        }
        assert.strictEqual(yield* sandbox.requestsTo(name), 1)
        assert.strictEqual(yield* sandbox.requests, 44)
      })
    )

    it.effect(`${name} has the injected faults, and no other provider has them`, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(Date.parse("2026-11-19T12:00:00Z"))
        const { baseUrl, clearFaults, injectFault } = yield* listen()
        const others = names.filter((other) => other !== name)
        yield* injectFault({ provider: name, fault: "500" })
        assert.include(yield* reason(baseUrl, name), "request failed with status 500")
        for (const other of others) yield* rate(baseUrl, other, "NGN")
        yield* injectFault({ provider: name, fault: "429", times: 1 })
        assert.strictEqual(yield* reason(baseUrl, name), "too many requests")
        yield* rate(baseUrl, name, "NGN")
        yield* injectFault({ provider: name, fault: "truncated" })
        assert.include(yield* reason(baseUrl, name), "malformed response (not JSON")

        yield* injectFault({ provider: name, fault: "frozen" })
        const frozen = yield* rate(baseUrl, name, "NGN")
        yield* TestClock.adjust("1 day")
        assert.strictEqual(yield* rate(baseUrl, name, "NGN"), frozen)

        const { pivot } = tables[name]
        yield* clearFaults
        const [ngn, ghs] = [yield* rate(baseUrl, name, "NGN"), yield* rate(baseUrl, name, "GHS")]
        yield* injectFault({ provider: name, fault: "jump", pairs: [`${pivot}:NGN`] })
        assert.closeTo(Number(yield* rate(baseUrl, name, "NGN")) / Number(ngn), 1.5, 0.01)
        assert.closeTo(Number(yield* rate(baseUrl, name, "GHS")) / Number(ghs), 1, 0.01)

        yield* injectFault({ provider: name, fault: "old" })
        const { quotedAt } = quoteOf(Result.getOrThrow(yield* requestQuotes(baseUrl, name)), "NGN")
        assert.strictEqual(DateTime.formatIsoDateUtc(quotedAt), "2026-11-10")
      })
    )
  }

  it.live("simulates Fixer's free plan, which sends errors with status 200", () =>
    Effect.gen(function* () {
      const { baseUrl, injectFault } = yield* listen()
      const get = (query: string, headers: Record<string, string> = {}) =>
        Effect.map(send(`${baseUrl}/fixer/latest?${query}`, { headers }), ({ body, status }) => {
          const { error, rates, success } = JSON.parse(body)
          return { status, success, code: error?.code, rates: rates && Object.keys(rates).join(",") }
        })
      const rejected = (code: number) => ({ status: 200, success: false, code, rates: undefined })
      assert.deepStrictEqual(yield* get("symbols=NGN"), rejected(101))
      assert.deepStrictEqual(yield* get("access_key=k&base=USD&symbols=NGN"), rejected(105))
      assert.deepStrictEqual(yield* get("access_key=k&symbols=XXX"), rejected(202))
      const success = { status: 200, success: true, code: undefined }
      assert.deepStrictEqual(yield* get("access_key=k&symbols=NGN,XXX,EUR"), { ...success, rates: "NGN,EUR" })
      assert.deepStrictEqual(yield* get("base=EUR&symbols=NGN", { apikey: "k" }), {
        ...success,
        rates: "NGN"
      })
      yield* injectFault({ provider: "fixer", fault: "quota" })
      assert.deepStrictEqual(yield* get("access_key=k"), rejected(104))
    })
  )

  it.live("simulates the free plan of Open Exchange Rates, which rejects with status 429", () =>
    Effect.gen(function* () {
      const { baseUrl, injectFault } = yield* listen()
      const get = (query: string) =>
        Effect.map(send(`${baseUrl}/openexchangerates/latest.json?${query}`), ({ body, status }) => [
          status,
          JSON.parse(body).message
        ])
      assert.deepStrictEqual(yield* get("base=USD"), [401, "missing_app_id"])
      assert.deepStrictEqual(yield* get("app_id=id&base=EUR"), [429, "not_allowed"])
      assert.deepStrictEqual(yield* get("app_id=id"), [200, undefined])
      yield* injectFault({ provider: "openexchangerates", fault: "not-allowed" })
      assert.deepStrictEqual(yield* get("app_id=id"), [429, "not_allowed"])
    })
  )

  it.live("simulates Frankfurter's time series with repeatable rates", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* listen()
      const get = (query: string, headers: Record<string, string> = {}) =>
        send(`${baseUrl}/frankfurter/rates?${query}`, { headers })
      const series = yield* get("base=USD&quotes=ngn,eur&from=2026-01-01&to=2026-01-06")
      const rows: Array<{ date: string; base: string; quote: string; rate: number }> = JSON.parse(series.body)
      assert.deepStrictEqual(
        rows.map(({ base, date, quote }) => `${date} ${base} ${quote}`),
        ["2026-01-01", "2026-01-02", "2026-01-05", "2026-01-06"].flatMap((day) => [
          `${day} USD EUR`,
          `${day} USD NGN`
        ])
      )
      for (const { quote, rate } of rows) {
        assert.closeTo(rate, quote === "NGN" ? 1534.5 : 0.86, quote === "NGN" ? 1 : 0.0005)
        assert.match(String(rate), quote === "NGN" ? /^\d{4}(\.\d\d?)?$/ : /^0\.\d{1,5}$/)
      }
      assert.strictEqual(new Set(rows.map(({ rate }) => rate)).size, 8)

      const lines = yield* get("base=USD&quotes=NGN,EUR&from=2026-01-01&to=2026-01-06", {
        accept: "application/x-ndjson"
      })
      assert.strictEqual(lines.headers.get("content-type"), "application/x-ndjson")
      assert.deepStrictEqual(
        lines.body
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line)),
        rows
      )
      // A Sunday has the rates of the previous Friday.
      const day = JSON.parse((yield* get("base=USD&quotes=NGN,EUR&date=2026-01-04")).body)
      assert.deepStrictEqual(day, rows.slice(2, 4))
      const reversed = yield* get("base=USD&from=2026-01-06&to=2026-01-01")
      assert.strictEqual(reversed.body, "[]")

      for (const [query, message] of [
        ["symbols=NGN", "unknown parameter: symbols"],
        ["from=yesterday", "invalid date"],
        ["date=2026-13-01", "invalid date"],
        ["date=2026-01-01&from=2026-01-01", "conflicting params"],
        ["quotes=NGN,XXX", "invalid currency: XXX"],
        ["base=XXX", "invalid currency: XXX"]
      ] as const) {
        const { body, status } = yield* get(query)
        assert.deepStrictEqual([status, JSON.parse(body)], [422, { status: 422, message }], query)
      }
    })
  )

  it.live("generates other rates for another seed", () =>
    Effect.gen(function* () {
      const day = (seed: string) =>
        Effect.flatMap(listen(seed), ({ baseUrl }) => send(`${baseUrl}/frankfurter/rates?date=2026-01-05`))
      assert.strictEqual((yield* day("a")).body, (yield* day("a")).body)
      assert.notStrictEqual((yield* day("a")).body, (yield* day("b")).body)
    })
  )

  it.live("rejects faults that a provider does not have", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* listen()
      for (const [injection, status] of [
        [{ fault: "inverse-amounts" }, 204],
        [{ provider: "flutterwave", fault: "inverse" }, 204],
        [{ provider: "fixer", fault: "quota" }, 204],
        [{ provider: "openexchangerates", fault: "quota" }, 400],
        [{ provider: "fixer", fault: "inverse" }, 400],
        [{ provider: "frankfurter", fault: "not-allowed" }, 400],
        [{ provider: "unknown", fault: "500" }, 400],
        [{ provider: "fixer" }, 400]
      ] as const) {
        assert.strictEqual((yield* putFault(baseUrl, injection)).status, status, JSON.stringify(injection))
      }
      assert.strictEqual((yield* send(`${baseUrl}/faults`, { method: "DELETE" })).status, 204)
      yield* rate(baseUrl, "fixer", "NGN")
    })
  )
})
