import { Context, Option } from "effect"
import type { AssetCode, AssetKind } from "../domain/money/Asset.ts"
import * as Currency from "../domain/money/Currency.ts"

/** An asset at a price provider. */
export interface PriceSymbol {
  readonly kind: AssetKind
  /** Name of the asset at the provider, such as `bitcoin` at CoinGecko. Undefined: none is configured. */
  readonly symbol: string | undefined
  /** The poller refreshes the price. Other prices are requested on demand. */
  readonly isPolled: boolean
}

/**
 * Kinds of the assets, and their names at price providers. The catalogue of assets provides it, and its answers change when
 * an operator changes an asset. Without a catalogue, there are only currencies.
 */
export class PriceSymbols extends Context.Reference<{
  /** Returns the kind of an asset, or undefined for an unknown one. */
  readonly kindOf: (code: AssetCode) => AssetKind | undefined
  /** Returns every asset that is not a currency. The same map is returned until the catalogue changes. */
  readonly ofProvider: (provider: string) => ReadonlyMap<AssetCode, PriceSymbol>
}>("effex/providers/PriceSymbols", {
  defaultValue: () => ({
    kindOf: (code) => (Option.isSome(Currency.find(code)) ? "currency" : undefined),
    ofProvider: () => NONE
  })
}) {}

const NONE: ReadonlyMap<AssetCode, PriceSymbol> = new Map()
