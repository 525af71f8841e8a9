import { Schema } from "effect"
import { Username } from "../domain/accounts/User.ts"
import { AssetCode } from "../domain/money/Asset.ts"
import { LedgerAccountId } from "../domain/ledger/LedgerAccount.ts"
import { TransferId } from "../domain/ledger/LedgerPosting.ts"
import { AccountIdFromBigInt, Amount } from "../ledger/Amount.ts"

/** One movement of one balance of a wallet, as the statement shows it. */
export const StatementRow = Schema.Struct({
  /** The transfer of the ledger. Both rows of a conversion have the same. */
  id: TransferId,
  account: AccountIdFromBigInt,
  version: Schema.BigInt,
  asset: AssetCode,
  kind: Schema.String,
  /** Signed. */
  change: Amount,
  /** Balance of the asset after the movement. */
  balance: Amount,
  postedAt: Schema.DateTimeUtcFromDate,
  /** The user on the other side of a transfer. */
  counterparty: Schema.NullOr(Username),
  note: Schema.NullOr(Schema.String),
  reference: Schema.NullOr(Schema.String),
  orderId: Schema.NullOr(Schema.String),
  conversionId: Schema.NullOr(Schema.String)
})
export type StatementRow = typeof StatementRow.Type

/** Place of a row in a statement, newest first: by time, then by account, then by version. */
export const StatementPosition = Schema.Struct({
  at: Schema.DateTimeUtcFromString,
  account: LedgerAccountId,
  version: Schema.String.check(Schema.isPattern(/^\d{1,18}$/))
})
export type StatementPosition = typeof StatementPosition.Type
