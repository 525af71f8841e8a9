import { DateTime, Effect, Layer } from "effect"
import { AssetCatalog } from "../../src/assets/AssetCatalog.ts"
import { AssetRepo } from "../../src/assets/AssetRepo.ts"
import * as CatalogSymbols from "../../src/assets/CatalogSymbols.ts"
import type { CatalogAsset } from "../../src/domain/assets/CatalogAsset.ts"
import { AssetCode, type AssetKind } from "../../src/domain/money/Asset.ts"
import * as Currency from "../../src/domain/money/Currency.ts"

/** A listed asset. */
export const asset = (
  code: string,
  kind: AssetKind = "crypto",
  fields: Partial<CatalogAsset> = {}
): CatalogAsset => ({
  code: AssetCode.make(code),
  kind,
  name: code,
  decimals: kind === "stock" ? 9 : 8,
  tradable: kind !== "currency",
  minimumOrder: null,
  providerSymbols: {},
  exchangeSymbol: null,
  state: "listed",
  version: 1,
  updatedAt: DateTime.makeUnsafe(0),
  updatedBy: "test",
  ...fields
})

const currencies = Currency.all.map(({ code, minorUnit, name }) =>
  asset(code, "currency", { name, decimals: minorUnit })
)

/** A catalogue of all currencies and these assets, without a database. It cannot be changed. */
export const layer = (assets: ReadonlyArray<CatalogAsset> = []) =>
  // Fresh, because layers are memoized by reference: the catalogue of the database would be this one otherwise.
  Layer.fresh(CatalogSymbols.layer.pipe(Layer.provideMerge(AssetCatalog.layerOnDemand))).pipe(
    Layer.provide(
      Layer.succeed(
        AssetRepo,
        AssetRepo.of({
          all: Effect.succeed([...currencies, ...assets]),
          revision: Effect.succeed("1"),
          insertCurrencies: () => Effect.void,
          write: () => Effect.die("the catalogue of a test cannot be changed"),
          changes: () => Effect.succeed([])
        })
      )
    )
  )
