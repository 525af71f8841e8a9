import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Fiber, Layer, Result, Tracer } from "effect"
import { SecureRandom } from "effect/crypto"
import { HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import type { IncomingMessage, ServerResponse } from "node:http"
import { inspect } from "node:util"
import { CurrencyCode } from "../../../src/domain/money/Currency.ts"
import { configure } from "../../../src/domain/money/AssetPair.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as Fixer from "../../../src/providers/fixer/Fixer.ts"
import * as Frankfurter from "../../../src/providers/frankfurter/Frankfurter.ts"
import * as OpenExchangeRates from "../../../src/providers/openexchangerates/OpenExchangeRates.ts"
import { rendered } from "../../config/RenderedValue.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import { pairOf } from "../../support/RateTicks.ts"
import * as StubServer from "../StubServer.ts"
import { connect } from "../ProviderTestClient.ts"

const KEY = "0123456789abcdef-secret"
const NOW = Date.parse("2026-11-20T12:00:00Z")

const codes = (text: string) => text.split(",").map((code) => CurrencyCode.make(code))
const { all } = configure(codes("USD,CAD,GBP,EUR"), codes("XOF,XAF,EGP,ETB,GHS,KES,MAD,NGN,ZAR,UGX,ZMW"))

const fixer = {
  name: "fixer",
  make: Fixer.make,
  env: (baseUrl: string) => ({ PROVIDERS: "fixer", FIXER_BASE_URL: baseUrl, FX_API_KEY: KEY }),
  path: "/latest",
  query: { access_key: KEY, base: "EUR" },
  list: "symbols",
  response: (currencies: ReadonlyArray<string>) => ({
    success: true,
    timestamp: NOW / 1000,
    base: "EUR",
    date: "2026-11-20",
    rates: rates(currencies)
  })
}
const openExchangeRates = {
  name: "openexchangerates",
  make: OpenExchangeRates.make,
  env: (baseUrl: string) => ({
    PROVIDERS: "openexchangerates",
    OPENEXCHANGERATES_BASE_URL: baseUrl,
    OPENEXCHANGERATES_APP_ID: KEY
  }),
  path: "/latest.json",
  query: { app_id: KEY, base: "USD" },
  list: "symbols",
  response: (currencies: ReadonlyArray<string>) => ({
    timestamp: NOW / 1000,
    base: "USD",
    rates: rates(currencies)
  })
}
const frankfurter = {
  name: "frankfurter",
  make: Frankfurter.make,
  env: (baseUrl: string) => ({ PROVIDERS: "frankfurter", FRANKFURTER_BASE_URL: baseUrl }),
  path: "/rates",
  query: { base: "USD" },
  list: "quotes",
  response: (currencies: ReadonlyArray<string>) =>
    currencies.map((quote, index) => ({ date: "2026-11-20", base: "USD", quote, rate: index + 1.5 }))
}
const providers = [fixer, openExchangeRates, frankfurter]

const rates = (currencies: ReadonlyArray<string>) =>
  Object.fromEntries(currencies.map((currency, index) => [currency, index + 1.5]))

const query = (request: IncomingMessage) => {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost")
  return { pathname, params: Object.fromEntries(searchParams) }
}

/** A client of a stub provider with the given handler; without one, it returns rates. */
const connectTo = Effect.fnUntraced(function* (
  provider: (typeof providers)[number],
  handler?: (request: IncomingMessage, response: ServerResponse, count: number) => void,
  env: Readonly<Record<string, string>> = {}
) {
  yield* TestClock.setTime(NOW)
  const requests: Array<IncomingMessage> = []
  const baseUrl = yield* StubServer.listen((request, response) => {
    requests.push(request)
    if (handler !== undefined) return handler(request, response, requests.length)
    const currencies = query(request).params[provider.list]?.split(",") ?? []
    response.end(JSON.stringify(provider.response(currencies)))
  })
  const client = yield* connect(baseUrl, { ...provider.env(baseUrl), ...env }, provider.make)
  const rateOf = (pair: (typeof all)[number]) => client.rate(pair.from, pair.to)
  return { ...client, requests, rateOf }
})

const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))

describe("TableSource", () => {
  for (const provider of providers) {
    it.effect(`sends one request to ${provider.name} for all pairs`, () =>
      Effect.gen(function* () {
        const { requestRate, requests, settle } = yield* connectTo(provider)
        const ticks = yield* settle(
          Effect.forEach(all, ({ from, to }) => requestRate(from, to), { concurrency: "unbounded" })
        )
        assert.strictEqual(ticks.length, 44)
        const [request, ...others] = requests
        if (request === undefined) return assert.fail("no request was sent")
        assert.strictEqual(others.length, 0)
        const { params, pathname } = query(request)
        const { [provider.list]: list = "", ...otherParams } = params
        assert.strictEqual(pathname, provider.path)
        assert.deepStrictEqual(otherParams, { ...provider.query })
        assert.strictEqual(list.split(",").length, 14)
        assert.notInclude(list, provider.query.base)

        for (const [index, tick] of ticks.entries()) {
          assert.strictEqual(tick.pair.key, all[index]?.key)
          assert.strictEqual(tick.provider, provider.name)
          assert.strictEqual(DateTime.toEpochMillis(tick.observedAt), NOW)
          assert.strictEqual(tick.quotedAt && DateTime.toEpochMillis(tick.quotedAt), NOW)
          assert.strictEqual(tick.raw, ticks[0]?.raw)
          assert.strictEqual(tick.legs?.length, tick.pair.from === provider.query.base ? undefined : 2)
        }
        const legs = new Set(ticks.flatMap(({ legs = [] }) => legs.map(({ id }) => id)))
        assert.strictEqual(legs.size, 14)
      })
    )
  }

  for (const provider of providers) {
    it.effect(`returns the other pairs of ${provider.name} when the cell of one currency is not a rate`, () =>
      Effect.gen(function* () {
        const { requestRate, requests, settle } = yield* connectTo(provider, (request, response) => {
          const currencies = query(request).params[provider.list]?.split(",") ?? []
          const zar = String(currencies.indexOf("ZAR") + 1.5)
          const text = JSON.stringify(provider.response(currencies))
          response.end(text.replace(`"ZAR":${zar}`, '"ZAR":null').replace(`"ZAR","rate":${zar}`, '"ZAR"'))
        })
        const results = yield* settle(
          Effect.forEach(all, ({ from, to }) => Effect.result(requestRate(from, to)), {
            concurrency: "unbounded"
          })
        )
        const failures = results.flatMap((result) => (Result.isFailure(result) ? [result.failure] : []))
        assert.deepStrictEqual(
          failures.map(({ pair, reason }) => `${pair.key} ${reason._tag}`),
          all.filter(({ to }) => to === "ZAR").map(({ key }) => `${key} Contradictory`)
        )
        assert.strictEqual(requests.length, 1)
      })
    )
  }

  // The test clock advances by a fraction of a second during each request.
  it.effect("reuses a table for ten seconds", () =>
    Effect.gen(function* () {
      const { rate, requests } = yield* connectTo(fixer)
      const first = yield* rate("USD", "NGN")
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual((yield* rate("GBP", "KES")).observedAt, first.observedAt)
      assert.strictEqual(requests.length, 1)
      yield* TestClock.adjust("1 second")
      const second = yield* rate("USD", "NGN")
      assert.isAbove(DateTime.toEpochMillis(second.observedAt), NOW + 10_000)
      assert.notStrictEqual(second.legs?.[0]?.id, first.legs?.[0]?.id)
      assert.strictEqual(requests.length, 2)
    })
  )

  it.effect("reuses a table for at most half of the poll interval", () =>
    Effect.gen(function* () {
      const { rate, requests } = yield* connectTo(fixer, undefined, { POLL_INTERVAL: "4 seconds" })
      yield* rate()
      yield* TestClock.adjust("1 second")
      yield* rate()
      assert.strictEqual(requests.length, 1)
      yield* TestClock.adjust("1 second")
      yield* rate()
      assert.strictEqual(requests.length, 2)
    })
  )

  it.effect("reuses a table up to the maximum age of a comparison", () =>
    Effect.gen(function* () {
      const { recent, requests } = yield* connectTo(frankfurter)
      const compare = (maxAge: Duration.Input) => recent("USD", "NGN", Duration.fromInputUnsafe(maxAge))
      const { observedAt } = yield* compare("1 hour")
      yield* TestClock.adjust("59 minutes")
      assert.deepStrictEqual((yield* compare("1 hour")).observedAt, observedAt)
      assert.strictEqual(requests.length, 1)
      const later = yield* compare("10 minutes")
      assert.isAtLeast(DateTime.toEpochMillis(later.observedAt), NOW + 59 * 60_000)
      assert.strictEqual(requests.length, 2)
    })
  )

  it.effect("shares a failure between concurrent requests for a second", () =>
    Effect.gen(function* () {
      const { rate, requestRate, requests, settle } = yield* connectTo(fixer, (_, response) =>
        json(response, 200, { success: false, error: { code: 105, type: "base_currency_access_restricted" } })
      )
      const poll = settle(
        Effect.forEach(all, ({ from, to }) => Effect.flip(requestRate(from, to)), { concurrency: 4 })
      )
      const errors = yield* poll
      assert.strictEqual(requests.length, 1)
      assert.deepStrictEqual(
        errors.map(({ pair, provider, reason }) => [provider, pair.key, reason._tag]),
        all.map(({ key }) => ["fixer", key, "Refused"])
      )
      yield* TestClock.adjust("1 second")
      yield* Effect.flip(rate())
      assert.strictEqual(requests.length, 2)
    })
  )

  const fixerErrors = [
    [101, "Refused"],
    [104, "RateLimited"],
    [105, "Refused"],
    [202, "Refused"]
  ] as const
  it.effect.each(fixerErrors)("reports Fixer's error %i with HTTP 200 without a retry", ([code, tag]) =>
    Effect.gen(function* () {
      const { rate, requests } = yield* connectTo(fixer, (_, response) =>
        json(response, 200, { success: false, error: { code, type: "x" } })
      )
      const { reason } = yield* Effect.flip(rate())
      assert.deepStrictEqual([reason._tag, requests.length], [tag, 1])
    })
  )

  it.effect("reports not_allowed with status 429 as rejected, without a retry", () =>
    Effect.gen(function* () {
      const { rate, requests } = yield* connectTo(openExchangeRates, (_, response) =>
        json(response, 429, { error: true, status: 429, message: "not_allowed", description: "Not yours." })
      )
      const error = yield* Effect.flip(rate())
      assert.strictEqual(
        error.message,
        "openexchangerates returned no rate for USD:NGN: request rejected with status 429 (not_allowed Not yours.)"
      )
      assert.strictEqual(requests.length, 1)
    })
  )

  it.effect("retries after 429 and 500, and dates the rate at the successful request", () =>
    Effect.gen(function* () {
      const { rate, requests, sentAt } = yield* connectTo(openExchangeRates, (request, response, count) => {
        if (count < 3) {
          response.writeHead(count === 1 ? 429 : 500, { "retry-after": "2" }).end()
          return
        }
        const currencies = query(request).params["symbols"]?.split(",") ?? []
        response.end(JSON.stringify(openExchangeRates.response(currencies)))
      })
      const tick = yield* rate()
      assert.strictEqual(requests.length, 3)
      assert.strictEqual(DateTime.toEpochMillis(tick.observedAt), sentAt[2])
    })
  )

  it.effect("rejects pairs that are missing in the table", () =>
    Effect.gen(function* () {
      const { rate, requests } = yield* connectTo(openExchangeRates, (_, response) =>
        json(response, 200, openExchangeRates.response(["NGN", "GBP"]))
      )
      assert.strictEqual(Decimal.format((yield* rate("GBP", "NGN")).rate), "0.6")
      assert.strictEqual((yield* Effect.flip(rate("GBP", "KES"))).reason._tag, "NotQuoted")
      assert.strictEqual(requests.length, 1)
    })
  )

  it.effect("rejects rates beyond the age limit of the provider", () =>
    Effect.gen(function* () {
      for (const [provider, days] of [
        [fixer, 1],
        [openExchangeRates, 1],
        // Five days after the end of its day.
        [frankfurter, 5.5]
      ] as const) {
        const client = yield* connectTo(provider)
        yield* TestClock.adjust(Duration.subtract(Duration.days(days), Duration.minutes(1)))
        yield* client.rate()
        yield* TestClock.adjust("1 minute")
        const { reason } = yield* Effect.flip(client.poll())
        assert.strictEqual(reason._tag, "Contradictory", provider.name)
      }
    })
  )

  describe("when lookups repeat every ten seconds for an hour", () => {
    const lookups = Effect.fnUntraced(function* ({ rate }: Effect.Success<ReturnType<typeof connectTo>>) {
      for (let i = 0; i < 360; i++) {
        const [from, to] = i % 2 === 0 ? ["USD", "NGN"] : ["EUR", "KES"]
        yield* Effect.ignore(rate(from, to))
        yield* TestClock.adjust("10100 millis")
      }
    })
    const polling = { POLL_INTERVAL: "10 minutes" }

    for (const days of [0.5, 2])
      it.effect(`sends one request per half a poll interval while the quote is ${days} days old`, () =>
        Effect.gen(function* () {
          const client = yield* connectTo(fixer, undefined, polling)
          yield* TestClock.adjust(Duration.days(days))
          yield* lookups(client)
          assert.isAtMost(client.requests.length, 12)
        })
      )

    it.effect("sends one request per half a poll interval for a pair that is missing", () =>
      Effect.gen(function* () {
        const client = yield* connectTo(
          fixer,
          (_, response) => json(response, 200, { ...fixer.response(["USD", "EUR"]), timestamp: NOW / 1000 }),
          polling
        )
        yield* lookups(client)
        assert.isAtMost(client.requests.length, 12)
      })
    )

    it.effect("sends one request per half a poll interval while its rates are refused", () =>
      Effect.gen(function* () {
        const client = yield* connectTo(
          fixer,
          (request, response) => {
            const currencies = query(request).params["symbols"]?.split(",") ?? []
            json(response, 200, { ...fixer.response(currencies), timestamp: NOW / 1000 + 3600 })
          },
          polling
        )
        yield* lookups({
          ...client,
          rate: (from, to) => Effect.tap(client.rate(from, to), () => client.refuse)
        })
        assert.isAtMost(client.requests.length, 12)
        const { length } = client.requests
        yield* TestClock.adjust("11 seconds")
        yield* client.poll()
        assert.strictEqual(client.requests.length, length + 1)
      })
    )
  })

  it.effect("sends Fixer's key to apilayer.com in a header that is redacted in spans", () =>
    Effect.gen(function* () {
      const sent: Array<{ readonly url: string; readonly key: string | undefined }> = []
      const spans: Array<Tracer.NativeSpan> = []
      const client = HttpClient.make((request, url) => {
        sent.push({ url: url.href, key: request.headers["apikey"] })
        return Effect.succeed(HttpClientResponse.fromWeb(request, new Response("{}")))
      })
      const error = yield* Effect.flatMap(Fixer.make, ({ rate }) => rate(pairOf("USD", "NGN"))).pipe(
        Effect.flip,
        Effect.provide([
          Layer.succeed(HttpClient.HttpClient, client),
          SecureRandom.layerWebCrypto,
          TestSettings.layer({
            PROVIDERS: "fixer,frankfurter",
            FIXER_BASE_URL: "https://api.apilayer.com/fixer",
            FX_API_KEY: KEY,
            RATE_DESTINATIONS: "NGN"
          })
        ]),
        Effect.withTracer(
          Tracer.make({
            span: (options) => {
              const span = new Tracer.NativeSpan(options)
              spans.push(span)
              return span
            }
          })
        ),
        Effect.forkChild,
        Effect.tap(() => TestClock.adjust("1 minute")),
        Effect.flatMap(Fiber.join)
      )
      assert.strictEqual(error.reason._tag, "Malformed")
      assert.deepStrictEqual(sent[0], {
        url: "https://api.apilayer.com/fixer/latest?base=EUR&symbols=USD%2CCAD%2CGBP%2CNGN",
        key: KEY
      })
      const attributes = spans.map((span) => inspect(span.attributes))
      assert.include(attributes.join("\n"), "api.apilayer.com/fixer/latest")
      assert.notInclude(attributes.join("\n"), KEY)
    })
  )
})

describe("TableSource, API keys", () => {
  /** Servers that echo the request, and the outcome. */
  const servers: ReadonlyArray<
    readonly [string, (request: IncomingMessage, response: ServerResponse) => void, string]
  > = [
    ["a rejection", (request, response) => response.writeHead(401).end(request.url), "Refused"],
    ["a failure", (request, response) => response.writeHead(500).end(request.url), "Failing"],
    [
      "an error with 200",
      (request, response) =>
        json(response, 200, {
          success: false,
          error: { code: 101, type: request.url, info: request.url },
          message: request.url
        }),
      "Refused Malformed"
    ],
    ["a web page", (request, response) => response.end(`<p>${request.url}</p>`), "Malformed"],
    [
      "another base",
      (request, response) =>
        json(response, 200, { success: true, timestamp: 1, base: request.url, rates: {} }),
      "Contradictory"
    ],
    ["a broken connection", (_, response) => response.destroy(), "Unreachable"]
  ]
  for (const provider of [fixer, openExchangeRates]) {
    for (const [name, handler, tags] of servers) {
      it.effect(`keeps the key of ${provider.name} out of results, logs and spans: ${name}`, () =>
        Effect.gen(function* () {
          const { logs, rate, requests, exportedSpans, withTelemetry } = yield* connectTo(provider, handler)
          const logged = rate().pipe(
            Effect.tapCause((cause) => Effect.logError("failed", cause)),
            Effect.withSpan("test")
          )
          const error = yield* Effect.flip(withTelemetry(logged))
          assert.include(requests[0]?.url ?? "", KEY)
          assert.include(tags, error.reason._tag)
          assert.notInclude(rendered(error), KEY)
          assert.isNotEmpty(logs)
          assert.notInclude(logs.join("\n"), KEY)
          assert.include(exportedSpans(), "USD:NGN")
          assert.notInclude(exportedSpans(), KEY)
        })
      )
    }
  }
})
