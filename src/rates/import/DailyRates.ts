import { type BigDecimal, DateTime, Duration, Option, Result } from "effect"
import type { AssetCode } from "../../domain/money/Asset.ts"
import { type AssetPair, keyOf } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import * as ImportRow from "../../domain/rates/ImportRow.ts"
import type { QuotedDay } from "../../providers/frankfurter/FrankfurterResponse.ts"
import { PIVOT } from "../../providers/frankfurter/FrankfurterSeries.ts"
import { describe } from "../../providers/ProviderError.ts"
import * as RateTable from "../../providers/table/RateTable.ts"
import type { StagedRate } from "./ImportStatements.ts"
import type { OutlierRow } from "./OutlierStatements.ts"

const PROVIDER = "frankfurter"

interface PairRate {
  readonly pair: AssetPair
  readonly rate: BigDecimal.BigDecimal
}

interface DirectRate extends PairRate {
  readonly providerRate: string
  readonly isLeg: boolean
}

/** Describes the cells of a day that are not a rate; `line` is the number of the next rate of the import. */
export const invalidCells = ({ day, quotes }: QuotedDay, line: number): ReadonlyArray<ImportRow.InvalidRow> =>
  Array.from(quotes).flatMap(([currency, quote]) =>
    Result.isSuccess(quote)
      ? []
      : [
          {
            line,
            column: columnOf(keyOf(PIVOT, currency), day),
            found: `no rate: ${describe(quote.failure)}`,
            allowed: "a positive decimal"
          }
        ]
  )

/** Describes an outlier of a day. */
export const outlierOfDay = (outlier: OutlierRow): ImportRow.InvalidRow => ({
  line: outlier.line,
  column: columnOf(
    keyOf(outlier.sourceCurrency, outlier.destinationCurrency),
    DateTime.fromDateUnsafe(outlier.observedAt)
  ),
  found: outlier.rate,
  allowed: ImportRow.expectedRange(outlier)
})

const dateOf = (day: DateTime.Utc) => DateTime.formatIso(day).slice(0, 10)
const columnOf = (pair: string, day: DateTime.Utc) => `${pair} of ${dateOf(day)}`

/** Currencies whose quotes are required to compute all pairs. */
export const requiredCurrencies = (pairs: ReadonlyArray<AssetPair>): ReadonlyArray<AssetCode> =>
  Array.from(new Set(pairs.flatMap(({ from, to }) => [from, to]))).filter((code) => code !== PIVOT)

/**
 * Computes the rates of one day, numbered from `firstLine`: first the quoted ones, then those derived through the US dollar.
 * Skips pairs without a quote on that day. The rates are in force from the start of the day (UTC).
 */
export const stageDay = (
  { day, quotes }: QuotedDay,
  pairs: ReadonlyArray<AssetPair>,
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
    const date = dateOf(day)
    const rows = rates.map(({ pair, rate }) => ({
      date,
      base: pair.from,
      quote: pair.to,
      rate: ExactJson.number(rate)
    }))
    return JSON.stringify({ rates: rows })
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
