import { DateTime, Effect, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import { Username } from "../domain/accounts/User.ts"
import { AssetCode } from "../domain/money/Asset.ts"
import type { LedgerAccountId } from "../domain/ledger/LedgerAccount.ts"
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

/** Columns of {@link StatementRow}, from `ledger_entry AS entry` and `ledger_transfer AS transfer`. */
export const COLUMNS = `
  entry.transfer_id AS id, entry.account_id AS account, entry.version, entry.asset, transfer.kind,
  entry.amount::text AS change, entry.balance::text AS balance, transfer.posted_at,
  transfer.details ->> 'note' AS note, transfer.details ->> 'reference' AS reference,
  transfer.details ->> 'order_id' AS order_id, transfer.details ->> 'conversion_id' AS conversion_id,
  (SELECT username FROM wallet AS other JOIN app_user ON app_user.id = other.user_id
    WHERE other.id = (CASE WHEN transfer.kind = 'transfer' THEN
      transfer.details ->> (CASE WHEN entry.amount < 0 THEN 'to' ELSE 'from' END) END)::uuid) AS counterparty`

const decodeRows = Schema.decodeUnknownEffect(Schema.Array(StatementRow))

/** Decodes rows with the {@link COLUMNS}. */
export const decode = (rows: unknown) => Effect.orDie(decodeRows(rows))

/** Version of an account, from `ledger_account AS account`, at the end of the millisecond before a time. */
export const versionBefore = (sql: SqlClient.SqlClient, time: DateTime.Utc) => sql`
  ledger_version_at(account.id, account.version, ${DateTime.toDateUtc(DateTime.subtract(time, { milliseconds: 1 }))})`

/** Place of a row in a statement, newest first: by time, then by account, then by version. */
export interface StatementPosition {
  /** Epoch milliseconds. */
  readonly at: number
  readonly account: LedgerAccountId
  readonly version: bigint
}
