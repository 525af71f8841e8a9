import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { RequireAdministrator } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { reasonQuery } from "../ReasonQuery.ts"
import { AssetBody, AssetChangePage, CatalogAssetMessage } from "./AssetMessage.ts"

const params = { code: Schema.String }
const headers = { "if-match": Schema.optionalKey(Schema.String) }

/** Admin endpoints of the catalogue of assets. */
export class AdminAssetsApi extends HttpApiGroup.make("adminAssets")
  .add(
    HttpApiEndpoint.get("asset", "/assets/:code", {
      params,
      success: CatalogAssetMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe("Get an asset", "Returns the asset with its symbols at providers, and who changed it last.")
    ),
    HttpApiEndpoint.put("change", "/assets/:code", {
      params,
      headers,
      query: reasonQuery,
      payload: AssetBody,
      success: CatalogAssetMessage,
      error: [Problem.AssetRefused, Problem.PreconditionFailed, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "List or change an asset",
        "Stores the complete definition of a cryptocurrency or a stock, also of one that was delisted. All nodes apply it within seconds: the poller fetches its price as the pair with USD. The kind cannot be changed, and the decimals not once there are rates or balances. Codes of ISO 4217 are reserved for currencies: a stock with such a ticker is listed with the suffix of its market, such as `ALL.US`. To prevent lost updates, send the `ETag` of the asset as `If-Match`. `reason` is recorded in the log of administrators."
      )
    ),
    HttpApiEndpoint.delete("delist", "/assets/:code", {
      params,
      headers,
      query: reasonQuery,
      success: CatalogAssetMessage,
      error: [Problem.NotFound, Problem.AssetRefused, Problem.PreconditionFailed, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Delist an asset",
        "A delisted asset cannot be bought, and has no price: `rate-unavailable`. It stays in the catalogue, and its rates stay readable."
      )
    ),
    HttpApiEndpoint.get("changes", "/assets/:code/changes", {
      params,
      query: PageMessage.query,
      success: AssetChangePage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "List the changes of an asset",
        "Returns who changed the asset and when, newest first. Follow `next` for more pages."
      )
    )
  )
  .prefix("/api/v1/admin")
  .middleware(RequireAdministrator)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Catalogue of assets",
      description: "Requires an API key with the scope `admin`, except in the sandbox."
    })
  ) {}
