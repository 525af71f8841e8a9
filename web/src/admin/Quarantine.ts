import type { QuarantinedRate, QuarantineReason } from "../../../src/client/promise/admin/OperationValues.ts"
import * as Decimal from "../money/Decimal.ts"
import * as Format from "../money/Format.ts"

/** Ratio from which a change is a factor instead of a percentage. */
const FACTOR = Decimal.make(10n)
const ONE = Decimal.make(1n)

/** Formats the deviation of a rate from another one: `+12.5%`, `−23.3%`, `× 12` or `÷ 20,000`. */
export const deviation = (offered: string, reference: string): string => {
  const [next, before] = [Decimal.of(offered), Decimal.of(reference)]
  if (!Decimal.isPositive(next) || !Decimal.isPositive(before)) return ""
  const ratio = Decimal.divide(next, before, 12, "half")
  if (Decimal.compare(ratio, FACTOR) >= 0) return `× ${Format.amount(Decimal.round(ratio, 0, "half"))}`
  const inverse = Decimal.divide(before, next, 12, "half")
  if (Decimal.compare(inverse, FACTOR) >= 0) return `÷ ${Format.amount(Decimal.round(inverse, 0, "half"))}`
  const change = Decimal.subtract(ratio, ONE)
  const sign = change.digits < 0n ? "\u2212" : "+"
  return `${sign}${Format.percentage(change, 1)}`
}

/** Places on a scale, as percentages of its width. The band is its middle third. */
export interface Scale {
  readonly offered: number
  /** The offered rate is beyond the end of the scale. */
  readonly isBeyond: boolean
  /** The last good rate, if it is another one than the reference. */
  readonly lastGood: number | undefined
}

const BAND_HALF = 100 / 6
const MARGIN = 2

/**
 * Returns the places of rates on a scale whose middle is the reference rate, and whose band is what is allowed around it. It is
 * logarithmic, so that half and twice are equally far. Undefined if no reason has a reference with a limit.
 */
export const scaleOf = (
  { rate, reasons }: Pick<QuarantinedRate, "rate" | "reasons">,
  lastGood: string | undefined
): Scale | undefined => {
  const limited = reasons.find(({ against, allowed }) => against !== undefined && allowed !== undefined)
  if (limited?.against === undefined || limited.allowed === undefined) return undefined
  // The geometry of a drawing is the only use of a `number`.
  const reference = Decimal.toChartNumber(limited.against)
  const band = Math.log1p(Decimal.toChartNumber(limited.allowed))
  const placeOf = (text: string) =>
    50 + (Math.log(Decimal.toChartNumber(text) / reference) / band) * BAND_HALF
  const clamp = (place: number) => Math.min(100 - MARGIN, Math.max(MARGIN, place))
  const place = placeOf(rate)
  return {
    offered: clamp(place),
    isBeyond: place < MARGIN || place > 100 - MARGIN,
    lastGood: lastGood === undefined || lastGood === limited.against ? undefined : clamp(placeOf(lastGood))
  }
}

/** Returns the rate that a reason compares with, as the last good one if there is no other. */
export const referenceOf = (reasons: ReadonlyArray<QuarantineReason>): string | undefined =>
  reasons.find(({ against, reason }) => reason === "jump" && against !== undefined)?.against ??
  reasons.find(({ against }) => against !== undefined)?.against
