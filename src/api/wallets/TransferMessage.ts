import { Schema } from "effect"
import { Username } from "../../domain/accounts/User.ts"
import { Note, WalletId } from "../../domain/wallets/Wallet.ts"

/** Longer text is no username and no wallet id. */
const Recipient = Schema.String.check(
  Schema.isMaxLength(100, { message: "must be a username or the id of a wallet" })
)

export const TransferBody = Schema.Struct({
  /** A username, in upper or lower case, or the id of a wallet. */
  to: Recipient,
  asset: Schema.String.check(Schema.isMaxLength(100, { message: "must be the code of an asset" })),
  /** A decimal as a string, with no more decimals than the asset has. */
  amount: Schema.String,
  /** Both sides see it. */
  note: Schema.optionalKey(Schema.NullOr(Note))
}).annotate({ identifier: "Transfer" })

export const RecipientQuery = { to: Recipient }

export const RecipientMessage = Schema.Struct({ wallet_id: WalletId, username: Username }).annotate({
  identifier: "Recipient"
})
