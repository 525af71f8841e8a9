import { Option, Schema } from "effect"

const PATTERN = /^[A-Z][A-Z0-9]{0,9}(\.[A-Z0-9]{1,4})?$/

/** Code of an asset, upper case and unique across kinds: `USD`, `BTC`, `AAPL`, `BRK.B`. */
export const AssetCode = Schema.String.check(
  Schema.isPattern(PATTERN, { message: "Expected an asset code such as USD, BTC or BRK.B" })
).pipe(Schema.brand("AssetCode"))
export type AssetCode = typeof AssetCode.Type

/** Describes what {@link parseCode} accepts, for error messages. */
export const CODE_ALLOWED =
  "1 to 10 letters and digits that start with a letter, with or without a suffix such as .US"

/** Parses a code in any case. Accepts ASCII letters only, because `"ſ".toUpperCase()` is also "S". */
export const parseCode = (text: string): Option.Option<AssetCode> =>
  /^[A-Za-z0-9.]{1,15}$/.test(text) && PATTERN.test(text.toUpperCase())
    ? Option.some(AssetCode.make(text.toUpperCase()))
    : Option.none()

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

/** The text is neither an ISO 4217 currency nor the code of an asset of the catalogue. */
export class UnknownAsset extends Schema.TaggedError<UnknownAsset>()("UnknownAsset", {
  /** The rejected text, truncated for display. */
  given: Schema.String
}) {
  override get message(): string {
    return `${JSON.stringify(this.given)} is neither an ISO 4217 currency nor an asset of the catalogue`
  }
}

/** Longest part of a rejected code that a message shows. */
export const MAX_SHOWN_CODE = 16
