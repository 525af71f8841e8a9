import { BigDecimal, Option } from "effect"
import type { AssetPair } from "../money/AssetPair.ts"
import * as Decimal from "../money/Decimal.ts"

/**
 * Approximate units per US dollar, as of 2026-11, of every currency in `Iso4217.ts`. They are orders of magnitude: good
 * enough to recognize a first rate that is inverted or scaled by a power of ten, and to generate sandbox rates.
 */
const TABLE = `
  AED 3.67 AFN 70 ALL 83 AMD 385 AOA 915 ARS 1450 AUD 1.53 AWG 1.79 AZN 1.7 BAM 1.68 BBD 2 BDT 122 BHD 0.376 BIF 2950
  BMD 1 BND 1.29 BOB 6.91 BOV 2.6 BRL 5.4 BSD 1 BTN 88 BWP 13.5 BYN 3 BZD 2 CAD 1.38 CDF 2400 CHE 0.8 CHF 0.8 CHW 0.8
  CLF 0.024 CLP 940 CNY 7.15 COP 3900 COU 10 CRC 503 CUP 24 CVE 95 CZK 21 DJF 178 DKK 6.4 DOP 63 DZD 130 EGP 48.6 ERN 15
  ETB 142 EUR 0.86 FJD 2.27 FKP 0.75 GBP 0.75 GEL 2.71 GHS 11.9 GIP 0.75 GMD 72 GNF 8700 GTQ 7.66 GYD 209 HKD 7.78 HNL 26.2
  HTG 131 HUF 335 IDR 16600 ILS 3.3 INR 88 IQD 1310 IRR 42000 ISK 125 JMD 160 JOD 0.709 JPY 150 KES 129.3 KGS 87.4 KHR 4010
  KMF 423 KPW 900 KRW 1440 KWD 0.307 KYD 0.833 KZT 525 LAK 21700 LBP 89500 LKR 304 LRD 182 LSL 17.6 LYD 5.45 MAD 9.1 MDL 17
  MGA 4500 MKD 53 MMK 2100 MNT 3580 MOP 8.01 MRU 39.8 MUR 45.8 MVR 15.4 MWK 1734 MXN 18.5 MXV 2.15 MYR 4.15 MZN 63.9 NAD 17.6
  NGN 1534.5 NIO 36.8 NOK 10 NPR 141 NZD 1.73 OMR 0.385 PAB 1 PEN 3.37 PGK 4.25 PHP 58.8 PKR 281 PLN 3.66 PYG 7050 QAR 3.64
  RON 4.39 RSD 101 RUB 81 RWF 1450 SAR 3.75 SBD 8.24 SCR 14.5 SDG 601 SEK 9.5 SGD 1.3 SHP 0.75 SLE 23 SOS 571 SRD 38.5
  SSP 4700 STN 21.2 SVC 8.75 SYP 11000 SZL 17.6 THB 32.4 TJS 9.25 TMT 3.5 TND 2.95 TOP 2.4 TRY 42.3 TTD 6.78 TWD 31 TZS 2480
  UAH 42 UGX 3620 USD 1 USN 1 UYI 6.2 UYU 39.8 UYW 0.022 UZS 12000 VED 230 VES 230 VND 26300 VUV 122 WST 2.78 XAD 0.25 XAF 564
  XCD 2.7 XCG 1.79 XOF 564 XPF 103 YER 239 ZAR 17.6 ZMW 23.7 ZWG 26.4
`

const unitsPerDollar: ReadonlyMap<string, BigDecimal.BigDecimal> = new Map(
  Array.from(TABLE.matchAll(/([A-Z]{3}) ([\d.]+)/g), ([, code = "", units = ""]) => [
    code,
    BigDecimal.fromStringUnsafe(units)
  ])
)

/** Returns the approximate units of a currency per US dollar. None if the currency is not in the table. */
export const unitsOf = (code: string): Option.Option<BigDecimal.BigDecimal> =>
  Option.fromUndefinedOr(unitsPerDollar.get(code))

/** Returns the approximate rate of a pair. None if one of its currencies is not in the table. */
export const magnitudeOf = ({ from, to }: AssetPair): Option.Option<BigDecimal.BigDecimal> =>
  Option.map(Option.all([unitsOf(from), unitsOf(to)]), ([fromUnits, toUnits]) =>
    Decimal.quotient(toUnits, fromUnits)
  )
