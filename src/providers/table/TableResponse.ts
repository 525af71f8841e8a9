import { BigDecimal, DateTime, Duration, Option, Result } from "effect"
import type { CurrencyCode } from "../../domain/money/Currency.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { Contradictory, excerpt, Malformed, type ProviderReason, RateLimited } from "../ProviderError.ts"
import type { ProviderResponse } from "../ProviderHttp.ts"
import type { Quote, Quotes } from "./RateTable.ts"

/** What a provider answered. */
export type Response = Omit<ProviderResponse, "headers">

/** What a provider of many rates was asked for: units of each currency for one unit of the pivot. */
export interface Asked {
  readonly pivot: CurrencyCode
  readonly currencies: ReadonlyArray<CurrencyCode>
}

/** Who has used up what its plan allows gets nothing for longer than anybody waits: as late as the circuit allows. */
export const usedUp = () => new RateLimited({ retryAfter: Duration.hours(1) })

/** The quotes of what was asked for; currencies that the provider lacks are left out. */
export const quotesOf = (
  asked: Asked,
  find: (currency: CurrencyCode) => { readonly text: string; readonly quotedAt: DateTime.Utc } | undefined
): Result.Result<Quotes, ProviderReason> => {
  const quotes = new Map<CurrencyCode, Quote>()
  for (const currency of asked.currencies) {
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

/** The quotes of an answer that has one time for all of them, in seconds since 1970. */
export const quotesAt = (
  asked: Asked,
  answer: {
    readonly base: string
    readonly timestamp: string
    readonly rates: Readonly<Record<string, string>>
  }
): Result.Result<Quotes, ProviderReason> => {
  if (answer.base !== asked.pivot) return otherBase(asked, answer.base)
  if (!/^\d{1,11}$/.test(answer.timestamp)) {
    return Result.fail(new Malformed({ detail: `the timestamp is ${excerpt(answer.timestamp)}` }))
  }
  const quotedAt = DateTime.makeUnsafe(Number(answer.timestamp) * 1000)
  return quotesOf(asked, (currency) => {
    const text = Object.hasOwn(answer.rates, currency) ? answer.rates[currency] : undefined
    return text === undefined ? undefined : { text, quotedAt }
  })
}

export const otherBase = (asked: Asked, base: string) =>
  Result.fail(
    new Contradictory({ detail: `asked for rates of ${asked.pivot}, answered for ${excerpt(base)}` })
  )
