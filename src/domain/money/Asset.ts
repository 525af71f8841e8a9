import { Schema } from "effect"

/** Code of an asset, upper case and unique across kinds: `USD`, `BTC`, `AAPL`, `BRK.B`. */
export const AssetCode = Schema.String.check(
  Schema.isPattern(/^[A-Z][A-Z0-9]{0,9}(\.[A-Z0-9]{1,4})?$/, {
    message: "Expected an asset code such as USD, BTC or BRK.B"
  })
).pipe(Schema.brand("AssetCode"))
export type AssetCode = typeof AssetCode.Type

/** Kinds of assets that can be held and priced. */
export const AssetKind = Schema.Literals(["currency", "crypto", "stock"])
export type AssetKind = typeof AssetKind.Type

/** Anything that can be held and priced. */
export interface Asset {
  readonly code: AssetCode
  readonly kind: AssetKind
  readonly name: string
  /** Number of decimals of the smallest amount: 2 for USD, 8 for BTC. */
  readonly decimals: number
}
