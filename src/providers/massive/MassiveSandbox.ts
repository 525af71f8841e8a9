import { type BigDecimal, Clock, Effect } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as UsMarketCalendar from "../../domain/markets/UsMarketCalendar.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import * as SandboxFaults from "../sandbox/SandboxFaults.ts"
import * as SandboxPrices from "../sandbox/SandboxPrices.ts"
import * as SandboxTable from "../sandbox/SandboxTable.ts"

const DECIMALS = 2
/** Age of the last trade with the fault `old`: a ticker that is halted since the week before. */
const OLD_AGE_MILLIS = 7 * 24 * 60 * 60 * 1000

type RequestFault = SandboxFaults.RequestFault<SandboxFaults.MassiveFault>

/**
 * Simulates Massive's snapshot of tickers and the previous close of one, with a price for every ticker. Outside of US market
 * hours, the last trade is that of the last close. Accepts any key.
 */
export const make = (prices: SandboxPrices.SandboxPrices) => {
  const faults = SandboxFaults.make<SandboxFaults.MassiveFault>(SandboxFaults.PRICE_JUMP)
  let requests = 0

  const answer = Effect.fnUntraced(function* (
    tickers: ReadonlyArray<string>,
    isSnapshot: boolean,
    bodyOf: (fault: RequestFault) => Effect.Effect<unknown>
  ) {
    requests++
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    if (!/^Bearer \S/.test(headers["authorization"] ?? ""))
      return error(401, "ERROR", "API Key was not provided")
    const requestFault = yield* faults.next(tickers.map(SandboxPrices.pairOf))
    const { fault } = requestFault
    switch (fault) {
      case "hang":
        return yield* Effect.never
      case "429":
        return error(429, "ERROR", "You've exceeded the maximum requests per minute, please wait or upgrade.")
      case "500":
        return HttpServerResponse.text("Internal Server Error", { status: 500 })
      case "html":
        return HttpServerResponse.html("<html><title>502 Bad Gateway</title></html>")
      case "not-authorized":
        // Every plan includes the previous close.
        if (isSnapshot)
          return error(403, "NOT_AUTHORIZED", "You are not entitled to this data. Please upgrade your plan.")
    }
    return SandboxTable.respond(yield* bodyOf(requestFault), fault)
  })

  const statusOf = ({ fault }: RequestFault) => (fault === "delayed" ? "DELAYED" : "OK")

  /** Time of the last trade: now, or the last close outside of market hours. */
  const tradedAt = Effect.fnUntraced(function* (ticker: string, { affects, fault }: RequestFault) {
    const now = yield* Clock.currentTimeMillis
    const at = fault === "old" && affects(SandboxPrices.pairOf(ticker)) ? now - OLD_AGE_MILLIS : now
    return Math.max(0, UsMarketCalendar.isOpen(at) ? at : UsMarketCalendar.lastClose(at))
  })

  const priceAt = (ticker: string, millis: number, { distort }: RequestFault) =>
    Effect.map(prices.price(ticker, millis, DECIMALS), (price) =>
      distort(SandboxPrices.pairOf(ticker), price)
    )

  const tickerOf = Effect.fnUntraced(function* (ticker: string, fault: RequestFault) {
    const at = yield* tradedAt(ticker, fault)
    const previousAt = Math.max(0, UsMarketCalendar.lastClose(at - 1))
    const bar = barOf(yield* priceAt(ticker, at, fault))
    // JSON numbers of nanoseconds exceed 2^53.
    const nanos = JSON.rawJSON(`${at}000000`.replace(/^0+(?=\d)/, ""))
    return {
      ticker,
      day: bar,
      lastTrade: { c: [14, 41], i: "4046", p: bar.c, s: 100, t: nanos, x: 4 },
      min: { ...bar, t: at },
      prevDay: barOf(yield* prices.price(ticker, previousAt, DECIMALS)),
      todaysChange: 0,
      todaysChangePerc: 0,
      updated: nanos
    }
  })

  const snapshot = Effect.gen(function* () {
    const query = yield* HttpServerRequest.ParsedSearchParams
    const tickers = String(query["tickers"] ?? "")
      .split(",")
      .filter((ticker) => ticker !== "")
    return yield* answer(tickers, true, (fault) =>
      Effect.gen(function* () {
        const isSent = (ticker: string) =>
          fault.fault !== "missing" || !fault.affects(SandboxPrices.pairOf(ticker))
        const sent = tickers.filter(isSent)
        const found = yield* Effect.forEach(sent, (ticker) => tickerOf(ticker, fault))
        return { count: found.length, status: statusOf(fault), tickers: found }
      })
    )
  })

  const previousClose = Effect.gen(function* () {
    const { ticker = "" } = yield* HttpRouter.params
    return yield* answer([ticker], false, (fault) =>
      Effect.gen(function* () {
        const head = { ticker, queryCount: 1, adjusted: true, status: statusOf(fault), request_id: "sandbox" }
        if (fault.fault === "missing") return { ...head, queryCount: 0, resultsCount: 0 }
        const at = Math.max(0, UsMarketCalendar.lastClose(yield* tradedAt(ticker, fault)))
        const bar = { T: ticker, ...barOf(yield* priceAt(ticker, at, fault)), t: at, n: 1 }
        return { ...head, resultsCount: 1, count: 1, results: [bar] }
      })
    )
  })

  return {
    ...faults,
    requests: Effect.sync(() => requests),
    routes: [
      HttpRouter.route("GET", "/massive/v2/snapshot/locale/us/markets/stocks/tickers", snapshot),
      HttpRouter.route("GET", "/massive/v2/aggs/ticker/:ticker/prev", previousClose)
    ]
  }
}

const barOf = (price: BigDecimal.BigDecimal) => {
  const close = ExactJson.number(price)
  return { c: close, h: close, l: close, o: close, v: 28727868, vw: close }
}

const error = (status: number, name: string, message: string) =>
  HttpServerResponse.jsonUnsafe(
    { status: name, request_id: "sandbox", [status === 403 ? "message" : "error"]: message },
    { status }
  )
