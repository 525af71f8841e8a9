import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { AssetKind } from "../../domain/money/Asset.ts"
import { OptionalAuthentication } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { AssetList } from "./AssetMessage.ts"

/** Assets that can be held and priced. */
export class AssetsApi extends HttpApiGroup.make("assets")
  .add(
    HttpApiEndpoint.get("list", "/assets", {
      query: { kind: Schema.optionalKey(AssetKind) },
      success: AssetList
    }).annotateMerge(
      describe(
        "List the assets",
        "Returns the offered currencies, the cryptocurrencies and the stocks, ordered by code, or only those of one `kind`. The price of an asset is the rate of its pair with USD, such as `BTC:USD`."
      )
    )
  )
  .prefix("/api/v1")
  .middleware(OptionalAuthentication)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Assets",
      description: "What can be held and priced: currencies, cryptocurrencies and stocks."
    })
  ) {}
