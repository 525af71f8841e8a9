import { HttpApiError } from "effect/http-api"
import { declare, members } from "./ProblemDefinition.ts"

/** Problems of orders. */

export class AssetUnavailable extends HttpApiError.Problem<AssetUnavailable>()(
  "AssetUnavailable",
  declare("asset-unavailable", 422, "The asset is not available"),
  members("asset-unavailable", false)
) {}

export class OrderTooSmall extends HttpApiError.Problem<OrderTooSmall>()(
  "OrderTooSmall",
  declare("order-too-small", 422, "The order is too small"),
  members("order-too-small", false)
) {}

export class OrderNotCancellable extends HttpApiError.Problem<OrderNotCancellable>()(
  "OrderNotCancellable",
  declare("order-not-cancellable", 409, "The order cannot be cancelled"),
  members("order-not-cancellable", false)
) {}
