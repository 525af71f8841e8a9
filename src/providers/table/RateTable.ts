import { BigDecimal, DateTime, Duration, Option, Result } from "effect"
import type { AssetCode } from "../../domain/money/Asset.ts"
import { AssetPair } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import type { RateId, RateLeg, RateTick } from "../../domain/rates/Rate.ts"
import * as RateIds from "../../domain/rates/RateIds.ts"
import { Contradictory, NotQuoted, type ProviderReason } from "../ProviderError.ts"

/** A provider's rate of one currency. */
export interface TableQuote {
  /** Units of the currency for one unit of the pivot. */
  readonly rate: BigDecimal.BigDecimal
  /** The rate as written in the response. */
  readonly text: string
  /** Time of the rate according to the provider. */
  readonly quotedAt: DateTime.Utc
}

/** Quotes by currency, without the pivot. A cell that is not a rate fails only the pairs of its currency. */
export type TableQuotes = ReadonlyMap<AssetCode, Result.Result<TableQuote, ProviderReason>>

/** One response of a provider that quotes many currencies against one, the pivot. */
export interface RateTable {
  readonly provider: string
  readonly pivot: AssetCode
  /** Time of the request. */
  readonly observedAt: DateTime.Utc
  /** Quotes that are older are rejected. */
  readonly maxAge: Duration.Duration
  /** The whole response, as JSON text. */
  readonly raw: string
  readonly quotes: ReadonlyMap<AssetCode, Result.Result<TableQuote & { readonly id: RateId }, ProviderReason>>
}

/** Assigns each quote the id of its stored leg. `entropy` is less than {@link RateIds.ENTROPY_RANGE}. */
export const make = (
  { quotes, ...table }: Omit<RateTable, "quotes"> & { readonly quotes: TableQuotes },
  entropy: number
): RateTable => {
  const { observedAt } = table
  const idOf = (index: number) =>
    RateIds.make(observedAt, observedAt, (entropy + index) % RateIds.ENTROPY_RANGE)
  return {
    ...table,
    quotes: new Map(
      Array.from(quotes, ([currency, quote], index) => [
        currency,
        Result.map(quote, (found) => ({ ...found, id: idOf(index) }))
      ])
    )
  }
}

/** Maximum lead of a quote's time. It can be the end of a day that starts earlier in the provider's time zone than in UTC. */
const MAX_CLOCK_LEAD = Duration.days(2)

/**
 * Returns the rate of a pair. A rate from the pivot is the provider's quote. Other rates are computed through the pivot
 * with the used quotes as legs, and are as old as the older quote.
 */
export const deriveTick = (table: RateTable, pair: AssetPair): Result.Result<RateTick, ProviderReason> =>
  Result.gen(function* () {
    const source = pair.from === table.pivot ? undefined : yield* quoteOf(table, pair.from)
    const destination = pair.to === table.pivot ? undefined : yield* quoteOf(table, pair.to)
    const sourceAmount = source?.quote.rate ?? ONE
    const destinationAmount = destination?.quote.rate ?? ONE
    const rate = source === undefined ? destinationAmount : Decimal.quotient(destinationAmount, sourceAmount)
    if (Option.isNone(Decimal.parse(Decimal.format(rate)))) {
      return yield* Result.fail(new Contradictory({ detail: "the quotes differ too much to derive a rate" }))
    }
    const destinationText = destination?.quote.text ?? "1"
    return {
      pair,
      rate,
      sourceAmount,
      destinationAmount,
      provider: table.provider,
      providerRate: source === undefined ? destinationText : `${destinationText}/${source.quote.text}`,
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

/** Returns the quote of a currency and its leg. Fails when it is missing, too old or in the future. */
const quoteOf = (table: RateTable, currency: AssetCode) => {
  const cell = table.quotes.get(currency)
  if (cell === undefined) {
    const detail = `${table.pivot} to ${currency} is not in its response`
    return Result.fail(new NotQuoted({ detail }))
  }
  if (Result.isFailure(cell)) return Result.fail(cell.failure)
  const quote = cell.success
  const { id, quotedAt, rate, text } = quote
  const age = DateTime.distance(quotedAt, table.observedAt)
  if (Duration.isGreaterThan(age, table.maxAge)) {
    const detail = `its rate of ${currency} is ${Duration.format(wholeSeconds(age))} old; the limit is ${Duration.format(table.maxAge)}`
    return Result.fail(new Contradictory({ detail }))
  }
  if (Duration.isGreaterThan(Duration.negate(age), MAX_CLOCK_LEAD)) {
    const detail = `its rate of ${currency} is dated ${DateTime.formatIso(quotedAt)}, in the future`
    return Result.fail(new Contradictory({ detail }))
  }
  const leg: RateLeg = {
    id,
    pair: new AssetPair({ from: table.pivot, to: currency }),
    rate,
    providerRate: text
  }
  return Result.succeed({ quote, leg })
}

const wholeSeconds = (duration: Duration.Duration) =>
  Duration.seconds(Math.floor(Duration.toSeconds(duration)))
