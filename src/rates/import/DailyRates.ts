import { type BigDecimal, DateTime, Duration, Option, Result } from "effect"
import type { CurrencyCode } from "../../domain/money/Currency.ts"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import type { QuotedDay } from "../../providers/frankfurter/FrankfurterResponse.ts"
import { PIVOT } from "../../providers/frankfurter/FrankfurterSeries.ts"
import * as RateTable from "../../providers/table/RateTable.ts"
import type { StagedRate } from "./ImportStatements.ts"

const PROVIDER = "frankfurter"

interface Exact {
  readonly pair: CurrencyPair
  readonly rate: BigDecimal.BigDecimal
}

interface Quoted extends Exact {
  readonly providerRate: string
  readonly isLeg: boolean
}

/** The currencies that must be quoted, so that each of the pairs has a rate. */
export const currenciesOf = (pairs: ReadonlyArray<CurrencyPair>): ReadonlyArray<CurrencyCode> =>
  Array.from(new Set(pairs.flatMap(({ from, to }) => [from, to]))).filter((code) => code !== PIVOT)

/**
 * The rates of pairs on one day, numbered from `firstLine` on: what is quoted, and then what is computed from it through
 * the dollar. A pair that lacks a quote of this day has none. They are in force from the beginning of the day.
 */
export const ofDay = (
  { day, quotes }: QuotedDay,
  pairs: ReadonlyArray<CurrencyPair>,
  firstLine: number
): ReadonlyArray<StagedRate> => {
  const table = RateTable.make(
    { provider: PROVIDER, pivot: PIVOT, observedAt: day, longestAge: Duration.zero, raw: "", quotes },
    0
  )
  const ticks = pairs.flatMap((pair) => Option.toArray(Result.getSuccess(RateTable.tickOf(table, pair))))
  const derived = ticks.flatMap(({ legs, ...tick }) => (legs === undefined ? [] : [{ ...tick, legs }]))

  const quoted = new Map<string, Quoted>()
  for (const leg of derived.flatMap(({ legs }) => legs)) quoted.set(leg.pair.to, { ...leg, isLeg: true })
  for (const tick of ticks) if (tick.legs === undefined) quoted.set(tick.pair.to, { ...tick, isLeg: false })
  const lines = new Map(Array.from(quoted.keys(), (currency, index) => [currency, firstLine + index]))

  const rawOf = (rates: ReadonlyArray<Exact>) => {
    const date = DateTime.formatIso(day).slice(0, 10)
    const rows = rates.map(({ pair, rate }) => ({
      date,
      base: pair.from,
      quote: pair.to,
      rate: ExactJson.number(rate)
    }))
    return JSON.stringify(rows)
  }
  const stage = (line: number, { isLeg, pair, providerRate, rate }: Quoted, legs: ReadonlyArray<Exact>) => ({
    line,
    pair,
    rate: Decimal.format(rate),
    providerRate,
    provider: PROVIDER,
    raw: rawOf(legs.length === 0 ? [{ pair, rate }] : legs),
    observedAt: day,
    toldAt: Option.none(),
    isLeg,
    legs: legs.flatMap((leg) => lines.get(leg.pair.to) ?? [])
  })

  return [
    ...Array.from(quoted.values(), (rate, index) => stage(firstLine + index, rate, [])),
    ...derived.map((tick, index) =>
      stage(firstLine + quoted.size + index, { ...tick, isLeg: false }, tick.legs)
    )
  ]
}
