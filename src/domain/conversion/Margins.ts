import type { BigDecimal } from "effect"

/** Margins that are deducted from mid rates, as fractions of 1. */
export interface Margins {
  readonly standard: BigDecimal.BigDecimal
  /** Exceptions, by pair key such as `USD:NGN`. */
  readonly byPair: ReadonlyMap<string, BigDecimal.BigDecimal>
}

/** Returns the margin of a pair. */
export const marginOf = (margins: Margins, pairKey: string): BigDecimal.BigDecimal =>
  margins.byPair.get(pairKey) ?? margins.standard
