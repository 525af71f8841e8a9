import { DateTime, Duration, Option, Result, Schema } from "effect"
import * as UsMarketCalendar from "../../domain/markets/UsMarketCalendar.ts"
import { Failing, ofStatus, type ProviderReason } from "../ProviderError.ts"
import type { ProviderResponse } from "../ProviderResponse.ts"
import * as JsonText from "../prices/JsonText.ts"
import { missing, parsePrice, parseTime, type PriceQuotes, type PriceResult } from "../prices/PriceQuote.ts"
import * as ResponseJson from "../ResponseJson.ts"

/** A snapshot of 250 tickers has about eight objects each. */
const MAX_CONTAINERS = 5000

/** `DELAYED` marks the data of plans that are 15 minutes behind. */
const SUCCESSFUL: ReadonlySet<string> = new Set(["OK", "DELAYED"])

const Failure = Schema.Struct({
  status: Schema.String,
  error: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String)
})
const decodeFailure = Schema.decodeUnknownOption(Failure)

/** Parses a response, or fails with the reason that it states. Errors may come with HTTP 200. */
const parse = (response: ProviderResponse): Result.Result<unknown, ProviderReason> => {
  const { body, status } = response
  const json = ResponseJson.parse(body, MAX_CONTAINERS)
  const stated = Option.flatMap(json, decodeFailure)
  const detail = Option.match(stated, {
    onNone: () => body,
    onSome: ({ error, message, status }) => [status, error ?? message ?? ""].join(" ").trim()
  })
  if (status < 200 || status >= 300) return Result.fail(ofStatus(response, detail))
  if (Option.isNone(json)) return Result.fail(ResponseJson.rejection(body, json))
  const found = Option.getOrUndefined(stated)?.status
  if (found === undefined || SUCCESSFUL.has(found)) return Result.succeed(json.value)
  return Result.fail(
    found === "NOT_AUTHORIZED"
      ? ofStatus({ ...response, status: 403 }, detail)
      : new Failing({ status, detail })
  )
}

/** Bars and trades are read one by one. Plans leave out what they do not include. */
const Bar = Schema.Struct({ c: Schema.Unknown, t: Schema.optionalKey(Schema.Unknown) })
const Ticker = Schema.Struct({
  ticker: Schema.String,
  lastTrade: Schema.optionalKey(Schema.NullOr(Schema.Struct({ p: Schema.Unknown, t: Schema.Unknown }))),
  min: Schema.optionalKey(Schema.NullOr(Bar)),
  day: Schema.optionalKey(Schema.NullOr(Bar)),
  prevDay: Schema.optionalKey(Schema.NullOr(Bar)),
  updated: Schema.optionalKey(Schema.Unknown)
})
const decodeTicker = Schema.decodeUnknownOption(Ticker)
const decodeSnapshot = Schema.decodeUnknownOption(
  Schema.Struct({ tickers: Schema.optionalKey(Schema.Array(Schema.Unknown)) })
)

/** Reads a response of `GET /v2/snapshot/locale/us/markets/stocks/tickers`. Unknown tickers are missing from it. */
export const readSnapshot = (
  response: ProviderResponse,
  now: DateTime.Utc
): Result.Result<PriceQuotes, ProviderReason> =>
  Result.gen(function* () {
    const json = yield* parse(response)
    const snapshot = decodeSnapshot(json)
    if (Option.isNone(snapshot))
      return yield* Result.fail(ResponseJson.rejection(response.body, Option.some(json)))
    const texts = JsonText.elementsOf(JsonText.fieldsOf(response.body).get("tickers") ?? "[]")
    const { tickers = [] } = snapshot.value
    return new Map(
      tickers.flatMap((value, index) => {
        const ticker = Option.getOrUndefined(decodeTicker(value))
        if (ticker === undefined) return []
        const raw = `{"tickers":[${texts[index] ?? ""}]}`
        return [[ticker.ticker, readTicker(ticker, raw, now)] as const]
      })
    )
  })

/** Before the first trade of a day, the fields of its bars are zero. */
const isPositive = (cell: unknown) => typeof cell === "string" && /[1-9]/.test(cell.split(/[eE]/)[0] ?? "")

/**
 * Returns the last trade; without it, the close of the last minute, of the day so far, or of the previous day. Plans
 * without trades have only bars.
 */
const readTicker = (
  { day, lastTrade, min, prevDay, ticker, updated }: typeof Ticker.Type,
  raw: string,
  now: DateTime.Utc
): PriceResult =>
  Result.gen(function* () {
    const quote = (cell: unknown, quotedAt: DateTime.Utc) =>
      Result.map(parsePrice(cell), (price) => ({ price, text: String(cell), quotedAt, raw }))
    if (lastTrade != null && isPositive(lastTrade.p))
      return yield* quote(lastTrade.p, yield* parseTime(lastTrade.t, "nanos"))
    if (min != null && isPositive(min.c) && isPositive(min.t))
      return yield* quote(min.c, yield* parseTime(min.t, "millis"))
    if (day != null && isPositive(day.c)) return yield* quote(day.c, yield* parseTime(updated, "nanos"))
    if (prevDay != null && isPositive(prevDay.c)) return yield* quote(prevDay.c, previousClose(now))
    return yield* Result.fail(missing(ticker))
  })

/** The previous day of a snapshot is the session before the one of the current day, if there is one. */
const previousClose = (now: DateTime.Utc) => {
  const millis = DateTime.toEpochMillis(now)
  const today = UsMarketCalendar.sessionOf(millis)
  return DateTime.makeUnsafe(UsMarketCalendar.lastClose(today === undefined ? millis : today.close - 1))
}

const decodePrevious = Schema.decodeUnknownOption(
  Schema.Struct({
    ticker: Schema.optionalKey(Schema.String),
    results: Schema.optionalKey(Schema.Array(Schema.Struct({ c: Schema.Unknown, t: Schema.Unknown })))
  })
)

/** Reads a response of `GET /v2/aggs/ticker/{ticker}/prev`. `results` is absent for an unknown or delisted ticker. */
export const readPrevious =
  (ticker: string) =>
  (response: ProviderResponse): Result.Result<PriceQuotes, ProviderReason> =>
    Result.gen(function* () {
      const json = yield* parse(response)
      const previous = Option.getOrUndefined(decodePrevious(json))
      if (previous === undefined || (previous.ticker ?? ticker) !== ticker)
        return yield* Result.fail(ResponseJson.rejection(response.body, Option.some(json)))
      const [bar] = previous.results ?? []
      if (bar === undefined) return new Map([[ticker, Result.fail(missing(ticker))]])
      const quote: PriceResult = Result.gen(function* () {
        const price = yield* parsePrice(bar.c)
        const quotedAt = closeOf(yield* parseTime(bar.t, "millis"))
        return { price, text: String(bar.c), quotedAt, raw: response.body }
      })
      return new Map([[ticker, quote]])
    })

/** Time of a daily bar: documented as its start, but the samples state the close. Both become the close of that day. */
const closeOf = (time: DateTime.Utc) => {
  const session = UsMarketCalendar.sessionOf(DateTime.toEpochMillis(time))
  return session === undefined ? time : DateTime.makeUnsafe(session.close)
}

/** Trading time after which a previous close is no longer that of the previous day: one session, or two after a short one. */
export const MAX_PREVIOUS_AGE = Duration.hours(13)
