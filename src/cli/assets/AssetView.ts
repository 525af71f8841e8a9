import { Console, DateTime } from "effect"
import type { CatalogAsset } from "../../domain/assets/CatalogAsset.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as Table from "../view/Table.ts"

/** Prints one asset. */
export const print = (asset: CatalogAsset, json: boolean) =>
  Console.log(json ? JSON.stringify(fieldsOf(asset)) : Table.render(textOf(fieldsOf(asset))))

/** Prints assets, one a row. */
export const printAll = (assets: ReadonlyArray<CatalogAsset>, json: boolean) => {
  const found = assets.map(fieldsOf)
  if (json) return Console.log(JSON.stringify(found))
  return Console.log(found.length === 0 ? "There are no such assets" : Table.renderRows(found.map(textOf)))
}

const fieldsOf = (asset: CatalogAsset) => ({
  code: asset.code,
  kind: asset.kind,
  name: asset.name,
  decimals: asset.decimals,
  tradable: asset.tradable,
  minimum_order: asset.minimumOrder === null ? null : Decimal.format(asset.minimumOrder),
  state: asset.state,
  provider_symbols: asset.providerSymbols,
  exchange_symbol: asset.exchangeSymbol,
  version: asset.version,
  changed_at: DateTime.formatIso(asset.updatedAt),
  changed_by: asset.updatedBy
})

const textOf = (asset: ReturnType<typeof fieldsOf>) => ({
  code: asset.code,
  kind: asset.kind,
  name: asset.name,
  decimals: asset.decimals,
  tradable: asset.tradable ? "yes" : "no",
  minimum_order: asset.minimum_order ?? "-",
  state: asset.state,
  symbols:
    Object.entries(asset.provider_symbols)
      .map(([provider, symbol]) => `${provider}=${symbol}`)
      .join(",") || "-",
  exchange_symbol: asset.exchange_symbol ?? "-"
})
