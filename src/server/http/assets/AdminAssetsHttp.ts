import { DateTime, Effect, Option, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { AdminActions } from "../../../accounts/AdminActions.ts"
import { Api } from "../../../api/Api.ts"
import { Caller } from "../../../api/access/Caller.ts"
import { AssetBody, CatalogAssetMessage } from "../../../api/assets/AssetMessage.ts"
import * as Problem from "../../../api/Problem.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import type { AssetChange, AssetDefinition, CatalogAsset } from "../../../domain/assets/CatalogAsset.ts"
import { type AssetCode, CODE_ALLOWED, parseCode } from "../../../domain/money/Asset.ts"
import * as ETag from "../../encoding/ETag.ts"
import * as JsonBody from "../../encoding/JsonBody.ts"
import * as Pagination from "../../encoding/Pagination.ts"
import * as Problems from "../../middleware/Problems.ts"

/** Handlers of the admin API of the catalogue of assets. */
export const layer = HttpApiBuilder.group(
  Api,
  "adminAssets",
  Effect.fn(function* (handlers) {
    const catalog = yield* AssetCatalog
    const { record } = yield* AdminActions

    const find = Effect.fnUntraced(function* (text: string) {
      yield* Effect.catchTags(catalog.refresh, Problems.storeErrors)
      const found = catalog.find(text)
      if (Option.isNone(found))
        return yield* new Problem.NotFound({ detail: "The catalogue has no asset of this code" })
      return found.value
    })

    return handlers
      .handleRaw("asset", ({ params }) => Effect.map(find(params.code), respond))
      .handle(
        "changes",
        Effect.fnUntraced(function* ({ params, query }) {
          const { code } = yield* find(params.code)
          const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(Version))
          const size = Pagination.sizeOf(query)
          const found = yield* catalog
            .changes(code, before, size + 1)
            .pipe(Effect.catchTags(Problems.storeErrors))
          return Pagination.pageOf(found, size, toChangeMessage, ({ to }) => String(to.version))
        })
      )
      .handleRaw(
        "change",
        Effect.fnUntraced(function* ({ headers, params, query, request }) {
          const code = parseCode(params.code)
          if (Option.isNone(code)) return yield* Problems.invalid("/path/code", `expected ${CODE_ALLOWED}`)
          const { id: principal } = yield* Caller
          const expectedVersion = yield* ETag.parseIfMatch(headers["if-match"])
          const definition = toDefinition(code.value, yield* readBody(request))
          const asset = yield* catalog
            .change({
              definition,
              principal,
              expectedVersion,
              record: record({
                principal,
                action: "asset.change",
                subject: code.value,
                reason: query.reason,
                details: { name: definition.name, state: definition.state, tradable: definition.tradable }
              })
            })
            .pipe(Effect.catchTags(Problems.assetErrors))
          return respond(asset)
        })
      )
      .handleRaw(
        "delist",
        Effect.fnUntraced(function* ({ headers, params, query }) {
          const { code } = yield* find(params.code)
          const { id: principal } = yield* Caller
          const expectedVersion = yield* ETag.parseIfMatch(headers["if-match"])
          const asset = yield* catalog
            .delist({
              code,
              principal,
              expectedVersion,
              record: record({ principal, action: "asset.delist", subject: code, reason: query.reason })
            })
            .pipe(Effect.catchTags(Problems.delistErrors))
          return respond(asset)
        })
      )
  })
)

const Version = Schema.String.check(Schema.isPattern(/^\d{1,9}$/)).pipe(
  Schema.decodeTo(Schema.FiniteFromString)
)

const readBody = JsonBody.readerOfCounts(AssetBody)

const toDefinition = (code: AssetCode, { decimals, kind, name, ...body }: AssetBody): AssetDefinition => ({
  code,
  kind,
  name,
  decimals,
  tradable: body.tradable ?? true,
  minimumOrder: body.minimum_order ?? null,
  providerSymbols: body.provider_symbols ?? {},
  exchangeSymbol: body.exchange_symbol ?? null,
  state: body.state ?? "listed"
})

const toMessage = ({ updatedAt, updatedBy, ...asset }: CatalogAsset): CatalogAssetMessage => ({
  ...asset,
  changedAt: DateTime.formatIso(updatedAt),
  changedBy: updatedBy
})

const toChangeMessage = ({ from, to }: AssetChange) => ({
  from: from === null ? null : toMessage(from),
  to: toMessage(to)
})

const encode = Schema.encodeSync(Schema.fromJsonString(CatalogAssetMessage))

const respond = (asset: CatalogAsset) =>
  HttpServerResponse.text(encode(toMessage(asset)), {
    contentType: "application/json",
    headers: { "cache-control": "no-store", etag: ETag.make(asset.version) }
  })
