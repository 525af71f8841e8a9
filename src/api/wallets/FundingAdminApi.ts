import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { RequireAdministrator } from "../access/HttpAuthorization.ts"
import { ReasonBody } from "../accounts/UserAdminMessage.ts"
import { describe } from "../EndpointDescription.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import * as Message from "./FundingMessage.ts"

const decision = {
  params: { funding_id: Schema.String },
  success: Message.ManagedFundingMessage,
  error: [Problem.NotFound, Problem.FundingEnded, Problem.FundingRefused, Problem.StoreUnavailable]
} as const

/** Deposits and withdrawals, for administrators. */
export class FundingAdminApi extends HttpApiGroup.make("fundingAdmin")
  .add(
    HttpApiEndpoint.get("list", "/funding", {
      query: Message.query,
      success: Message.ManagedFundingPage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "List deposits and withdrawals of all wallets",
        "Returns the requests, newest first. Follow `next` for more pages."
      )
    ),
    HttpApiEndpoint.post("confirm", "/funding/:funding_id/confirm", {
      ...decision,
      payload: Message.ConfirmFundingBody,
      error: [...decision.error, Problem.PaymentReferenceUsed]
    }).annotateMerge(
      describe(
        "Confirm a deposit or a withdrawal",
        "Completes a pending request: the payment with this reference has arrived, or was made. A reference completes only one request, whatever its spelling in upper and lower case or its spaces. Administrators cannot confirm requests of their own wallet."
      )
    ),
    HttpApiEndpoint.post("refuse", "/funding/:funding_id/refuse", {
      ...decision,
      payload: ReasonBody
    }).annotateMerge(
      describe(
        "Refuse a deposit or a withdrawal",
        "Fails a pending request with a reason that the user sees. The amount of a withdrawal is released. Administrators cannot refuse requests of their own wallet."
      )
    )
  )
  .prefix("/api/v1/admin")
  .middleware(RequireAdministrator)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Administration of deposits and withdrawals",
      description:
        "Decisions on deposits and withdrawals. Each is recorded with its administrator. Requires an administrator."
    })
  ) {}
