import { Effect, Layer, Option } from "effect"
import type { AssetCode } from "../domain/money/Asset.ts"
import * as Currency from "../domain/money/Currency.ts"
import { type PriceSymbol, PriceSymbols } from "../providers/PriceSymbols.ts"
import { AssetCatalog } from "./AssetCatalog.ts"

/** Provides the kinds of the assets, and their symbols at each price provider, from the catalogue. */
export const layer = Layer.effect(
  PriceSymbols,
  Effect.gen(function* () {
    const catalog = yield* AssetCatalog
    let revision = catalog.revision()
    let byProvider = new Map<string, ReadonlyMap<AssetCode, PriceSymbol>>()

    const symbolsOf = (provider: string): ReadonlyMap<AssetCode, PriceSymbol> =>
      new Map(
        catalog.list().flatMap(({ code, kind, providerSymbols, state }) => {
          const symbol: PriceSymbol = {
            kind,
            symbol: providerSymbols[provider],
            isPolled: state === "listed"
          }
          return kind === "currency" ? [] : [[code, symbol] as const]
        })
      )

    return {
      kindOf: (code) =>
        Option.getOrUndefined(
          Option.orElse(
            Option.map(catalog.find(code), ({ kind }) => kind),
            () => Option.as(Currency.find(code), "currency" as const)
          )
        ),
      ofProvider: (provider) => {
        if (revision !== catalog.revision()) {
          revision = catalog.revision()
          byProvider = new Map()
        }
        const known = byProvider.get(provider) ?? symbolsOf(provider)
        byProvider.set(provider, known)
        return known
      }
    }
  })
)
