import { Schema } from "effect"
import { HttpApiError } from "effect/http-api"
import { TimestampText } from "../../domain/Timestamp.ts"
import { declare, members } from "./ProblemDefinition.ts"

/** Problems of wallets, transfers, deposits and withdrawals. */

export class InsufficientFunds extends HttpApiError.Problem<InsufficientFunds>()(
  "InsufficientFunds",
  declare("insufficient-funds", 402, "The available balance is too small"),
  {
    ...members("insufficient-funds", false),
    /** Amount of the asset that the wallet can spend. */
    available: Schema.String
  }
) {}

export class RecipientNotFound extends HttpApiError.Problem<RecipientNotFound>()(
  "RecipientNotFound",
  declare("recipient-not-found", 404, "The recipient does not exist"),
  members("recipient-not-found", false)
) {}

export class SameWallet extends HttpApiError.Problem<SameWallet>()(
  "SameWallet",
  declare("same-wallet", 422, "The recipient is the sender"),
  members("same-wallet", false)
) {}

export class LimitExceeded extends HttpApiError.Problem<LimitExceeded>()(
  "LimitExceeded",
  declare("limit-exceeded", 403, "A rule refuses the movement"),
  {
    ...members("limit-exceeded", false),
    /** Amount that can still be moved until `resets_at`, in `unit`. Null if a rule without a limit refuses the movement. */
    remaining: Schema.NullOr(Schema.String),
    /** A currency, or `movements`. */
    unit: Schema.NullOr(Schema.String),
    resets_at: Schema.NullOr(TimestampText)
  }
) {}

export class FundingEnded extends HttpApiError.Problem<FundingEnded>()(
  "FundingEnded",
  declare("funding-ended", 409, "The deposit or withdrawal has ended"),
  {
    ...members("funding-ended", false),
    state: Schema.Literals(["pending", "completed", "failed"]),
    /** Reference of the payment, if it is completed. */
    reference: Schema.NullOr(Schema.String),
    /** Reason of the failure. */
    reason: Schema.NullOr(Schema.String)
  }
) {}

export class FundingRefused extends HttpApiError.Problem<FundingRefused>()(
  "FundingRefused",
  declare("funding-refused", 422, "The ledger refuses the movement"),
  members("funding-refused", false)
) {}

export class PaymentReferenceUsed extends HttpApiError.Problem<PaymentReferenceUsed>()(
  "PaymentReferenceUsed",
  declare("payment-reference-used", 409, "The payment has completed another request"),
  {
    ...members("payment-reference-used", false),
    /** Id of the request that it completed. */
    funding_id: Schema.String
  }
) {}
