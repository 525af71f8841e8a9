import { BigDecimal, Clock, Effect, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import * as SandboxFaults from "../sandbox/SandboxFaults.ts"
import * as SandboxMidRates from "../sandbox/SandboxMidRates.ts"
import * as SandboxTable from "../sandbox/SandboxTable.ts"

/** What Frankfurter's rates begin with. */
const FIRST_DAY = "1948-01-01"

/**
 * Frankfurter's `GET /v2/rates`, at `/frankfurter/rates`: a rate for each currency and working day, of the last one, of
 * a `date`, or `from` a day `to` another; as an array or, where `Accept` asks for it, as NDJSON.
 */
export const make = (mids: SandboxMidRates.SandboxMidRates) => {
  const faults = SandboxFaults.make<SandboxFaults.FrankfurterFault>()
  let requests = 0

  const rates = Effect.gen(function* () {
    requests++
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const query = yield* HttpServerRequest.ParsedSearchParams
    const asked = ask(query, SandboxTable.dayOf(yield* Clock.currentTimeMillis, undefined))
    if (typeof asked === "string") return error(422, asked)
    const { base, quotes } = asked
    const { distorted, fault } = yield* faults.next(SandboxTable.pairsOf(base, quotes))
    if (fault === "hang") return yield* Effect.never
    if (fault === "429") return error(429, "too many requests")
    if (fault === "500") return error(500, "internal server error")

    const rows: Array<unknown> = []
    for (const day of asked.days) {
      for (const quote of quotes) {
        const rate = yield* mids.rate(base, quote, day)
        if (Option.isNone(rate)) continue
        const made = ExactJson.number(rounded(distorted(`${base}:${quote}`, rate.value)))
        const date = fault === "old" ? SandboxTable.dayOf(Date.parse(day), fault) : day
        rows.push({ date, base, quote, rate: made })
      }
    }
    return headers["accept"]?.includes("application/x-ndjson") === true
      ? HttpServerResponse.text(rows.map((row) => `${JSON.stringify(row)}\n`).join(""), {
          contentType: "application/x-ndjson"
        })
      : SandboxTable.answer(rows, fault)
  })

  return {
    ...faults,
    requests: Effect.sync(() => requests),
    routes: [HttpRouter.route("GET", "/frankfurter/rates", rates)]
  }
}

const parameters: ReadonlySet<string> = new Set(["base", "quotes", "date", "from", "to"])

/** What a query asks for, or why it is refused. */
const ask = (query: Readonly<Record<string, string | ReadonlyArray<string>>>, today: string) => {
  const unknown = Object.keys(query).filter((name) => !parameters.has(name))
  if (unknown.length > 0) return `unknown parameter: ${unknown.join(", ")}`
  const one = (name: string) => (typeof query[name] === "string" ? query[name] : undefined)
  const [date, from, to] = [one("date"), one("from"), one("to")]
  for (const day of [date, from, to]) {
    if (day !== undefined && !(/^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(Date.parse(day)))) {
      return "invalid date"
    }
  }
  if (date !== undefined && (from ?? to) !== undefined) return "conflicting params"
  const base = one("base")?.toUpperCase() ?? "EUR"
  const quotes = one("quotes")?.toUpperCase().split(",") ?? SandboxMidRates.codes
  const invalid = [base, ...quotes].filter((code) => !SandboxMidRates.codes.includes(code))
  if (invalid.length > 0) return `invalid currency: ${invalid.join(",")}`
  const days =
    from === undefined
      ? [lastWorkingDay(earliest(date ?? to ?? today, today))]
      : workingDays(from < FIRST_DAY ? FIRST_DAY : from, earliest(to ?? today, today))
  return { base, quotes: quotes.toSorted(), days }
}

const DAY = 24 * 60 * 60 * 1000
const earliest = (a: string, b: string) => (a < b ? a : b)
const dayOf = (millis: number) => new Date(millis).toISOString().slice(0, 10)
const isWorkingDay = (millis: number) => ![0, 6].includes(new Date(millis).getUTCDay())

const lastWorkingDay = (day: string) => {
  let millis = Date.parse(day)
  while (!isWorkingDay(millis)) millis -= DAY
  return dayOf(millis)
}

const workingDays = (from: string, to: string) => {
  const days: Array<string> = []
  for (let millis = Date.parse(from); millis <= Date.parse(to); millis += DAY) {
    if (isWorkingDay(millis)) days.push(dayOf(millis))
  }
  return days
}

/** As many decimals as Frankfurter gives a rate of this size. */
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
