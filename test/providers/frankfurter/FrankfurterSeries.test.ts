import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Result } from "effect"
import { CurrencyCode } from "../../../src/domain/money/Currency.ts"
import { FrankfurterSeries } from "../../../src/providers/frankfurter/FrankfurterSeries.ts"
import { describe as describeReason, type ProviderReason } from "../../../src/providers/ProviderError.ts"
import type { TableQuote } from "../../../src/providers/table/RateTable.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import * as StubServer from "../StubServer.ts"

const [EUR, NGN] = [CurrencyCode.make("EUR"), CurrencyCode.make("NGN")]

/** Requests a year from a stub server. The n-th request gets the n-th response; further requests get the last one. */
const requestYear = Effect.fnUntraced(function* (
  responses: ReadonlyArray<readonly [status: number, body: string]>
) {
  const requests: Array<string> = []
  const url = yield* StubServer.listen((request, response) => {
    const [status, body] = responses[Math.min(requests.length, responses.length - 1)] ?? [500, ""]
    requests.push(request.url ?? "")
    response.writeHead(status, { "content-type": "application/json" }).end(body)
  })
  const result = yield* FrankfurterSeries.use((series) =>
    series.days([EUR, NGN], DateTime.makeUnsafe("2024-01-01"), DateTime.makeUnsafe("2024-12-31"))
  ).pipe(
    Effect.result,
    Effect.provide(
      FrankfurterSeries.layer.pipe(
        Layer.provide(NodeHttpClient.layerUndici),
        Layer.provide(TestSettings.layer({ FRANKFURTER_BASE_URL: `${url}/v2/`, POLL_SPACING: "0 millis" }))
      )
    )
  )
  if (result._tag === "Failure") return { requests, message: result.failure.message, days: [] }
  const days = result.success.map(
    ({ day, quotes }) =>
      `${DateTime.formatIso(day)} ${Array.from(quotes, ([code, quote]) => `${code}=${textOf(quote)}`).join(" ")}`
  )
  return { requests, message: "", days }
}, Effect.scoped)

const textOf = Result.match({
  onSuccess: ({ text }: TableQuote) => text,
  onFailure: (reason: ProviderReason) => describeReason(reason)
})

const row = (date: string, quote: string, rate: string, base = "USD") =>
  `{"date":"${date}","base":"${base}","quote":"${quote}","rate":${rate}}`

// The tests wait for retries and have separate servers: they run concurrently.
describe.concurrent("FrankfurterSeries", () => {
  it.live("returns the exact quotes of each day, oldest first", () =>
    Effect.gen(function* () {
      const rows = [
        row("2023-12-29", "EUR", "0.9"),
        row("2024-01-02", "NGN", "907.1100000000000001"),
        row("2024-01-02", "GBP", "0.79"),
        row("2024-01-01", "EUR", "0.90498"),
        row("2024-01-02", "EUR", "0.91"),
        row("2025-01-01", "EUR", "0.95")
      ]
      const { days, requests } = yield* requestYear([[200, `[${rows.join(",")}]`]])
      assert.deepStrictEqual(requests, ["/v2/rates?base=USD&quotes=EUR%2CNGN&from=2024-01-01&to=2024-12-31"])
      assert.deepStrictEqual(days, [
        "2024-01-01T00:00:00.000Z EUR=0.90498",
        "2024-01-02T00:00:00.000Z EUR=0.91 NGN=907.1100000000000001"
      ])
    })
  )

  it.live("returns a bad rate as a failure of its currency and day only", () =>
    Effect.gen(function* () {
      const rows = [
        row("2024-01-01", "EUR", "0.9"),
        row("2024-01-01", "NGN", "null"),
        row("2024-01-02", "EUR", "1", "EUR"),
        row("2024-01-02", "NGN", "900"),
        row("2024-01-03", "EUR", "0.9"),
        row("2024-01-03", "EUR", "1.1"),
        row("2024-01-03", "NGN", "901"),
        row("2024-01-03", "NGN", "901"),
        row("2024-01-03", "GBP", "null"),
        "null"
      ]
      const { days } = yield* requestYear([[200, `[${rows.join(",")}]`]])
      assert.deepStrictEqual(days, [
        "2024-01-01T00:00:00.000Z EUR=0.9 NGN=contradictory response (a rate must be a positive decimal, at most 30 decimals, found null)",
        "2024-01-02T00:00:00.000Z EUR=contradictory response (requested rates of USD, received rates of EUR) NGN=900",
        "2024-01-03T00:00:00.000Z EUR=contradictory response (EUR appears twice, with different values) NGN=901"
      ])
    })
  )

  it.live("accepts a year of many currencies", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 366 }, (_, n) =>
        ["EUR", "NGN", "GBP", "KES", "GHS"].map((code) =>
          row(DateTime.formatIso(DateTime.makeUnsafe(Date.UTC(2024, 0, 1 + n))).slice(0, 10), code, "1.5")
        )
      )
      const { days } = yield* requestYear([[200, `[${rows.flat().join(",")}]`]])
      assert.strictEqual(days.length, 366)
    })
  )

  it.live("retries transient failures", () =>
    Effect.gen(function* () {
      const { days, requests } = yield* requestYear([
        [503, ""],
        [200, `[${row("2024-01-01", "EUR", "0.9")}]`]
      ])
      assert.strictEqual(requests.length, 2)
      assert.strictEqual(days.length, 1)
    })
  )

  it.live("reports a rejection without a retry", () =>
    Effect.gen(function* () {
      const { message, requests } = yield* requestYear([
        [422, '{"status":422,"message":"invalid currency: NGN"}']
      ])
      assert.strictEqual(requests.length, 1)
      assert.strictEqual(
        message,
        "Frankfurter returned no rates for 2024-01-01 to 2024-12-31: request rejected with status 422 (invalid currency: NGN)"
      )
    })
  )

  const invalid: ReadonlyArray<readonly [name: string, body: string, message: string]> = [
    ["an invalid date", `[${row("2024-02-30", "EUR", "1")}]`, "2024-02-30 is not a date"],
    ["invalid JSON", "<html>", "not JSON"],
    ["another structure", '{"rates":{}}', "fields are missing"]
  ]
  it.live.each(invalid)("rejects a response with %s", ([, body, message]) =>
    Effect.gen(function* () {
      const rejection = yield* requestYear([[200, body]])
      assert.include(rejection.message, message)
      assert.include(rejection.message, "Frankfurter returned no rates for 2024-01-01 to 2024-12-31: ")
    })
  )
})
