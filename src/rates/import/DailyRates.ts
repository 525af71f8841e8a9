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

interface PairRate {
  readonly pair: CurrencyPair
  readonly rate: BigDecimal.BigDecimal
}

interface DirectRate extends PairRate {
  readonly providerRate: string
  readonly isLeg: boolean
}

/** Currencies whose quotes are required to compute all pairs. */
export const requiredCurrencies = (pairs: ReadonlyArray<CurrencyPair>): ReadonlyArray<CurrencyCode> =>
  Array.from(new Set(pairs.flatMap(({ from, to }) => [from, to]))).filter((code) => code !== PIVOT)

/**
 * Computes the rates of one day, numbered from `firstLine`: first the quoted ones, then those derived through the US dollar.
 * Skips pairs without a quote on that day. The rates are in force from the start of the day (UTC).
 */
export const stageDay = (
  { day, quotes }: QuotedDay,
  pairs: ReadonlyArray<CurrencyPair>,
  firstLine: number
): ReadonlyArray<StagedRate> => {
  const table = RateTable.make(
    { provider: PROVIDER, pivot: PIVOT, observedAt: day, maxAge: Duration.zero, raw: "", quotes },
    0
  )
  const ticks = pairs.flatMap((pair) => Option.toArray(Result.getSuccess(RateTable.deriveTick(table, pair))))
  const derived = ticks.flatMap(({ legs, ...tick }) => (legs === undefined ? [] : [{ ...tick, legs }]))

  const direct = new Map<string, DirectRate>()
  for (const leg of derived.flatMap(({ legs }) => legs)) direct.set(leg.pair.to, { ...leg, isLeg: true })
  for (const tick of ticks) if (tick.legs === undefined) direct.set(tick.pair.to, { ...tick, isLeg: false })
  const lines = new Map(Array.from(direct.keys(), (currency, index) => [currency, firstLine + index]))

  const rawOf = (rates: ReadonlyArray<PairRate>) => {
    const date = DateTime.formatIso(day).slice(0, 10)
    const rows = rates.map(({ pair, rate }) => ({
      date,
      base: pair.from,
      quote: pair.to,
      rate: ExactJson.number(rate)
    }))
    return JSON.stringify(rows)
  }
  const stage = (
    line: number,
    { isLeg, pair, providerRate, rate }: DirectRate,
    legs: ReadonlyArray<PairRate>
  ) => ({
    line,
    pair,
    rate: Decimal.format(rate),
    providerRate,
    provider: PROVIDER,
    raw: rawOf(legs.length === 0 ? [{ pair, rate }] : legs),
    observedAt: day,
    sourceRecordedAt: Option.none(),
    isLeg,
    legs: legs.flatMap((leg) => lines.get(leg.pair.to) ?? [])
  })

  return [
    ...Array.from(direct.values(), (rate, index) => stage(firstLine + index, rate, [])),
    ...derived.map((tick, index) =>
      stage(firstLine + direct.size + index, { ...tick, isLeg: false }, tick.legs)
    )
  ]
}
