import { BigDecimal, DateTime, Duration, Option, Result, Schema } from "effect"
import type { AssetCode } from "../../domain/money/Asset.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { Contradictory, excerpt, Malformed, type ProviderReason, RateLimited } from "../ProviderError.ts"
import type { ProviderResponse } from "../ProviderResponse.ts"
import * as ResponseJson from "../ResponseJson.ts"
import type { TableQuote, TableQuotes } from "./RateTable.ts"

/** The parts of a response that table providers read. */
export type RawResponse = Omit<ProviderResponse, "headers">

/** Request for the rates of currencies, in units for one unit of the pivot. */
export interface TableRequest {
  readonly pivot: AssetCode
  readonly currencies: ReadonlyArray<AssetCode>
}

/** The quota of the plan is exhausted: a long pause, which the circuit breaker limits. */
export const quotaExceeded = () => new RateLimited({ retryAfter: Duration.hours(1) })

/** Rates by currency, as parsed by {@link ResponseJson.parse}. Each is checked on its own, and only if it is requested. */
export const Cells = Schema.Record(Schema.String, Schema.Unknown)

/** Collects the quotes of the requested currencies. Leaves out currencies for which `find` returns undefined. */
export const quotesOf = (
  { currencies }: TableRequest,
  find: (currency: AssetCode) => Result.Result<TableQuote, ProviderReason> | undefined
): TableQuotes =>
  new Map(
    currencies.flatMap((currency) => {
      const quote = find(currency)
      return quote === undefined ? [] : [[currency, quote] as const]
    })
  )

/** Parses the rate of a currency. Fails for anything but a positive decimal within the supported range. */
export const quoteOf = (cell: unknown, quotedAt: DateTime.Utc): Result.Result<TableQuote, ProviderReason> => {
  const text = typeof cell === "string" ? cell : ""
  const rate = Option.filter(Decimal.parseJsonNumber(text), BigDecimal.isPositive)
  if (Option.isSome(rate)) return Result.succeed({ rate: rate.value, text, quotedAt })
  const detail = `a rate must be a positive decimal, at most ${Decimal.MAX_RATE_DECIMALS} decimals, found ${ResponseJson.describe(cell)}`
  return Result.fail(new Contradictory({ detail }))
}

/** Parses the quotes of a response with one Unix timestamp, in seconds, for all rates. */
export const quotesAt = (
  request: TableRequest,
  response: {
    readonly base: string
    readonly timestamp: string
    readonly rates: typeof Cells.Type
  }
): Result.Result<TableQuotes, ProviderReason> => {
  if (response.base !== request.pivot) return unexpectedBase(request, response.base)
  if (!/^\d{1,11}$/.test(response.timestamp)) {
    return Result.fail(
      new Malformed({ detail: `the timestamp must be Unix seconds, found ${excerpt(response.timestamp)}` })
    )
  }
  const quotedAt = DateTime.makeUnsafe(Number(response.timestamp) * 1000)
  const { rates } = response
  return Result.succeed(
    quotesOf(request, (currency) =>
      Object.hasOwn(rates, currency) ? quoteOf(rates[currency], quotedAt) : undefined
    )
  )
}

/** Fails because a response has another base currency than the request. */
export const unexpectedBase = (request: TableRequest, base: string) =>
  Result.fail(
    new Contradictory({ detail: `requested rates of ${request.pivot}, received rates of ${excerpt(base)}` })
  )
