import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { AuditId } from "../../domain/conversion/AuditId.ts"
import { QuoteId } from "../../domain/conversion/Quote.ts"
import { RequireUser } from "../access/HttpAuthorization.ts"
import { priceErrors } from "../conversion/ConversionApi.ts"
import { QuoteMessage, ReceiptMessage } from "../conversion/ConversionMessage.ts"
import { describe } from "../EndpointDescription.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import {
  ConversionStateMessage,
  WalletConversionMessage,
  WalletConvertBody,
  WalletQuoteBody
} from "./WalletConversionMessage.ts"

/** Conversions between the balances of a user, and quotes for them. */
export class WalletConversionApi extends HttpApiGroup.make("walletConversions")
  .add(
    HttpApiEndpoint.post("convert", "/convert", {
      headers: { "idempotency-key": Schema.optionalKey(Schema.String) },
      payload: WalletConvertBody,
      success: [
        WalletConversionMessage.pipe(HttpApiSchema.status(201)),
        ConversionStateMessage.pipe(HttpApiSchema.status(202))
      ],
      error: [
        ...priceErrors,
        Problem.AssetUnavailable,
        Problem.IdempotencyMismatch,
        Problem.InsufficientFunds,
        Problem.LimitExceeded,
        Problem.NotFound,
        Problem.QuoteExpired,
        Problem.QuoteUsed
      ]
    }).annotateMerge(
      describe(
        "Convert between two balances",
        "Converts at the latest rate, or at the price of a quote of the user. The audit record and the movements of the wallet are committed together, and have the same id. If a rule of the operator holds it for review, the answer is 202 with the state `held-for-review`: the amount is held, and `GET /conversions/{conversion_id}/state` returns its state. `POST /conversions/{conversion_id}/cancel` cancels it. After an approval, the held amount is exchanged at the price of the quote if that is still open, else at the latest rate, unless that is worse than the requested one by more than `CONVERSION_MAX_SLIPPAGE`. A retry with the same `Idempotency-Key` (at most 255 characters) gets the first outcome: the conversion with `Idempotency-Replayed: true`, or `insufficient-funds` also if there are funds now. A new attempt takes a new key."
      )
    ),
    HttpApiEndpoint.post("createQuote", "/quotes", {
      payload: WalletQuoteBody,
      success: QuoteMessage.pipe(HttpApiSchema.status(201)),
      error: [...priceErrors, Problem.AssetUnavailable]
    }).annotateMerge(
      describe(
        "Create a quote for the wallet",
        "Locks the price of a conversion for `ttl`: 30 seconds by default, at most 1 hour. One conversion of the user can use it. It holds no funds."
      )
    ),
    HttpApiEndpoint.get("quote", "/quotes/:quote_id", {
      params: { quote_id: QuoteId },
      success: QuoteMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(describe("Get a quote of the wallet", "Returns its state: open, used or expired.")),
    HttpApiEndpoint.get("conversion", "/conversions/:audit_id", {
      params: { audit_id: AuditId },
      success: WalletConversionMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Get a conversion of the wallet",
        "Returns what the conversion returned first. Those of other wallets are not found."
      )
    ),
    HttpApiEndpoint.get("state", "/conversions/:conversion_id/state", {
      params: { conversion_id: Schema.String },
      success: ConversionStateMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Get the state of a conversion of the wallet",
        "Returns the state of a conversion that is or was held for review, or of any other of the wallet. `transaction_id` is the id of the conversion once it is completed. Those of other wallets are not found."
      )
    ),
    HttpApiEndpoint.post("cancel", "/conversions/:conversion_id/cancel", {
      params: { conversion_id: Schema.String },
      success: ConversionStateMessage,
      error: [Problem.NotFound, Problem.ConversionNotCancellable, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Cancel a held conversion",
        "Cancels a conversion that is held for review, and gives its money back. A conversion in any other state is not changed: `conversion-not-cancellable`. Those of other wallets are not found."
      )
    ),
    HttpApiEndpoint.get("receipt", "/conversions/:audit_id/receipt", {
      params: { audit_id: AuditId },
      success: ReceiptMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Get the proof that a conversion of the wallet is in the audit",
        "Returns the inclusion proof (RFC 6962) and the signed tree head, which anyone can verify without effex."
      )
    )
  )
  .prefix("/api/v1/accounts/wallet")
  .middleware(RequireUser)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Conversions in the wallet",
      description:
        "Between currencies only; other assets are bought and sold by orders. For a user who is signed in, or an API key with the scope `wallets` that acts for one."
    })
  ) {}
