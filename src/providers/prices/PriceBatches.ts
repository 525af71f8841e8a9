import type { AssetCode, AssetKind } from "../../domain/money/Asset.ts"
import type { PriceSymbol } from "../PriceSymbols.ts"

/** Maximum number of symbols in one request. */
const MAX_SYMBOLS = 250
/** Maximum length of the symbols in one request. Servers refuse URLs of more than 8 KiB. */
const MAX_LENGTH = 5000

/** The assets of a provider, in groups that fit into one request each. */
export interface PriceBatches {
  readonly symbolOf: (code: AssetCode) => string | undefined
  /** Polled symbols, in the order of the catalogue. */
  readonly batches: ReadonlyArray<ReadonlyArray<string>>
  /** Returns the batch of a polled symbol. */
  readonly batchOf: (symbol: string) => ReadonlyArray<string> | undefined
}

export const NONE: PriceBatches = { symbolOf: () => undefined, batches: [], batchOf: () => undefined }

/** Groups the assets of one kind. An asset without a symbol uses its code if `usesCodes`, and has no price otherwise. */
export const make = (
  assets: ReadonlyMap<AssetCode, PriceSymbol>,
  kind: AssetKind,
  usesCodes: boolean
): PriceBatches => {
  const symbols = new Map<AssetCode, string>()
  const batches: Array<Array<string>> = []
  const batched = new Map<string, ReadonlyArray<string>>()
  let length = 0
  for (const [code, asset] of assets) {
    const symbol = asset.symbol ?? (usesCodes ? code : undefined)
    if (asset.kind !== kind || symbol === undefined) continue
    symbols.set(code, symbol)
    // Two assets may share a symbol.
    if (!asset.isPolled || batched.has(symbol)) continue
    // The separator takes three characters in a URL.
    const added = symbol.length + 3
    let batch = batches.at(-1)
    if (batch === undefined || batch.length >= MAX_SYMBOLS || length + added > MAX_LENGTH) {
      batch = []
      batches.push(batch)
      length = 0
    }
    length += added
    batch.push(symbol)
    batched.set(symbol, batch)
  }
  return { symbolOf: (code) => symbols.get(code), batches, batchOf: (symbol) => batched.get(symbol) }
}
