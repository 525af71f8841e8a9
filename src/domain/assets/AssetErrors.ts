import { Schema } from "effect"
import { AssetCode } from "../money/Asset.ts"

/** The catalogue does not take the definition of an asset. */
export class AssetRefused extends Schema.TaggedError<AssetRefused>()("AssetRefused", {
  code: AssetCode,
  reason: Schema.Literals([
    "reserved-code",
    "currency",
    "kind-fixed",
    "decimals-fixed",
    "minimum-order-decimals",
    "limit"
  ])
}) {
  override get message(): string {
    const { code } = this
    switch (this.reason) {
      case "reserved-code":
        return `${code} is a code of ISO 4217, and those are reserved for currencies; list the asset with the suffix of its market, such as ${code}.US`
      case "currency":
        return `${code} is a currency: ISO 4217 defines it, and RATE_SOURCES and RATE_DESTINATIONS decide whether it is offered; only other assets can be changed`
      case "kind-fixed":
        return `The kind of ${code} cannot be changed; delist it, and list an asset with another code`
      case "decimals-fixed":
        return `${code} has rates or balances, so its decimals cannot be changed; delist it, and list an asset with another code`
      case "minimum-order-decimals":
        return `The minimum order of ${code} has more decimals than the asset; use at most as many as \`decimals\``
      case "limit":
        return `The catalogue has ${MAX_ASSETS} assets and takes no more; delisted assets count too, because their history is kept`
    }
  }
}

/** Maximum number of assets that are not currencies. Each listed one is polled. */
export const MAX_ASSETS = 2000

/** The asset was changed after the caller read it. */
export class AssetChanged extends Schema.TaggedError<AssetChanged>()("AssetChanged", {
  code: AssetCode,
  expected: Schema.Int,
  /** 0 before the asset exists. */
  version: Schema.Int
}) {
  override get message(): string {
    return `${this.code} is at version ${this.version}, not ${this.expected}; read it again and retry`
  }
}

/** The catalogue has no asset of this code. */
export class AssetNotFound extends Schema.TaggedError<AssetNotFound>()("AssetNotFound", {
  code: AssetCode
}) {
  override get message(): string {
    return `The catalogue has no asset ${this.code}`
  }
}
