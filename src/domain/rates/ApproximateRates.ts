import { BigDecimal, Option } from "effect"
import type { CurrencyPair } from "../money/CurrencyPair.ts"
import * as Decimal from "../money/Decimal.ts"

/**
 * Approximate units per US dollar, as of 2026. Accurate enough only to detect an inverted rate and to generate sandbox
 * rates.
 */
const unitsPerDollar: ReadonlyMap<string, BigDecimal.BigDecimal> = new Map(
  Object.entries({
    USD: "1",
    CAD: "1.38",
    GBP: "0.75",
    EUR: "0.86",
    XOF: "564",
    XAF: "564",
    EGP: "48.6",
    ETB: "142",
    GHS: "11.9",
    KES: "129.3",
    MAD: "9.1",
    NGN: "1534.5",
    ZAR: "17.6",
    UGX: "3620",
    ZMW: "23.7",
    AED: "3.67",
    AUD: "1.53",
    BRL: "5.4",
    CHF: "0.8",
    CNY: "7.15",
    DKK: "6.4",
    INR: "88",
    JPY: "150",
    MWK: "1734",
    MXN: "18.5",
    NOK: "10",
    NZD: "1.73",
    RWF: "1450",
    SAR: "3.75",
    SEK: "9.5",
    SLE: "23",
    TZS: "2480"
  }).map(([code, units]) => [code, BigDecimal.fromStringUnsafe(units)])
)

/** Returns the approximate units of a currency per US dollar. None if the currency is not in the table. */
export const unitsOf = (code: string): Option.Option<BigDecimal.BigDecimal> =>
  Option.fromUndefinedOr(unitsPerDollar.get(code))

/** Returns the approximate rate of a pair. None if one of its currencies is not in the table. */
export const magnitudeOf = ({ from, to }: CurrencyPair): Option.Option<BigDecimal.BigDecimal> =>
  Option.map(Option.all([unitsOf(from), unitsOf(to)]), ([fromUnits, toUnits]) =>
    Decimal.quotient(toUnits, fromUnits)
  )
