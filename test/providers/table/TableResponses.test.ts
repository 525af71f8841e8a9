import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Option, Result } from "effect"
import { CurrencyCode } from "../../../src/domain/money/Currency.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as FixerResponse from "../../../src/providers/fixer/FixerResponse.ts"
import * as FrankfurterResponse from "../../../src/providers/frankfurter/FrankfurterResponse.ts"
import * as OpenExchangeRatesResponse from "../../../src/providers/openexchangerates/OpenExchangeRatesResponse.ts"
import {
  Contradictory,
  Failing,
  Malformed,
  type ProviderReason,
  RateLimited,
  Refused
} from "../../../src/providers/ProviderError.ts"
import type * as TableResponse from "../../../src/providers/table/TableResponse.ts"

const codes = (text: string) => text.split(",").map((code) => CurrencyCode.make(code))
const askedOf = (pivot: string, currencies = "GBP,NGN,XOF"): TableResponse.Asked => ({
  pivot: CurrencyCode.make(pivot),
  currencies: codes(currencies)
})
const response = (body: unknown, status = 200, retryAfter = Option.none<Duration.Duration>()) => ({
  status,
  body: typeof body === "string" ? body : JSON.stringify(body),
  retryAfter
})

type Read = typeof FixerResponse.read
const plain = (read: ReturnType<Read>) =>
  Array.from(Result.getOrThrow(read), ([currency, { quotedAt, rate, text }]) =>
    [currency, Decimal.format(rate), text, DateTime.formatIso(quotedAt)].join(" ")
  )
const refused = (read: ReturnType<Read>) => Option.getOrThrow(Result.getFailure(read))

describe("FixerAnswer", () => {
  const asked = askedOf("EUR")
  const success = (rates: string, changed: Readonly<Record<string, unknown>> = {}) =>
    JSON.stringify({
      success: true,
      timestamp: 1795258800,
      base: "EUR",
      date: "2026-11-21",
      rates: JSON.rawJSON('"RATES"'),
      ...changed
    }).replace('"RATES"', rates)
  const error = (code: number | string, type: string, info?: string) => ({
    success: false,
    error: info === undefined ? { code, type } : { code, type, info }
  })
  const read = (body: unknown, status?: number, retryAfter?: Option.Option<Duration.Duration>) =>
    FixerResponse.read(response(body, status, retryAfter), asked)

  it("reads every digit of what was asked for, and nothing else", () => {
    const rates = '{"AED":3.9,"EUR":1,"GBP":0.8,"NGN":1784.302112345678901,"XOF":6.55957e2,"ZZZ":0}'
    assert.deepStrictEqual(plain(read(success(rates))), [
      "GBP 0.8 0.8 2026-11-21T11:00:00.000Z",
      "NGN 1784.302112345678901 1784.302112345678901 2026-11-21T11:00:00.000Z",
      "XOF 655.957 6.55957e2 2026-11-21T11:00:00.000Z"
    ])
  })

  it("reads an answer that lacks some currencies", () => {
    assert.deepStrictEqual(plain(read(success('{"XOF":655.957}'))), [
      "XOF 655.957 655.957 2026-11-21T11:00:00.000Z"
    ])
    assert.deepStrictEqual(plain(read(success("{}"))), [])
  })

  const errors: ReadonlyArray<readonly [string, unknown, ProviderReason]> = [
    [
      "a bad key",
      error(101, "invalid_access_key", "You have not supplied a valid API Access Key."),
      new Refused({
        status: 401,
        detail: "101 invalid_access_key You have not supplied a valid API Access Key."
      })
    ],
    [
      "an account that sleeps",
      error(102, "inactive_user"),
      new Refused({ status: 403, detail: "102 inactive_user" })
    ],
    [
      "the month's requests used up",
      error(104, "monthly_usage_limit_reached"),
      new RateLimited({ retryAfter: Duration.hours(1) })
    ],
    [
      "the same in words",
      { error: { code: "usage_limit_reached", message: "No." } },
      new RateLimited({ retryAfter: Duration.hours(1) })
    ],
    ["too many requests", error(106, "rate_limit_reached"), new RateLimited({})],
    [
      "another plan",
      error(105, "base_currency_access_restricted"),
      new Refused({ status: 403, detail: "105 base_currency_access_restricted" })
    ],
    [
      "no results",
      error(106, "no_rates_available"),
      new Failing({ status: 200, detail: "106 no_rates_available" })
    ],
    [
      "a bad base",
      error(201, "invalid_base_currency"),
      new Refused({ status: 400, detail: "201 invalid_base_currency" })
    ],
    [
      "bad symbols",
      error(202, "invalid_currency_codes"),
      new Refused({ status: 400, detail: "202 invalid_currency_codes" })
    ],
    ["no such path", error(404, "404_not_found"), new Refused({ status: 404, detail: "404 404_not_found" })],
    ["a code that nobody knows", error(999, "other"), new Refused({ status: 200, detail: "999 other" })],
    [
      "a code in words",
      { error: { code: "base_currency_access_restricted", message: "An unexpected error occurred." } },
      new Refused({ status: 200, detail: "base_currency_access_restricted An unexpected error occurred." })
    ]
  ]
  for (const [what, body, reason] of errors) {
    it(`takes for an error, though it comes with 200: ${what}`, () => {
      assert.deepStrictEqual(refused(read(body)), reason)
    })
  }

  it("takes an error for the same whatever its status", () => {
    assert.deepStrictEqual(
      refused(read(error(105, "base_currency_access_restricted"), 400)),
      new Refused({ status: 403, detail: "105 base_currency_access_restricted" })
    )
    assert.deepStrictEqual(
      refused(read(error(104, "x"), 429)),
      new RateLimited({ retryAfter: Duration.hours(1) })
    )
  })

  it("reads the errors of the gate before it", () => {
    const seconds = Option.some(Duration.seconds(7))
    assert.deepStrictEqual(
      refused(read({ message: "Invalid authentication credentials" }, 401)),
      new Refused({ status: 401, detail: "Invalid authentication credentials" })
    )
    assert.deepStrictEqual(refused(read({ message: "Slow down" }, 429)), new RateLimited({}))
    assert.deepStrictEqual(
      refused(read({ message: "Slow down" }, 429, seconds)),
      new RateLimited({ retryAfter: Duration.seconds(7) })
    )
    assert.deepStrictEqual(
      refused(read("<html>\nBad\tGateway", 502)),
      new Failing({ status: 502, detail: "<html> Bad Gateway" })
    )
  })

  it("refuses what contradicts itself or the question", () => {
    assert.deepStrictEqual(
      refused(read(success("{}", { base: "USD" }))),
      new Contradictory({ detail: "asked for rates of EUR, answered for USD" })
    )
    for (const rate of ["0", "0.0e0", "-1", '"NaN"', '""', '"1,5"', "1e18", "1e-31"]) {
      const reason = refused(read(success(`{"GBP":0.8,"NGN":${rate}}`)))
      assert.strictEqual(reason._tag, "Contradictory", rate)
    }
  })

  it("refuses as malformed what is not the answer", () => {
    const whole = success('{"NGN":1784.3}')
    for (const body of [
      "",
      "null",
      "[]",
      "1",
      "{}",
      whole.slice(0, -1),
      '{"success":false}',
      '{"success":true}'
    ]) {
      assert.instanceOf(refused(read(body)), Malformed, body)
    }
    for (const name of ["success", "timestamp", "base", "rates"]) {
      for (const value of [undefined, null, false, [1], { x: {} }]) {
        assert.instanceOf(refused(read(success("{}", { [name]: value }))), Malformed, `${name} ${value}`)
      }
    }
    for (const timestamp of [-1, 1.5, 1e11, "now"]) {
      assert.instanceOf(refused(read(success("{}", { timestamp }))), Malformed, String(timestamp))
    }
  })
})

describe("OpenExchangeRatesAnswer", () => {
  const success = {
    disclaimer: "…",
    license: "…",
    timestamp: 1795258800,
    base: "USD",
    rates: { GBP: 0.75, NGN: 1534.5, XOF: 564.000001 }
  }
  const read = (body: unknown, status?: number, retryAfter?: Option.Option<Duration.Duration>) =>
    OpenExchangeRatesResponse.read(response(body, status, retryAfter), askedOf("USD"))
  const error = (status: number, message: string, description = "Because.") =>
    refused(read({ error: true, status, message, description }, status))

  it("reads what was asked for", () => {
    assert.deepStrictEqual(plain(read(success)), [
      "GBP 0.75 0.75 2026-11-21T11:00:00.000Z",
      "NGN 1534.5 1534.5 2026-11-21T11:00:00.000Z",
      "XOF 564.000001 564.000001 2026-11-21T11:00:00.000Z"
    ])
  })

  it("tells what is not allowed from too many requests", () => {
    assert.deepStrictEqual(
      error(429, "not_allowed"),
      new Refused({ status: 429, detail: "not_allowed Because." })
    )
    assert.deepStrictEqual(error(429, "too_many_requests"), new RateLimited({}))
    assert.deepStrictEqual(
      error(403, "access_restricted"),
      new RateLimited({ retryAfter: Duration.hours(1) })
    )
    assert.deepStrictEqual(
      refused(read("slow down", 429, Option.some(Duration.seconds(3)))),
      new RateLimited({ retryAfter: Duration.seconds(3) })
    )
  })

  it("reads the other errors", () => {
    for (const [status, message] of [
      [401, "missing_app_id"],
      [401, "invalid_app_id"],
      [404, "not_found"],
      [400, "invalid_base"]
    ] as const) {
      assert.deepStrictEqual(error(status, message), new Refused({ status, detail: `${message} Because.` }))
    }
    assert.deepStrictEqual(error(500, "oops", ""), new Failing({ status: 500, detail: "oops" }))
    assert.deepStrictEqual(
      refused(read({ error: true, status: 401, message: "invalid_app_id" }, 200)),
      new Refused({ status: 200, detail: "invalid_app_id" })
    )
  })

  it("refuses another base, impossible numbers and what is not the answer", () => {
    assert.instanceOf(refused(read({ ...success, base: "EUR" })), Contradictory)
    assert.instanceOf(refused(read({ ...success, rates: { NGN: -1 } })), Contradictory)
    assert.instanceOf(refused(read({ ...success, rates: undefined })), Malformed)
    assert.instanceOf(refused(read({ ...success, timestamp: null })), Malformed)
    assert.instanceOf(refused(read(JSON.stringify(success).slice(0, -1))), Malformed)
  })
})

describe("FrankfurterAnswer", () => {
  const row = (quote: string, rate: unknown, date: unknown = "2026-11-20", base: unknown = "USD") => ({
    date,
    base,
    quote,
    rate
  })
  const read = (body: unknown, status?: number) =>
    FrankfurterResponse.read(response(body, status), askedOf("USD"))

  it("reads a row for each currency, of the end of its day", () => {
    const rows = [row("NGN", 1534.5), row("XOF", 564.12, "2026-11-16"), row("AED", 3.67), row("GBP", 0.75123)]
    assert.deepStrictEqual(plain(read(rows)), [
      "GBP 0.75123 0.75123 2026-11-20T23:59:59.999Z",
      "NGN 1534.5 1534.5 2026-11-20T23:59:59.999Z",
      "XOF 564.12 564.12 2026-11-16T23:59:59.999Z"
    ])
    assert.deepStrictEqual(plain(read([])), [])
  })

  it("reads its errors", () => {
    for (const status of [400, 404, 422]) {
      assert.deepStrictEqual(
        refused(read({ status, message: "invalid currency: XXX" }, status)),
        new Refused({ status, detail: "invalid currency: XXX" })
      )
    }
    assert.deepStrictEqual(
      refused(read({ status: 503, message: "busy" }, 503)),
      new Failing({ status: 503, detail: "busy" })
    )
    assert.deepStrictEqual(refused(read("", 429)), new RateLimited({}))
  })

  it("refuses another base, impossible numbers and what is not the answer", () => {
    assert.instanceOf(refused(read([row("NGN", 1), row("XOF", 1, "2026-11-20", "EUR")])), Contradictory)
    assert.instanceOf(refused(read([row("NGN", 0)])), Contradictory)
    assert.instanceOf(refused(read([row("NGN", 1), row("NGN", 2)])), Malformed)
    for (const date of ["", "yesterday", "2026-13-01", "2026-11-20T00:00:00Z", 20261120, null]) {
      assert.instanceOf(refused(read([row("NGN", 1534.5, date)])), Malformed, String(date))
    }
    for (const body of [
      "",
      "{}",
      "null",
      '{"NGN":1}',
      "[1]",
      "[[]]",
      JSON.stringify([row("NGN", 1)]).slice(0, -1)
    ]) {
      assert.instanceOf(refused(read(body)), Malformed, body)
    }
  })
})
