import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { RequireUser } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import * as Message from "./FundingMessage.ts"

const accepted = Message.FundingReceiptMessage.pipe(HttpApiSchema.status(202))

const moving = {
  headers: { "idempotency-key": Schema.optionalKey(Schema.String) },
  payload: Message.FundingBody,
  success: [Message.FundingReceiptMessage, accepted],
  error: [
    Problem.LimitExceeded,
    Problem.AssetUnavailable,
    Problem.IdempotencyMismatch,
    Problem.StoreUnavailable
  ]
} as const

const RETRY =
  "202 while it is `pending`. A retry with the same `Idempotency-Key` (at most 255 characters) returns the first request in its present state, with `Idempotency-Replayed: true`"

/** Money in and out of the wallet. */
export class FundingApi extends HttpApiGroup.make("funding")
  .add(
    HttpApiEndpoint.patch("deposit", "/deposit", moving).annotateMerge(
      describe(
        "Deposit money",
        `Requests a deposit, which is credited when its payment is known: at once in the sandbox, after the confirmation of an administrator with \`FUNDING=manual\`. Without \`asset\`, the home currency. ${RETRY}.`
      )
    ),
    HttpApiEndpoint.patch("withdraw", "/withdraw", {
      ...moving,
      error: [Problem.InsufficientFunds, ...moving.error]
    }).annotateMerge(
      describe(
        "Withdraw money",
        `Holds the amount at once, and takes it from the balance when the payment is made; a failed withdrawal releases it. Without \`asset\`, the home currency. ${RETRY}, or \`insufficient-funds\` also if there are funds now. A new attempt takes a new key.`
      )
    ),
    HttpApiEndpoint.get("list", "/funding", {
      query: Message.query,
      success: Message.FundingPage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "List deposits and withdrawals",
        "Returns the requests of the wallet, newest first. Follow `next` for more pages."
      )
    ),
    HttpApiEndpoint.get("find", "/funding/:funding_id", {
      params: { funding_id: Schema.String },
      success: Message.FundingMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Get a deposit or a withdrawal",
        "Returns the request with its state. Those of other wallets are not found."
      )
    )
  )
  .prefix("/api/v1/accounts/wallet")
  .middleware(RequireUser)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Deposits and withdrawals",
      description:
        "Money in and out of the wallet. For a user who is signed in, or an API key with the scope `wallets` that acts for one."
    })
  ) {}
