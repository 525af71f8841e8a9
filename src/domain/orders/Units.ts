import { BigDecimal } from "effect"

/** Converts a value to a whole number of its smallest units, of which there are `10^decimals` in one. Rounds down. */
export const toUnits = (value: BigDecimal.BigDecimal, decimals: number): bigint =>
  BigDecimal.scale(BigDecimal.round(value, { scale: decimals, mode: "floor" }), decimals).value

/** Converts a whole number of smallest units back to a value. */
export const fromUnits = (units: bigint, decimals: number): BigDecimal.BigDecimal =>
  BigDecimal.normalize(BigDecimal.make(units, decimals))
