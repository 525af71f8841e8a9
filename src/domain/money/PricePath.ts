import { Array, Option, Result } from "effect"
import type { AssetCode } from "./Asset.ts"
import type { AssetPair } from "./AssetPair.ts"
import { PRICE_CURRENCY, type SupportedPairs } from "./SupportedPairs.ts"

/**
 * Returns the pairs whose rates multiply to the price of an asset in a currency: their own pair, or two pairs through the
 * currency of prices. Empty for the currency itself. None if there are no such pairs.
 */
export const of = (
  pairs: Pick<SupportedPairs, "find">,
  asset: AssetCode,
  currency: AssetCode
): Option.Option<ReadonlyArray<AssetPair>> => {
  const find = (from: AssetCode, to: AssetCode) => Result.getSuccess(pairs.find(from, to))
  if (asset === currency) return Option.some([])
  return Option.orElse(Option.map(find(asset, currency), Array.of), () =>
    Option.all([find(asset, PRICE_CURRENCY), find(PRICE_CURRENCY, currency)])
  )
}
