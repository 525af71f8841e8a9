import { Schema } from "effect"
import { Username } from "../../domain/accounts/User.ts"
import { TransferId } from "../../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../../domain/money/Asset.ts"
import { TimestampText } from "../../domain/Timestamp.ts"
import {
  FundingDirection,
  FundingId,
  FundingProvider,
  FundingState,
  PaymentReference
} from "../../domain/wallets/Funding.ts"
import { Note, WalletId } from "../../domain/wallets/Wallet.ts"
import { AmountInput } from "../conversion/ConversionMessage.ts"
import * as PageMessage from "../PageMessage.ts"

/** Request body of a deposit or a withdrawal. */
export const FundingBody = Schema.Struct({
  /** With no more decimals than the asset has. */
  amount: AmountInput,
  /** The home currency by default. */
  asset: Schema.optionalKey(
    Schema.String.check(Schema.isMaxLength(100, { message: "must be the code of an asset" }))
  ),
  /** In the sandbox, a note such as `sandbox:later 5` asks for a fault. */
  note: Schema.optionalKey(Schema.NullOr(Note))
}).annotate({ identifier: "FundingRequest" })

/** A deposit or a withdrawal. */
export const FundingMessage = Schema.Struct({
  id: FundingId,
  direction: FundingDirection,
  /** `pending` until the outcome is known; then `completed` or `failed`, for good. */
  state: FundingState,
  asset: AssetCode,
  amount: Schema.String,
  /** True if the built-in sandbox decided: no payment has been made. */
  sandbox: Schema.Boolean,
  note: Schema.NullOr(Schema.String),
  /** Reference of the payment, once completed. */
  reference: Schema.NullOr(Schema.String),
  /** Reason of the failure. */
  reason: Schema.NullOr(Schema.String),
  /** The transaction of the statement, once completed. */
  transaction_id: Schema.NullOr(TransferId),
  created_at: TimestampText,
  settled_at: Schema.NullOr(TimestampText)
}).annotate({ identifier: "Funding" })
export type FundingMessage = typeof FundingMessage.Type

export const FundingPage = Schema.Struct(PageMessage.page(FundingMessage)).annotate({
  identifier: "FundingPage"
})

/** A new deposit or withdrawal, with the balance of its asset afterwards. */
export const FundingReceiptMessage = Schema.Struct({
  ...FundingMessage.fields,
  balance: Schema.String,
  /** Reserved part of the balance, such as that of pending withdrawals. */
  held: Schema.String,
  /** Amount that can be spent: balance minus held. */
  available: Schema.String
}).annotate({ identifier: "FundingReceipt" })
export type FundingReceiptMessage = typeof FundingReceiptMessage.Type

/** A deposit or a withdrawal, as administrators see it. */
export const ManagedFundingMessage = Schema.Struct({
  ...FundingMessage.fields,
  wallet_id: WalletId,
  username: Username,
  provider: FundingProvider,
  /** `user:<id>`, or an API key that acts for the user. */
  requested_by: Schema.String,
  /** The administrator who decided; null while pending, and if the provider did. */
  settled_by: Schema.NullOr(Schema.String)
}).annotate({ identifier: "ManagedFunding" })
export type ManagedFundingMessage = typeof ManagedFundingMessage.Type

export const ManagedFundingPage = Schema.Struct(PageMessage.page(ManagedFundingMessage)).annotate({
  identifier: "ManagedFundingPage"
})

/** Request body: the reference of the payment. */
export const ConfirmFundingBody = Schema.Struct({ reference: PaymentReference }).annotate({
  identifier: "FundingConfirmation"
})

export const query = {
  state: Schema.optionalKey(FundingState),
  direction: Schema.optionalKey(FundingDirection),
  ...PageMessage.query
}
