import { Schema } from "effect"
import { Username } from "../../domain/accounts/User.ts"
import { TransferId } from "../../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../../domain/money/Asset.ts"
import { TimestampText } from "../../domain/Timestamp.ts"
import * as PageMessage from "../PageMessage.ts"

/** One movement of one balance. */
export const TransactionMessage = Schema.Struct({
  /** Id of the transaction. Both movements of a conversion have the same. */
  id: TransferId,
  /** Such as `transfer`, `deposit`, `withdrawal` or `conversion`. */
  type: Schema.String,
  asset: AssetCode,
  /** Without a sign. */
  amount: Schema.String,
  /** The amount, negative if it left the wallet. */
  change: Schema.String,
  /** Balance of the asset after the movement. */
  balance: Schema.String,
  /** The user on the other side of a transfer. */
  counterparty: Schema.NullOr(Username),
  note: Schema.NullOr(Schema.String),
  /** Reference of a payment outside of effex. */
  reference: Schema.NullOr(Schema.String),
  order_id: Schema.NullOr(Schema.String),
  conversion_id: Schema.NullOr(Schema.String),
  created_at: TimestampText
}).annotate({ identifier: "Transaction" })
export type TransactionMessage = typeof TransactionMessage.Type

export const TransactionsPage = Schema.Struct(PageMessage.page(TransactionMessage)).annotate({
  identifier: "TransactionsPage"
})

/** A transaction with each movement that it made in the wallet. */
export const TransactionMovements = Schema.Struct({
  id: TransferId,
  type: Schema.String,
  created_at: TimestampText,
  movements: Schema.Array(TransactionMessage)
}).annotate({ identifier: "TransactionMovements" })
export type TransactionMovements = typeof TransactionMovements.Type
