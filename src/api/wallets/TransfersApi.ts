import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { RequireUser } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { TransactionMessage } from "./TransactionMessage.ts"
import { RecipientMessage, RecipientQuery, TransferBody, TransferStateMessage } from "./TransferMessage.ts"

/** Transfers to other users. */
export class TransfersApi extends HttpApiGroup.make("transfers")
  .add(
    HttpApiEndpoint.post("send", "/transfers", {
      headers: { "idempotency-key": Schema.optionalKey(Schema.String) },
      payload: TransferBody,
      success: [
        TransactionMessage.pipe(HttpApiSchema.status(201)),
        TransferStateMessage.pipe(HttpApiSchema.status(202))
      ],
      error: [
        Problem.InsufficientFunds,
        Problem.LimitExceeded,
        Problem.RecipientNotFound,
        Problem.SameWallet,
        Problem.AssetUnavailable,
        Problem.IdempotencyMismatch,
        Problem.StoreUnavailable
      ]
    }).annotateMerge(
      describe(
        "Send money to a user",
        "Moves the amount at once, and returns the movement of the sender. If a rule of the operator holds it for review, the answer is 202 with the state `held-for-review`: the amount is held, and `GET /transfers/{transfer_id}` returns its state. A retry with the same `Idempotency-Key` (at most 255 characters) gets the first outcome: the transfer with `Idempotency-Replayed: true`, or `insufficient-funds` also if there are funds now. A new attempt takes a new key."
      )
    ),
    HttpApiEndpoint.get("find", "/transfers/:transfer_id", {
      params: { transfer_id: Schema.String },
      success: TransferStateMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Get a transfer",
        "Returns a transfer that the wallet sent or received, with its state. Those of other wallets are not found."
      )
    ),
    HttpApiEndpoint.get("recipient", "/transfers/recipient", {
      query: RecipientQuery,
      success: RecipientMessage,
      error: [Problem.RecipientNotFound, Problem.SameWallet, Problem.StoreUnavailable]
    }).annotateMerge(
      describe("Name a recipient", "Returns who would receive a transfer, before any money moves.")
    )
  )
  .prefix("/api/v1")
  .middleware(RequireUser)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Transfers",
      description:
        "Transfers between users. For a user who is signed in, or an API key with the scope `wallets` that acts for one."
    })
  ) {}
