import { type BigDecimal, type DateTime, Equal, Schema } from "effect"
import * as DisplayText from "../DisplayText.ts"
import type { Asset } from "../money/Asset.ts"

/** A delisted asset cannot be bought, and has no price. */
export const AssetState = Schema.Literals(["listed", "delisted"])
export type AssetState = typeof AssetState.Type

/** Kinds of assets that an operator lists. Currencies are those of ISO 4217. */
export const PricedKind = Schema.Literals(["crypto", "stock"])
export type PricedKind = typeof PricedKind.Type

/** Name of an asset, as people read it. */
export const AssetName = DisplayText.Name

/** Number of decimals of the smallest amount. */
export const AssetDecimals = Schema.Int.check(
  Schema.isBetween({ minimum: 0, maximum: 18 }, { message: "Expected a whole number from 0 to 18" })
)

/** Name of an asset at a provider or at the exchange. */
export const Symbol = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,49}$/, {
    message: "Expected 1 to 50 letters, digits and . _ : / -"
  })
)

/** Symbols of an asset by provider, such as `{ coingecko: "bitcoin" }`. */
export const ProviderSymbols = Schema.Record(
  Schema.String.check(
    Schema.isPattern(/^[a-z][a-z0-9-]{0,29}$/, { message: "Expected a provider name such as coingecko" })
  ),
  Symbol
).check(Schema.isMaxProperties(10))
export type ProviderSymbols = typeof ProviderSymbols.Type

/** The part of an asset that an operator decides. */
export interface AssetDefinition extends Asset {
  /** Orders may name the asset. Never true for a currency. */
  readonly tradable: boolean
  /** Smallest amount of an order, in units of the asset. Null: the smallest amount of its decimals. */
  readonly minimumOrder: BigDecimal.BigDecimal | null
  /** Names of the asset at price providers. A provider without an entry uses the code. */
  readonly providerSymbols: ProviderSymbols
  /** Name of the asset at the exchange. Null: the code. */
  readonly exchangeSymbol: string | null
  readonly state: AssetState
}

/** An asset of the catalogue. */
export interface CatalogAsset extends AssetDefinition {
  /** Incremented by each change. */
  readonly version: number
  readonly updatedAt: DateTime.Utc
  /** Principal of the latest change. */
  readonly updatedBy: string
}

/** A version of an asset, and the one before it. `updatedBy` and `updatedAt` say who made the change and when. */
export interface AssetChange {
  readonly to: CatalogAsset
  /** Null for a new asset. */
  readonly from: CatalogAsset | null
}

/** Returns true if two definitions are the same. */
export const isSame = (a: AssetDefinition, b: AssetDefinition): boolean =>
  Equal.equals(definitionOf(a), definitionOf(b))

/** Returns only the part that an operator decides. */
export const definitionOf = ({
  code,
  decimals,
  exchangeSymbol,
  kind,
  minimumOrder,
  name,
  providerSymbols,
  state,
  tradable
}: AssetDefinition): AssetDefinition => ({
  code,
  kind,
  name,
  decimals,
  tradable,
  minimumOrder,
  providerSymbols: { ...providerSymbols },
  exchangeSymbol,
  state
})
