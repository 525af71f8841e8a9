import { BigDecimal, DateTime, Duration, Option, Result } from "effect"
import type { CurrencyCode } from "../../domain/money/Currency.ts"
import { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import type { RateId, RateLeg, RateTick } from "../../domain/rates/Rate.ts"
import * as RateIds from "../../domain/rates/RateIds.ts"
import { Contradictory, type ProviderReason, Refused } from "../ProviderError.ts"

/** What a provider quotes of a currency. */
export interface Quote {
  /** Units of it for one unit of the pivot. */
  readonly rate: BigDecimal.BigDecimal
  /** The rate, as it was written. */
  readonly text: string
  /** When it was so, as the provider says. */
  readonly quotedAt: DateTime.Utc
}

/** Quotes by currency. The pivot itself is not among them. */
export type Quotes = ReadonlyMap<CurrencyCode, Quote>

/** What one answer of a provider says that quotes many currencies against one, the pivot. */
export interface RateTable {
  readonly provider: string
  readonly pivot: CurrencyCode
  /** When the provider was asked. */
  readonly observedAt: DateTime.Utc
  /** How old a quote of this provider may be. */
  readonly longestAge: Duration.Duration
  /** The whole answer, as JSON text. */
  readonly raw: string
  readonly quotes: ReadonlyMap<CurrencyCode, Quote & { readonly id: RateId }>
}

/** Gives every quote the id under which it is stored as a leg. `entropy` is below {@link RateIds.ENTROPY_RANGE}. */
export const make = (
  { quotes, ...answer }: Omit<RateTable, "quotes"> & { readonly quotes: Quotes },
  entropy: number
): RateTable => {
  const { observedAt } = answer
  const withId = ([currency, quote]: readonly [CurrencyCode, Quote], index: number) => {
    const id = RateIds.make(observedAt, observedAt, (entropy + index) % RateIds.ENTROPY_RANGE)
    return [currency, { ...quote, id }] as const
  }
  return { ...answer, quotes: new Map(Array.from(quotes).map(withId)) }
}

/** A provider's day may have begun while it is still the day before in UTC, and ends after it has begun. */
const FARTHEST_AHEAD = Duration.days(2)

/**
 * The rate of a pair: quoted by the provider where it is from the pivot, else computed through the pivot, with the
 * quotes that it was computed from as its legs. It is as old as the older of them.
 */
export const tickOf = (table: RateTable, pair: CurrencyPair): Result.Result<RateTick, ProviderReason> =>
  Result.gen(function* () {
    const source = pair.from === table.pivot ? undefined : yield* quoteOf(table, pair.from)
    const destination = pair.to === table.pivot ? undefined : yield* quoteOf(table, pair.to)
    const sourceAmount = source?.quote.rate ?? ONE
    const destinationAmount = destination?.quote.rate ?? ONE
    const rate = source === undefined ? destinationAmount : Decimal.quotient(destinationAmount, sourceAmount)
    if (Option.isNone(Decimal.parse(Decimal.format(rate)))) {
      return yield* Result.fail(new Contradictory({ detail: "the quotes are too far apart to be a rate" }))
    }
    const written = destination?.quote.text ?? "1"
    return {
      pair,
      rate,
      sourceAmount,
      destinationAmount,
      provider: table.provider,
      providerRate: source === undefined ? written : `${written}/${source.quote.text}`,
      raw: table.raw,
      observedAt: table.observedAt,
      quotedAt: [source, destination].reduce(
        (oldest, used) => (used === undefined ? oldest : DateTime.min(oldest, used.quote.quotedAt)),
        table.observedAt
      ),
      legs:
        source === undefined
          ? undefined
          : [source, destination].flatMap((used) => (used === undefined ? [] : [used.leg]))
    }
  })

const ONE = BigDecimal.make(1n, 0)

/** What the table says of a currency, as a quote that is neither missing nor too old, and as a leg. */
const quoteOf = (table: RateTable, currency: CurrencyCode) => {
  const quote = table.quotes.get(currency)
  if (quote === undefined) {
    const detail = `${table.pivot} to ${currency} is not among its rates`
    return Result.fail(new Refused({ status: 200, detail }))
  }
  const { id, quotedAt, rate, text } = quote
  const age = DateTime.distance(quotedAt, table.observedAt)
  if (Duration.isGreaterThan(age, table.longestAge)) {
    const detail = `its rate of ${currency} is ${Duration.format(wholeSeconds(age))} old`
    return Result.fail(new Contradictory({ detail }))
  }
  if (Duration.isGreaterThan(Duration.negate(age), FARTHEST_AHEAD)) {
    const detail = `its rate of ${currency} is of ${DateTime.formatIso(quotedAt)}, which is yet to come`
    return Result.fail(new Contradictory({ detail }))
  }
  const leg: RateLeg = {
    id,
    pair: new CurrencyPair({ from: table.pivot, to: currency }),
    rate,
    providerRate: text
  }
  return Result.succeed({ quote, leg })
}

const wholeSeconds = (duration: Duration.Duration) =>
  Duration.seconds(Math.floor(Duration.toSeconds(duration)))
