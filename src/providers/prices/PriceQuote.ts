import { BigDecimal, DateTime, Duration, Option, Result } from "effect"
import * as Decimal from "../../domain/money/Decimal.ts"
import { Contradictory, excerpt, type ProviderReason, Untraded } from "../ProviderError.ts"
import * as ResponseJson from "../ResponseJson.ts"

/** The price of one asset, in US dollars, from a response with many. */
export interface PriceQuote {
  readonly price: BigDecimal.BigDecimal
  /** The price as written in the response. */
  readonly text: string
  /** Time of the price according to the provider. */
  readonly quotedAt: DateTime.Utc
  /** The part of the response about this asset, verbatim, as JSON text. */
  readonly raw: string
}

export type PriceResult = Result.Result<PriceQuote, ProviderReason>

/** Prices by symbol. A price that cannot be read fails only its asset. */
export type PriceQuotes = ReadonlyMap<string, PriceResult>

/** Parses a price from the source text of a JSON number, exactly. */
export const parsePrice = (cell: unknown): Result.Result<BigDecimal.BigDecimal, ProviderReason> => {
  const text = typeof cell === "string" ? cell : ""
  const price = Option.filter(Decimal.parseJsonNumber(text), BigDecimal.isPositive)
  if (Option.isSome(price)) return Result.succeed(price.value)
  const detail = `a price must be a positive decimal, at most ${Decimal.MAX_RATE_DECIMALS} decimals, found ${ResponseJson.describe(cell)}`
  return Result.fail(new Contradictory({ detail }))
}

/** Maximum digits of Unix time in each unit, up to the year 2286. */
const TIME_UNITS = { seconds: 10, millis: 13, nanos: 19 } as const

/** Digits of nanoseconds after the milliseconds. */
const NANO_DIGITS = 6

/** Parses Unix time from the source text of a JSON number. Nanoseconds exceed 2^53, so their text is cut, not rounded. */
export const parseTime = (
  cell: unknown,
  unit: keyof typeof TIME_UNITS
): Result.Result<DateTime.Utc, ProviderReason> => {
  const digits = TIME_UNITS[unit]
  if (typeof cell !== "string" || !/^\d+$/.test(cell) || cell.length > digits) {
    const detail = `a time must be Unix ${unit}, found ${ResponseJson.describe(cell)}`
    return Result.fail(new Contradictory({ detail }))
  }
  const millis = { seconds: `${cell}000`, millis: cell, nanos: cell.slice(0, -NANO_DIGITS) || "0" }[unit]
  return Result.succeed(DateTime.makeUnsafe(Number(millis)))
}

/** Longest time without a trade while the market is open. Then the trading of the asset is halted, or has ended. */
const MAX_TIME_WITHOUT_TRADE = Duration.hours(1)

/** Fails for an asset that has not been traded for too long. `openMillis` counts the time during which its market was open. */
export const requireTraded = (
  symbol: string,
  quote: PriceQuote,
  observedAt: DateTime.Utc,
  openMillis: (from: number, to: number) => number,
  limit: Duration.Duration = MAX_TIME_WITHOUT_TRADE
): PriceResult => {
  const [from, to] = [quote.quotedAt, observedAt].map(DateTime.toEpochMillis)
  if (openMillis(from ?? 0, to ?? 0) <= Duration.toMillis(limit)) return Result.succeed(quote)
  const detail = `no trade of ${excerpt(symbol)} since ${DateTime.formatIso(quote.quotedAt)}, although its market was open: it is halted or delisted`
  return Result.fail(new Untraded({ detail }))
}

/** Reason for an asset that a response leaves out. */
export const missing = (symbol: string): ProviderReason =>
  new Untraded({
    detail: `${excerpt(symbol)} has no price in its response: it is delisted, or the symbol is wrong`
  })
