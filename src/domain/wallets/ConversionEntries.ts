import { BigDecimal } from "effect"
import type { ComputedConversion } from "../conversion/Conversion.ts"
import type { AssetCode } from "../money/Asset.ts"

/** Accounts that a conversion in a wallet moves money between. All but `user` belong to the house. */
export type ConversionRole = "user" | "liquidity" | "revenue.spread" | "revenue.rounding"

/** A signed change of one account. */
export interface ConversionEntry {
  readonly role: ConversionRole
  readonly asset: AssetCode
  readonly amount: BigDecimal.BigDecimal
}

/**
 * Returns the ledger entries of a conversion. They sum to zero in each asset. The house exchanges the whole input at the
 * mid rate: what the user does not receive is the spread, and what rounding leaves is the house's. Entries of zero are
 * left out.
 */
export const ofConversion = ({
  input,
  margin,
  midRate,
  output
}: Pick<ComputedConversion, "input" | "output" | "midRate" | "margin">): ReadonlyArray<ConversionEntry> => {
  const paid = input.amount
  const { minorUnit } = output.currency
  const floor = (value: BigDecimal.BigDecimal) => BigDecimal.round(value, { scale: minorUnit, mode: "floor" })
  const atMid = BigDecimal.multiply(paid, midRate)
  const exchanged = floor(atMid)
  const spread = floor(BigDecimal.multiply(atMid, margin))
  const rounding = BigDecimal.subtract(BigDecimal.subtract(exchanged, output.amount), spread)
  const [from, to] = [input.currency.code, output.currency.code]
  const entries: ReadonlyArray<ConversionEntry> = [
    { role: "user", asset: from, amount: BigDecimal.negate(paid) },
    { role: "liquidity", asset: from, amount: paid },
    { role: "liquidity", asset: to, amount: BigDecimal.negate(exchanged) },
    { role: "user", asset: to, amount: output.amount },
    { role: "revenue.spread", asset: to, amount: spread },
    { role: "revenue.rounding", asset: to, amount: rounding }
  ]
  return entries.filter(({ amount }) => !BigDecimal.isZero(amount))
}
