import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { ReviewState } from "../../domain/risk/Review.ts"
import { RequireAdministrator } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { reasonQuery } from "../ReasonQuery.ts"
import * as Message from "./RiskMessage.ts"

const deciding = {
  params: { review_id: Schema.String },
  payload: Message.ReviewReasonBody,
  success: Message.ReviewMessage,
  error: [Problem.NotFound, Problem.AlreadyDecided, Problem.ReviewRefused, Problem.StoreUnavailable]
} as const

const changing = {
  query: reasonQuery,
  headers: { "if-match": Schema.optionalKey(Schema.String) },
  success: Message.ActiveRiskRulesMessage,
  error: [Problem.PreconditionFailed, Problem.StoreUnavailable]
} as const

/** Rules for movements, and the movements that they held. For administrators. */
export class RiskApi extends HttpApiGroup.make("risk")
  .add(
    HttpApiEndpoint.get("reviews", "/reviews", {
      query: { state: Schema.optionalKey(ReviewState), ...PageMessage.query },
      success: Message.ReviewPage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "List reviews",
        "Returns movements that were held for review, with the rules that fired, newest first. Follow `next` for more pages."
      )
    ),
    HttpApiEndpoint.get("review", "/reviews/:review_id", {
      params: deciding.params,
      success: Message.ReviewMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(describe("Get a review", "Returns the movement with the rules that fired.")),
    HttpApiEndpoint.post("approve", "/reviews/:review_id/approve", {
      ...deciding,
      error: [...deciding.error, Problem.ReviewPriceMoved]
    }).annotateMerge(
      describe(
        "Approve a movement",
        "Moves the held money. Administrators cannot decide on a movement from or to their own wallet. A withdrawal is paid within minutes. An order goes its normal way at its locked price; if the market has moved by more than `ORDER_MAX_SLIPPAGE` against the house, it fails with `price-moved`. A conversion exchanges the held amount at the price of its quote if that is still open, else at the latest rate; if that is worse for the user than the requested one by more than `CONVERSION_MAX_SLIPPAGE`, the answer is `review-price-moved`, and the review stays pending."
      )
    ),
    HttpApiEndpoint.post("reject", "/reviews/:review_id/reject", deciding).annotateMerge(
      describe(
        "Reject a movement",
        "Releases the held money, that of a withdrawal within minutes. An order fails with `review-rejected`. The movement still counts for the limits of the day."
      )
    ),
    HttpApiEndpoint.get("decisions", "/risk/decisions", {
      query: { wallet_id: Schema.optionalKey(Schema.String), ...PageMessage.query },
      success: Message.RiskDecisionPage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "List decisions of the rules",
        "Returns every movement for which a rule fired, with the rules and the outcome, newest first. Follow `next` for more pages."
      )
    ),
    HttpApiEndpoint.get("rules", "/risk/rules", {
      success: Message.ActiveRiskRulesMessage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe("Get the rules", "Returns the rules that apply to movements, and who changed them and when.")
    ),
    HttpApiEndpoint.put("changeRules", "/risk/rules", {
      ...changing,
      payload: Message.RiskRulesBody
    }).annotateMerge(
      describe(
        "Change the rules",
        "Replaces all rules. They apply on all nodes within two seconds, survive restarts, and override the settings RISK_*. To prevent lost updates, send the `ETag` of the current rules as `If-Match`. `reason` is recorded in the log of administrators."
      )
    ),
    HttpApiEndpoint.delete("resetRules", "/risk/rules", changing).annotateMerge(
      describe("Reset the rules", "Deletes the stored rules, so that the settings RISK_* apply again.")
    )
  )
  .prefix("/api/v1/admin")
  .middleware(RequireAdministrator)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Risk",
      description:
        "Rules for transfers, withdrawals, conversions and orders, and the movements that they held for review. Requires an administrator."
    })
  ) {}
