import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Option, Result } from "effect"
import { CurrencyCode } from "../../../src/domain/money/Currency.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as FixerResponse from "../../../src/providers/fixer/FixerResponse.ts"
import * as FrankfurterResponse from "../../../src/providers/frankfurter/FrankfurterResponse.ts"
import * as OpenExchangeRatesResponse from "../../../src/providers/openexchangerates/OpenExchangeRatesResponse.ts"
import {
  Contradictory,
  describe as describeReason,
  Failing,
  Malformed,
  type ProviderReason,
  RateLimited,
  Refused
} from "../../../src/providers/ProviderError.ts"
import type * as TableResponse from "../../../src/providers/table/TableResponse.ts"

const codes = (text: string) => text.split(",").map((code) => CurrencyCode.make(code))
const requestOf = (pivot: string, currencies = "GBP,NGN,XOF"): TableResponse.TableRequest => ({
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
  Array.from(Result.getOrThrow(read), ([currency, cell]) =>
    Result.match(cell, {
      onSuccess: ({ quotedAt, rate, text }) =>
        [currency, Decimal.format(rate), text, DateTime.formatIso(quotedAt)].join(" "),
      onFailure: (reason) => `${currency} ${reason._tag}: ${describeReason(reason)}`
    })
  )

/** Cells that are not a rate, and how they are described. */
const invalidCells = [
  ["null", "null"],
  ["true", "true"],
  ['"n/a"', "n/a"],
  ['""', "an empty text"],
  ['"1,5"', "1,5"],
  ["0", "0"],
  ["0.0e0", "0.0e0"],
  ["-1", "-1"],
  ["{}", "an object"],
  ['{"value":1534.5}', "an object"],
  ["[1534.5]", "an array"],
  [`1.${"1".repeat(60)}`, `1.${"1".repeat(60)}`],
  [`1.${"1".repeat(200)}`, `1.${"1".repeat(118)}`],
  ["1e18", "1e18"],
  ["1e-31", "1e-31"],
  ["1e999999", "1e999999"],
  ['"\\u0000"', " "],
  ['"\\ud800"', " "],
  ['1700,"NGN":1800', "different values"],
  ['1700,"NGN":{}', "different values"],
  ['1700,"NGN":1700,"NGN":1800', "different values"]
] as const

const invalidCell = (currency: string, found: string) =>
  `${currency} Contradictory: contradictory response (a rate must be a positive decimal, at most 30 decimals, found ${found})`
const rejected = (read: ReturnType<Read>) => Option.getOrThrow(Result.getFailure(read))

describe("FixerResponse", () => {
  const request = requestOf("EUR")
  const success = (rates: string, overrides: Readonly<Record<string, unknown>> = {}) =>
    JSON.stringify({
      success: true,
      timestamp: 1795258800,
      base: "EUR",
      date: "2026-11-21",
      rates: JSON.rawJSON('"RATES"'),
      ...overrides
    }).replace('"RATES"', rates)
  const error = (code: number | string, type: string, info?: string) => ({
    success: false,
    error: info === undefined ? { code, type } : { code, type, info }
  })
  const read = (body: unknown, status?: number, retryAfter?: Option.Option<Duration.Duration>) =>
    FixerResponse.read(response(body, status, retryAfter), request)

  it("reads all digits of the requested currencies, and no others", () => {
    const rates = '{"AED":3.9,"EUR":1,"GBP":0.8,"NGN":1784.302112345678901,"XOF":6.55957e2,"ZZZ":0}'
    assert.deepStrictEqual(plain(read(success(rates))), [
      "GBP 0.8 0.8 2026-11-21T11:00:00.000Z",
      "NGN 1784.302112345678901 1784.302112345678901 2026-11-21T11:00:00.000Z",
      "XOF 655.957 6.55957e2 2026-11-21T11:00:00.000Z"
    ])
  })

  it("leaves out missing currencies", () => {
    assert.deepStrictEqual(plain(read(success('{"XOF":655.957}'))), [
      "XOF 655.957 655.957 2026-11-21T11:00:00.000Z"
    ])
    assert.deepStrictEqual(plain(read(success("{}"))), [])
  })

  const errors: ReadonlyArray<readonly [string, unknown, ProviderReason]> = [
    [
      "an invalid key",
      error(101, "invalid_access_key", "You have not supplied a valid API Access Key."),
      new Refused({
        status: 401,
        detail: "101 invalid_access_key You have not supplied a valid API Access Key."
      })
    ],
    [
      "an inactive account",
      error(102, "inactive_user"),
      new Refused({ status: 403, detail: "102 inactive_user" })
    ],
    [
      "an exhausted monthly quota",
      error(104, "monthly_usage_limit_reached"),
      new RateLimited({ retryAfter: Duration.hours(1) })
    ],
    [
      "an exhausted quota with the type as code",
      { error: { code: "usage_limit_reached", message: "No." } },
      new RateLimited({ retryAfter: Duration.hours(1) })
    ],
    ["too many requests", error(106, "rate_limit_reached"), new RateLimited({})],
    [
      "a restricted plan",
      error(105, "base_currency_access_restricted"),
      new Refused({ status: 403, detail: "105 base_currency_access_restricted" })
    ],
    [
      "no results",
      error(106, "no_rates_available"),
      new Failing({ status: 200, detail: "106 no_rates_available" })
    ],
    [
      "an invalid base",
      error(201, "invalid_base_currency"),
      new Refused({ status: 400, detail: "201 invalid_base_currency" })
    ],
    [
      "invalid symbols",
      error(202, "invalid_currency_codes"),
      new Refused({ status: 400, detail: "202 invalid_currency_codes" })
    ],
    [
      "an unknown path",
      error(404, "404_not_found"),
      new Refused({ status: 404, detail: "404 404_not_found" })
    ],
    ["an unknown code", error(999, "other"), new Refused({ status: 200, detail: "999 other" })],
    [
      "a type as code",
      { error: { code: "base_currency_access_restricted", message: "An unexpected error occurred." } },
      new Refused({ status: 200, detail: "base_currency_access_restricted An unexpected error occurred." })
    ]
  ]
  for (const [name, body, reason] of errors) {
    it(`reports an error with status 200: ${name}`, () => {
      assert.deepStrictEqual(rejected(read(body)), reason)
    })
  }

  it("maps an error code regardless of the status", () => {
    assert.deepStrictEqual(
      rejected(read(error(105, "base_currency_access_restricted"), 400)),
      new Refused({ status: 403, detail: "105 base_currency_access_restricted" })
    )
    assert.deepStrictEqual(
      rejected(read(error(104, "x"), 429)),
      new RateLimited({ retryAfter: Duration.hours(1) })
    )
  })

  it("reads errors of the gateway", () => {
    const seconds = Option.some(Duration.seconds(7))
    assert.deepStrictEqual(
      rejected(read({ message: "Invalid authentication credentials" }, 401)),
      new Refused({ status: 401, detail: "Invalid authentication credentials" })
    )
    assert.deepStrictEqual(rejected(read({ message: "Slow down" }, 429)), new RateLimited({}))
    assert.deepStrictEqual(
      rejected(read({ message: "Slow down" }, 429, seconds)),
      new RateLimited({ retryAfter: Duration.seconds(7) })
    )
    assert.deepStrictEqual(
      rejected(read("<html>\nBad\tGateway", 502)),
      new Failing({ status: 502, detail: "<html> Bad Gateway" })
    )
  })

  it("rejects a bad cell, and no other", () => {
    for (const [cell, found] of invalidCells) {
      assert.deepStrictEqual(
        plain(read(success(`{"GBP":0.8,"NGN":${cell},"XOF":655.957}`))),
        [
          "GBP 0.8 0.8 2026-11-21T11:00:00.000Z",
          invalidCell("NGN", found),
          "XOF 655.957 655.957 2026-11-21T11:00:00.000Z"
        ],
        cell
      )
    }
  })

  it("ignores bad cells of currencies that were not requested", () => {
    for (const [cell] of invalidCells) {
      const rates = `{"ZAR":${cell.replaceAll("NGN", "ZAR")},"":null,"ngn":0,"GBP":0.8}`
      assert.deepStrictEqual(plain(read(success(rates))), ["GBP 0.8 0.8 2026-11-21T11:00:00.000Z"], cell)
    }
  })

  it("accepts a cell that is given twice with the same value", () => {
    assert.deepStrictEqual(plain(read(success('{"NGN":1784.3,"GBP":0.8,"NGN":1784.3}'))), [
      "GBP 0.8 0.8 2026-11-21T11:00:00.000Z",
      "NGN 1784.3 1784.3 2026-11-21T11:00:00.000Z"
    ])
  })

  it("rejects fields that are given twice with different values", () => {
    for (const [field, duplicate] of [
      ["success", "false"],
      ["timestamp", "1795258801"],
      ["base", '"USD"'],
      ["rates", '{"NGN":1}']
    ] as const) {
      const text = success('{"NGN":1784.3}').replace(/}$/, `,"${field}":${duplicate}}`)
      assert.deepStrictEqual(
        rejected(read(text)),
        new Contradictory({ detail: `${field} is given more than once, with different values` }),
        field
      )
    }
  })

  it("rejects another base as contradictory", () => {
    assert.deepStrictEqual(
      rejected(read(success("{}", { base: "USD" }))),
      new Contradictory({ detail: "requested rates of EUR, received rates of USD" })
    )
  })

  it("rejects malformed responses", () => {
    const complete = success('{"NGN":1784.3}')
    for (const body of [
      "",
      "null",
      "[]",
      "1",
      "{}",
      complete.slice(0, -1),
      '{"success":false}',
      '{"success":true}'
    ]) {
      assert.instanceOf(rejected(read(body)), Malformed, body)
    }
    for (const name of ["success", "timestamp", "base", "rates"]) {
      for (const value of [undefined, null, false, [1], { x: {} }]) {
        // A table without the requested currencies is valid.
        if (name === "rates" && typeof value === "object" && value !== null && "x" in value) continue
        assert.instanceOf(rejected(read(success("{}", { [name]: value }))), Malformed, `${name} ${value}`)
      }
    }
    for (const timestamp of [-1, 1.5, 1e11, "now"]) {
      assert.instanceOf(rejected(read(success("{}", { timestamp }))), Malformed, String(timestamp))
    }
  })
})

describe("OpenExchangeRatesResponse", () => {
  const success = {
    disclaimer: "…",
    license: "…",
    timestamp: 1795258800,
    base: "USD",
    rates: { GBP: 0.75, NGN: 1534.5, XOF: 564.000001 }
  }
  const read = (body: unknown, status?: number, retryAfter?: Option.Option<Duration.Duration>) =>
    OpenExchangeRatesResponse.read(response(body, status, retryAfter), requestOf("USD"))
  const error = (status: number, message: string, description = "Because.") =>
    rejected(read({ error: true, status, message, description }, status))

  it("reads the requested currencies", () => {
    assert.deepStrictEqual(plain(read(success)), [
      "GBP 0.75 0.75 2026-11-21T11:00:00.000Z",
      "NGN 1534.5 1534.5 2026-11-21T11:00:00.000Z",
      "XOF 564.000001 564.000001 2026-11-21T11:00:00.000Z"
    ])
  })

  it("distinguishes a missing permission from too many requests", () => {
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
      rejected(read("slow down", 429, Option.some(Duration.seconds(3)))),
      new RateLimited({ retryAfter: Duration.seconds(3) })
    )
  })

  it("reads other errors", () => {
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
      rejected(read({ error: true, status: 401, message: "invalid_app_id" }, 200)),
      new Refused({ status: 200, detail: "invalid_app_id" })
    )
  })

  it("rejects a bad cell, and no other", () => {
    const text = JSON.stringify(success)
    for (const [cell, found] of invalidCells) {
      assert.deepStrictEqual(
        plain(read(text.replace("1534.5", cell))),
        [
          "GBP 0.75 0.75 2026-11-21T11:00:00.000Z",
          invalidCell("NGN", found),
          "XOF 564.000001 564.000001 2026-11-21T11:00:00.000Z"
        ],
        cell
      )
    }
    const unknown = read({ ...success, rates: { ...success.rates, ZAR: null, BTC: 1e-40 } })
    assert.deepStrictEqual(plain(unknown), plain(read(success)))
  })

  it("rejects another base and malformed responses", () => {
    assert.instanceOf(rejected(read({ ...success, base: "EUR" })), Contradictory)
    assert.instanceOf(rejected(read({ ...success, rates: undefined })), Malformed)
    assert.instanceOf(rejected(read({ ...success, timestamp: null })), Malformed)
    assert.instanceOf(rejected(read(JSON.stringify(success).slice(0, -1))), Malformed)
  })
})

describe("FrankfurterResponse", () => {
  const row = (quote: string, rate: unknown, date: unknown = "2026-11-20", base: unknown = "USD") => ({
    date,
    base,
    quote,
    rate
  })
  const read = (body: unknown, status?: number) =>
    FrankfurterResponse.read(response(body, status), requestOf("USD"))

  it("reads one row per currency, quoted at the end of its day", () => {
    const rows = [row("NGN", 1534.5), row("XOF", 564.12, "2026-11-16"), row("AED", 3.67), row("GBP", 0.75123)]
    assert.deepStrictEqual(plain(read(rows)), [
      "GBP 0.75123 0.75123 2026-11-20T23:59:59.999Z",
      "NGN 1534.5 1534.5 2026-11-20T23:59:59.999Z",
      "XOF 564.12 564.12 2026-11-16T23:59:59.999Z"
    ])
    assert.deepStrictEqual(plain(read([])), [])
  })

  it("reads errors", () => {
    for (const status of [400, 404, 422]) {
      assert.deepStrictEqual(
        rejected(read({ status, message: "invalid currency: XXX" }, status)),
        new Refused({ status, detail: "invalid currency: XXX" })
      )
    }
    assert.deepStrictEqual(
      rejected(read({ status: 503, message: "busy" }, 503)),
      new Failing({ status: 503, detail: "busy" })
    )
    assert.deepStrictEqual(rejected(read("", 429)), new RateLimited({}))
  })

  const xof = row("XOF", 564.12)
  const onlyXof = (failure: string) => [failure, "XOF 564.12 564.12 2026-11-20T23:59:59.999Z"]

  it("rejects a bad rate, and no other", () => {
    for (const [cell, found] of invalidCells) {
      const text = JSON.stringify([row("NGN", 1534.5), xof]).replace("1534.5", cell.replaceAll("NGN", "rate"))
      assert.deepStrictEqual(plain(read(text)), onlyXof(invalidCell("NGN", found)), cell)
    }
    const without = plain(read([{ date: "2026-11-20", base: "USD", quote: "NGN" }, xof]))
    assert.deepStrictEqual(without, onlyXof(invalidCell("NGN", "undefined")))
  })

  it("rejects a row with a bad date or another base, and no other", () => {
    for (const date of [
      "",
      "yesterday",
      "2026-13-01",
      "2026-02-30",
      "2026-11-20T00:00:00Z",
      20261120,
      null
    ]) {
      const [failure = "", ...others] = plain(read([row("NGN", 1534.5, date), xof]))
      assert.match(failure, /^NGN Malformed: .* is not a date\)$/, String(date))
      assert.deepStrictEqual([failure, ...others], onlyXof(failure))
    }
    for (const [base, found] of [
      ["EUR", "EUR"],
      [null, "null"],
      [{}, "an object"]
    ] as const) {
      assert.deepStrictEqual(
        plain(read([row("NGN", 1534.5, "2026-11-20", base), xof])),
        onlyXof(
          `NGN Contradictory: contradictory response (requested rates of USD, received rates of ${found})`
        )
      )
    }
  })

  it("rejects a currency with different rows, and accepts a repeated row", () => {
    const failure = "NGN Contradictory: contradictory response (NGN appears twice, with different values)"
    assert.deepStrictEqual(plain(read([row("NGN", 1), xof, row("NGN", 2)])), onlyXof(failure))
    assert.deepStrictEqual(plain(read([row("NGN", 1), xof, row("NGN", 1, "2026-11-19")])), onlyXof(failure))
    assert.deepStrictEqual(
      plain(read([xof, row("NGN", 1), row("NGN", 1)])),
      onlyXof("NGN 1 1 2026-11-20T23:59:59.999Z")
    )
  })

  it("ignores rows of other currencies and rows without a currency", () => {
    const rows = [null, "x", [], {}, { quote: 5 }, row("ZAR", null), row("ZAR", 1, null), xof]
    assert.deepStrictEqual(plain(read(rows)), ["XOF 564.12 564.12 2026-11-20T23:59:59.999Z"])
  })

  it("rejects malformed responses", () => {
    for (const body of [
      "",
      "{}",
      "null",
      '{"NGN":1}',
      "[1]",
      "[[]]",
      JSON.stringify([row("NGN", 1)]).slice(0, -1)
    ]) {
      assert.instanceOf(rejected(read(body)), Malformed, body)
    }
  })
})
