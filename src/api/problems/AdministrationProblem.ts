import { Schema } from "effect"
import { HttpApiError } from "effect/http-api"
import { declare, members } from "./ProblemDefinition.ts"

/** Problems of decisions of administrators. */

export class AlreadyDecided extends HttpApiError.Problem<AlreadyDecided>()(
  "AlreadyDecided",
  declare("already-decided", 409, "The decision was already made"),
  members("already-decided", false)
) {}

export class AssetRefused extends HttpApiError.Problem<AssetRefused>()(
  "AssetRefused",
  declare("asset-refused", 422, "The catalogue does not take the asset"),
  members("asset-refused", false)
) {}

export class AdjustmentRefused extends HttpApiError.Problem<AdjustmentRefused>()(
  "AdjustmentRefused",
  declare("adjustment-refused", 422, "The ledger refuses the adjustment"),
  members("adjustment-refused", false)
) {}

export class ReviewRefused extends HttpApiError.Problem<ReviewRefused>()(
  "ReviewRefused",
  declare("review-refused", 422, "The decision cannot be carried out"),
  members("review-refused", false)
) {}

export class ReviewPriceMoved extends HttpApiError.Problem<ReviewPriceMoved>()(
  "ReviewPriceMoved",
  declare("review-price-moved", 422, "The rate has moved against the user"),
  {
    ...members("review-price-moved", false),
    /** Units of `to` for one unit of `from`, after the margin, when the conversion was requested. */
    requested_rate: Schema.String,
    /** The same now. */
    current_rate: Schema.String,
    /** Largest loss that `CONVERSION_MAX_SLIPPAGE` allows, as a fraction. */
    max_slippage: Schema.String
  }
) {}

export class LastAdministrator extends HttpApiError.Problem<LastAdministrator>()(
  "LastAdministrator",
  declare("last-administrator", 409, "The last administrator must remain"),
  members("last-administrator", false)
) {}
