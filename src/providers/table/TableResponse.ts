import { BigDecimal, DateTime, Duration, Option, Result } from "effect"
import type { CurrencyCode } from "../../domain/money/Currency.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { Contradictory, excerpt, Malformed, type ProviderReason, RateLimited } from "../ProviderError.ts"
import type { ProviderResponse } from "../ProviderResponse.ts"
import type { TableQuote, TableQuotes } from "./RateTable.ts"

/** The parts of a response that table providers read. */
export type RawResponse = Omit<ProviderResponse, "headers">

/** Request for the rates of currencies, in units for one unit of the pivot. */
export interface TableRequest {
  readonly pivot: CurrencyCode
  readonly currencies: ReadonlyArray<CurrencyCode>
}

/** The quota of the plan is exhausted: a long pause, which the circuit breaker limits. */
export const quotaExceeded = () => new RateLimited({ retryAfter: Duration.hours(1) })

/** Parses the quotes of the requested currencies. Leaves out currencies for which `find` returns undefined. */
export const quotesOf = (
  request: TableRequest,
  find: (currency: CurrencyCode) => { readonly text: string; readonly quotedAt: DateTime.Utc } | undefined
): Result.Result<TableQuotes, ProviderReason> => {
  const quotes = new Map<CurrencyCode, TableQuote>()
  for (const currency of request.currencies) {
    const found = find(currency)
    if (found === undefined) continue
    const rate = Option.filter(Decimal.parseJsonNumber(found.text), BigDecimal.isPositive)
    if (Option.isNone(rate)) {
      const detail = `rates must be positive decimals, found ${excerpt(found.text)} for ${currency}`
      return Result.fail(new Contradictory({ detail }))
    }
    quotes.set(currency, { ...found, rate: rate.value })
  }
  return Result.succeed(quotes)
}

/** Parses the quotes of a response with one Unix timestamp, in seconds, for all rates. */
export const quotesAt = (
  request: TableRequest,
  response: {
    readonly base: string
    readonly timestamp: string
    readonly rates: Readonly<Record<string, string>>
  }
): Result.Result<TableQuotes, ProviderReason> => {
  if (response.base !== request.pivot) return unexpectedBase(request, response.base)
  if (!/^\d{1,11}$/.test(response.timestamp)) {
    return Result.fail(
      new Malformed({ detail: `the timestamp must be Unix seconds, found ${excerpt(response.timestamp)}` })
    )
  }
  const quotedAt = DateTime.makeUnsafe(Number(response.timestamp) * 1000)
  return quotesOf(request, (currency) => {
    const text = Object.hasOwn(response.rates, currency) ? response.rates[currency] : undefined
    return text === undefined ? undefined : { text, quotedAt }
  })
}

/** Fails because a response has another base currency than the request. */
export const unexpectedBase = (request: TableRequest, base: string) =>
  Result.fail(
    new Contradictory({ detail: `requested rates of ${request.pivot}, received rates of ${excerpt(base)}` })
  )
