import { BigDecimal, Clock, Effect, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import * as SandboxFaults from "../sandbox/SandboxFaults.ts"
import * as SandboxMidRates from "../sandbox/SandboxMidRates.ts"
import * as SandboxTable from "../sandbox/SandboxTable.ts"

/** First day of Frankfurter's rates. */
const FIRST_DAY = "1948-01-01"

/**
 * Simulates Frankfurter's `GET /v2/rates`, at `/frankfurter/rates`. It returns one rate per currency and working day:
 * the latest day, `date`, or `from` through `to`. The response is a JSON array, or NDJSON if `Accept` requests it.
 */
export const make = (mids: SandboxMidRates.SandboxMidRates) => {
  const faults = SandboxFaults.make<SandboxFaults.FrankfurterFault>()
  let requests = 0

  const rates = Effect.gen(function* () {
    requests++
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const query = yield* HttpServerRequest.ParsedSearchParams
    const request = parseQuery(query, SandboxTable.dayOf(yield* Clock.currentTimeMillis, undefined))
    if (typeof request === "string") return error(422, request)
    const { base, days, quotes } = request
    const { distort, fault } = yield* faults.next(SandboxTable.pairsOf(base, quotes))
    if (fault === "hang") return yield* Effect.never
    if (fault === "429") return error(429, "too many requests")
    if (fault === "500") return error(500, "internal server error")

    const rows: Array<unknown> = []
    for (const day of days) {
      for (const quote of quotes) {
        const rate = yield* mids.rate(base, quote, day)
        if (Option.isNone(rate)) continue
        const number = ExactJson.number(rounded(distort(`${base}:${quote}`, rate.value)))
        const date = fault === "old" ? SandboxTable.dayOf(Date.parse(day), fault) : day
        rows.push({ date, base, quote, rate: number })
      }
    }
    return headers["accept"]?.includes("application/x-ndjson") === true
      ? HttpServerResponse.text(rows.map((row) => `${JSON.stringify(row)}\n`).join(""), {
          contentType: "application/x-ndjson"
        })
      : SandboxTable.respond(rows, fault)
  })

  return {
    ...faults,
    requests: Effect.sync(() => requests),
    routes: [HttpRouter.route("GET", "/frankfurter/rates", rates)]
  }
}

const parameters: ReadonlySet<string> = new Set(["base", "quotes", "date", "from", "to"])

/** Parses a query; returns an error message if it is invalid. */
const parseQuery = (query: Readonly<Record<string, string | ReadonlyArray<string>>>, today: string) => {
  const unknown = Object.keys(query).filter((name) => !parameters.has(name))
  if (unknown.length > 0) return `unknown parameter: ${unknown.join(", ")}`
  const single = (name: string) => (typeof query[name] === "string" ? query[name] : undefined)
  const [date, from, to] = [single("date"), single("from"), single("to")]
  for (const day of [date, from, to]) {
    if (day !== undefined && !(/^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(Date.parse(day)))) {
      return "invalid date"
    }
  }
  if (date !== undefined && (from ?? to) !== undefined) return "conflicting params"
  const base = single("base")?.toUpperCase() ?? "EUR"
  const quotes = single("quotes")?.toUpperCase().split(",") ?? SandboxMidRates.codes
  const invalid = [base, ...quotes].filter((code) => !SandboxMidRates.codes.includes(code))
  if (invalid.length > 0) return `invalid currency: ${invalid.join(",")}`
  const days =
    from === undefined
      ? [lastWorkingDay(earliest(date ?? to ?? today, today))]
      : workingDays(from < FIRST_DAY ? FIRST_DAY : from, earliest(to ?? today, today))
  return { base, quotes: quotes.toSorted(), days }
}

const DAY_MILLIS = 24 * 60 * 60 * 1000
const earliest = (a: string, b: string) => (a < b ? a : b)
const dayOf = (millis: number) => new Date(millis).toISOString().slice(0, 10)
const isWorkingDay = (millis: number) => ![0, 6].includes(new Date(millis).getUTCDay())

const lastWorkingDay = (day: string) => {
  let millis = Date.parse(day)
  while (!isWorkingDay(millis)) millis -= DAY_MILLIS
  return dayOf(millis)
}

const workingDays = (from: string, to: string) => {
  const days: Array<string> = []
  for (let millis = Date.parse(from); millis <= Date.parse(to); millis += DAY_MILLIS) {
    if (isWorkingDay(millis)) days.push(dayOf(millis))
  }
  return days
}

/** Rounds a rate as Frankfurter does, with fewer decimals for larger rates. */
const rounded = (rate: BigDecimal.BigDecimal) => {
  const above = (limit: string) => BigDecimal.isGreaterThan(rate, BigDecimal.fromStringUnsafe(limit))
  const scale = above("5000")
    ? 0
    : above("80")
      ? 2
      : above("20")
        ? 3
        : above("1")
          ? 4
          : above("0.0001")
            ? 5
            : 6
  return BigDecimal.round(rate, { scale, mode: "half-even" })
}

const error = (status: number, message: string) =>
  HttpServerResponse.jsonUnsafe({ status, message }, { status })
