import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../../api/Api.ts"
import type { AssetMessage } from "../../../api/assets/AssetMessage.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import type { CatalogAsset } from "../../../domain/assets/CatalogAsset.ts"

/** Handlers of the asset API. */
export const layer = HttpApiBuilder.group(
  Api,
  "assets",
  Effect.fn(function* (handlers) {
    const catalog = yield* AssetCatalog
    return handlers.handle("list", ({ query }) =>
      Effect.sync(() => ({ assets: catalog.list(query.kind).map(toMessage) }))
    )
  })
)

export const toMessage = ({
  code,
  decimals,
  kind,
  minimumOrder,
  name,
  state,
  tradable
}: CatalogAsset): AssetMessage => ({ code, name, kind, decimals, tradable, minimumOrder, state })
