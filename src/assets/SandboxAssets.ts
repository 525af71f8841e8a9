import { Effect, Layer, Option, References } from "effect"
import { Settings } from "../config/Settings.ts"
import type { AssetDefinition, PricedKind, ProviderSymbols } from "../domain/assets/CatalogAsset.ts"
import { AssetCode } from "../domain/money/Asset.ts"
import { SANDBOX_PROVIDER } from "../domain/rates/Rate.ts"
import { Database } from "../platform/postgres/Database.ts"
import { AssetCatalog } from "./AssetCatalog.ts"

const define = (
  code: string,
  kind: PricedKind,
  name: string,
  decimals: number,
  providerSymbols: ProviderSymbols
): AssetDefinition => ({
  code: AssetCode.make(code),
  kind,
  name,
  decimals,
  tradable: true,
  minimumOrder: null,
  providerSymbols,
  exchangeSymbol: kind === "crypto" ? `${code}/USD` : null,
  state: "listed"
})

/** Assets of a new sandbox. ABAN exists only there. */
export const definitions: ReadonlyArray<AssetDefinition> = [
  define("BTC", "crypto", "Bitcoin", 8, { coingecko: "bitcoin" }),
  define("ETH", "crypto", "Ether", 18, { coingecko: "ethereum" }),
  define("SOL", "crypto", "Solana", 9, { coingecko: "solana" }),
  define("ABAN", "crypto", "Aban (sandbox)", 8, { coingecko: "aban" }),
  define("AAPL", "stock", "Apple", 9, { massive: "AAPL" }),
  define("MSFT", "stock", "Microsoft", 9, { massive: "MSFT" })
]

/**
 * Lists the assets of a new sandbox. Assets that were changed or delisted since stay as they are. Does nothing in a database
 * with rates of a real provider: a command without its credentials may run there.
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { sandbox } = yield* Settings
    const { execute, sql } = yield* Database
    const catalog = yield* AssetCatalog
    const hasRealRates = execute(sql`
      SELECT 1 FROM latest_rate AS latest JOIN exchange_rate AS rate ON rate.id = latest.rate_id
      WHERE rate.provider <> ${SANDBOX_PROVIDER} LIMIT 1`).pipe(
      Effect.map((rows) => rows.length > 0),
      Effect.orElseSucceed(() => true)
    )
    if (!sandbox) return
    const missing = definitions.filter(({ code }) => Option.isNone(catalog.find(code)))
    if (missing.length === 0 || (yield* hasRealRates)) return
    yield* Effect.forEach(
      missing,
      (definition) =>
        catalog.change({ definition, principal: "sandbox", expectedVersion: Option.some(0) }).pipe(
          // Another node was faster.
          Effect.catchTag("AssetChanged", () => catalog.refresh)
        ),
      { discard: true }
    ).pipe(
      // One line instead of one for each asset.
      Effect.provideService(References.MinimumLogLevel, "Warn"),
      Effect.andThen(
        Effect.logInfo(`Listed the assets of the sandbox: ${missing.map(({ code }) => code).join(", ")}`)
      ),
      Effect.catch((error) => Effect.logWarning("The assets of the sandbox could not be listed", error))
    )
  })
)
