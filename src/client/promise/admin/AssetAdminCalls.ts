import * as Options from "../Options.ts"
import type { PagedList } from "../Pages.ts"
import type { CallOptions } from "../Requests.ts"
import type { AdminRequests, ChangeOptions, ListOptions } from "./AdminRequests.ts"
import type { CatalogAsset, CatalogChange } from "./AdminValues.ts"

/** The complete definition of a cryptocurrency or a stock. */
export interface AssetDefinition {
  readonly kind: "crypto" | "stock"
  readonly name: string
  readonly decimals: number
  readonly tradable?: boolean | undefined
  readonly minimumOrder?: string | null | undefined
  readonly providerSymbols?: Readonly<Record<string, string>> | undefined
  readonly exchangeSymbol?: string | null | undefined
  readonly state?: "listed" | "delisted" | undefined
}

/** The catalogue of assets. */
export interface AssetAdminCalls {
  get(code: string, options?: CallOptions): Promise<CatalogAsset>
  /** Lists or changes an asset. */
  put(code: string, definition: AssetDefinition, options?: ChangeOptions): Promise<CatalogAsset>
  /** Delists an asset: it cannot be bought, and has no price. */
  delist(code: string, options?: ChangeOptions): Promise<CatalogAsset>
  /** Lists who changed the asset and when, newest first. */
  changes(code: string, options?: ListOptions): PagedList<CatalogChange>
}

/** Makes the calls of the catalogue. */
export const make = ({ get, list, send }: AdminRequests): AssetAdminCalls => {
  const pathOf = (code: string) => `/assets/${encodeURIComponent(Options.currency("code", code))}`
  return {
    get: async (code, options) => get("assets.get", pathOf(code), "code", options),
    put: async (code, definition, options) => {
      const { exchangeSymbol, minimumOrder, providerSymbols, ...same } = definition
      Options.requireKnown("assets.put", same, ["kind", "name", "decimals", "tradable", "state"])
      const body = {
        ...same,
        minimum_order: minimumOrder,
        provider_symbols: providerSymbols,
        exchange_symbol: exchangeSymbol
      }
      return send("assets.put", { path: pathOf(code), method: "PUT", body }, "code", options)
    },
    delist: async (code, options) =>
      send("assets.delist", { path: pathOf(code), method: "DELETE", isUnsafe: true }, "code", options),
    changes: (code, options = {}) => list("assets.changes", `${pathOf(code)}/changes`, options)
  }
}
