import { Schema } from "effect"
import { Username } from "../../domain/accounts/User.ts"
import { TransferId } from "../../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../../domain/money/Asset.ts"
import { TimestampText } from "../../domain/Timestamp.ts"
import { Note, WalletId } from "../../domain/wallets/Wallet.ts"
import { AmountInput } from "../conversion/ConversionMessage.ts"

/** Longer text is no username and no wallet id. */
const Recipient = Schema.String.check(
  Schema.isMaxLength(100, { message: "must be a username or the id of a wallet" })
)

export const TransferBody = Schema.Struct({
  /** A username, in upper or lower case, or the id of a wallet. */
  to: Recipient,
  asset: Schema.String.check(Schema.isMaxLength(100, { message: "must be the code of an asset" })),
  /** With no more decimals than the asset has. */
  amount: AmountInput,
  /** Both sides see it. */
  note: Schema.optionalKey(Schema.NullOr(Note))
}).annotate({ identifier: "Transfer" })

export const RecipientQuery = { to: Recipient }

export const RecipientMessage = Schema.Struct({ wallet_id: WalletId, username: Username }).annotate({
  identifier: "Recipient"
})

/** A transfer and its state. Its money is held while it waits for a review. */
export const TransferStateMessage = Schema.Struct({
  id: TransferId,
  /** `rejected` and `expired`: the money is free again. */
  state: Schema.Literals(["held-for-review", "completed", "rejected", "expired"]),
  type: Schema.Literal("transfer"),
  asset: AssetCode,
  amount: Schema.String,
  counterparty: Schema.NullOr(Username),
  note: Schema.NullOr(Schema.String),
  created_at: TimestampText,
  /** The movement in the statement; null unless `completed`. */
  transaction_id: Schema.NullOr(TransferId)
}).annotate({ identifier: "TransferState" })
export type TransferStateMessage = typeof TransferStateMessage.Type
