import { Schema } from "effect"
import {
  AssetDecimals,
  AssetName,
  AssetState,
  PricedKind,
  ProviderSymbols,
  Symbol
} from "../../domain/assets/CatalogAsset.ts"
import { AssetCode, AssetKind } from "../../domain/money/Asset.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { TimestampText } from "../../domain/Timestamp.ts"
import * as PageMessage from "../PageMessage.ts"

const asset = {
  code: AssetCode,
  name: Schema.String,
  kind: AssetKind,
  /** Number of decimals of the smallest amount. */
  decimals: Schema.Int,
  /** Orders may name the asset. */
  tradable: Schema.Boolean,
  /** Smallest amount of an order, in units of the asset. Null: the smallest amount of its decimals. */
  minimumOrder: Schema.NullOr(Decimal.PositiveDecimal),
  /** A delisted asset cannot be bought, and has no price. */
  state: AssetState
}

/** An asset that can be held and priced. */
export const AssetMessage = Schema.Struct(asset)
  .pipe(Schema.encodeKeys({ minimumOrder: "minimum_order" }))
  .annotate({ identifier: "Asset" })
export type AssetMessage = typeof AssetMessage.Type

export const AssetList = Schema.Struct({ assets: Schema.Array(AssetMessage) }).annotate({
  identifier: "AssetList"
})

/** An asset as operators see it. */
export const CatalogAssetMessage = Schema.Struct({
  ...asset,
  /** Names of the asset at price providers. A provider without an entry uses the code. */
  providerSymbols: Schema.Record(Schema.String, Schema.String),
  /** Name of the asset at the exchange. Null: the code. */
  exchangeSymbol: Schema.NullOr(Schema.String),
  /** Increments with each change. */
  version: Schema.Int,
  changedAt: TimestampText,
  /** The API key id or label of the operator. */
  changedBy: Schema.String
})
  .pipe(
    Schema.encodeKeys({
      minimumOrder: "minimum_order",
      providerSymbols: "provider_symbols",
      exchangeSymbol: "exchange_symbol",
      changedAt: "changed_at",
      changedBy: "changed_by"
    })
  )
  .annotate({ identifier: "CatalogAsset" })
export type CatalogAssetMessage = typeof CatalogAssetMessage.Type

/** Request body: the complete definition of an asset that is not a currency. */
export const AssetBody = Schema.Struct({
  kind: PricedKind,
  name: AssetName,
  decimals: AssetDecimals,
  /** Default: true. */
  tradable: Schema.optionalKey(Schema.Boolean),
  /** Default: null. */
  minimum_order: Schema.optionalKey(Schema.NullOr(Decimal.PositiveDecimal)),
  /** Default: none. */
  provider_symbols: Schema.optionalKey(ProviderSymbols),
  /** Default: null. */
  exchange_symbol: Schema.optionalKey(Schema.NullOr(Symbol)),
  /** Default: `listed`. */
  state: Schema.optionalKey(AssetState)
}).annotate({ identifier: "AssetDefinition" })
export type AssetBody = typeof AssetBody.Type

/** One change of an asset, with its values before and after. */
export const AssetChangeMessage = Schema.Struct({
  from: Schema.NullOr(CatalogAssetMessage),
  to: CatalogAssetMessage
}).annotate({ identifier: "AssetChange" })

export const AssetChangePage = Schema.Struct(PageMessage.page(AssetChangeMessage)).annotate({
  identifier: "AssetChangePage"
})
