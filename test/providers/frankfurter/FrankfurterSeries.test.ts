import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer } from "effect"
import { CurrencyCode } from "../../../src/domain/money/Currency.ts"
import { FrankfurterSeries } from "../../../src/providers/frankfurter/FrankfurterSeries.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import * as StubServer from "../StubServer.ts"

const [EUR, NGN] = [CurrencyCode.make("EUR"), CurrencyCode.make("NGN")]

/** Asks a Frankfurter that answers like this for a year. */
const ask = Effect.fnUntraced(function* (answers: ReadonlyArray<readonly [status: number, body: string]>) {
  const asked: Array<string> = []
  const url = yield* StubServer.listen((request, response) => {
    const [status, body] = answers[Math.min(asked.length, answers.length - 1)] ?? [500, ""]
    asked.push(request.url ?? "")
    response.writeHead(status, { "content-type": "application/json" }).end(body)
  })
  const days = yield* FrankfurterSeries.use((series) =>
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
  if (days._tag === "Failure") return { asked, message: days.failure.message, days: [] }
  const shown = days.success.map(
    ({ day, quotes }) =>
      `${DateTime.formatIso(day)} ${Array.from(quotes, ([code, { text }]) => `${code}=${text}`).join(" ")}`
  )
  return { asked, message: "", days: shown }
}, Effect.scoped)

const row = (date: string, quote: string, rate: string, base = "USD") =>
  `{"date":"${date}","base":"${base}","quote":"${quote}","rate":${rate}}`

describe("FrankfurterSeries", () => {
  it.live("gives what is quoted on each day, digit for digit, oldest first", () =>
    Effect.gen(function* () {
      const rows = [
        row("2023-12-29", "EUR", "0.9"),
        row("2024-01-02", "NGN", "907.1100000000000001"),
        row("2024-01-02", "GBP", "0.79"),
        row("2024-01-01", "EUR", "0.90498"),
        row("2024-01-02", "EUR", "0.91"),
        row("2025-01-01", "EUR", "0.95")
      ]
      const { asked, days } = yield* ask([[200, `[${rows.join(",")}]`]])
      assert.deepStrictEqual(asked, ["/v2/rates?base=USD&quotes=EUR%2CNGN&from=2024-01-01&to=2024-12-31"])
      assert.deepStrictEqual(days, [
        "2024-01-01T00:00:00.000Z EUR=0.90498",
        "2024-01-02T00:00:00.000Z EUR=0.91 NGN=907.1100000000000001"
      ])
    })
  )

  it.live("takes a year of many currencies", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 366 }, (_, n) =>
        ["EUR", "NGN", "GBP", "KES", "GHS"].map((code) =>
          row(DateTime.formatIso(DateTime.makeUnsafe(Date.UTC(2024, 0, 1 + n))).slice(0, 10), code, "1.5")
        )
      )
      const { days } = yield* ask([[200, `[${rows.flat().join(",")}]`]])
      assert.strictEqual(days.length, 366)
    })
  )

  it.live("asks again where the failure may pass", () =>
    Effect.gen(function* () {
      const { asked, days } = yield* ask([
        [503, ""],
        [200, `[${row("2024-01-01", "EUR", "0.9")}]`]
      ])
      assert.strictEqual(asked.length, 2)
      assert.strictEqual(days.length, 1)
    })
  )

  it.live("says what Frankfurter refuses, and does not ask again", () =>
    Effect.gen(function* () {
      const { asked, message } = yield* ask([[422, '{"status":422,"message":"invalid currency: NGN"}']])
      assert.strictEqual(asked.length, 1)
      assert.strictEqual(
        message,
        "Frankfurter gave no rates for 2024-01-01 to 2024-12-31: it refused with 422 (invalid currency: NGN)"
      )
    })
  )

  const wrong: ReadonlyArray<readonly [what: string, body: string, message: string]> = [
    ["another base", `[${row("2024-01-01", "EUR", "1", "EUR")}]`, "asked for rates of USD"],
    ["no rate", `[${row("2024-01-01", "EUR", "0")}]`, "rates must be positive decimals"],
    [
      "a rate twice",
      `[${row("2024-01-01", "EUR", "1")},${row("2024-01-01", "EUR", "2")}]`,
      "EUR is there twice on 2024-01-01"
    ],
    ["a day that is none", `[${row("2024-02-30", "EUR", "1")}]`, "2024-02-30 is no date"],
    ["no JSON", "<html>", "not JSON"],
    ["something else", '{"rates":{}}', "fields are missing"]
  ]
  it.live.each(wrong)("refuses an answer with %s", ([, body, message]) =>
    Effect.gen(function* () {
      const refused = yield* ask([[200, body]])
      assert.include(refused.message, message)
      assert.include(refused.message, "Frankfurter gave no rates for 2024-01-01 to 2024-12-31: ")
    })
  )
})
