import { type BigDecimal, type DateTime, type Option, Schema } from "effect"
import type { AssetCode } from "../money/Asset.ts"

/** Identifies a ledger account: a positive 64-bit integer as decimal text. */
export const LedgerAccountId = Schema.String.check(
  Schema.isPattern(/^[1-9]\d{0,18}$/, { message: 'must be the id of a ledger account, such as "2"' })
).pipe(Schema.brand("LedgerAccountId"))
export type LedgerAccountId = typeof LedgerAccountId.Type

/** Names a ledger account. At most one account has these three values. */
export interface AccountName {
  /** A UUID that the ledger does not interpret; null for accounts of the house. */
  readonly owner: string | null
  /** Purpose of the account, such as `user`, `funding` or `revenue.spread`. */
  readonly role: string
  readonly asset: AssetCode
}

/** An account to open. */
export interface NewLedgerAccount extends AccountName {
  /** Lowest allowed value of balance minus held: zero, or null for an account without a floor. */
  readonly minBalance: "0" | null
}

/** An account as it is now. Amounts are in units of its asset. */
export interface LedgerAccount extends AccountName {
  readonly id: LedgerAccountId
  /** Balance after the last entry. Negative only without a floor. */
  readonly balance: BigDecimal.BigDecimal
  /** Sum of the open holds that have not expired. */
  readonly held: BigDecimal.BigDecimal
  /** Balance minus held. */
  readonly available: BigDecimal.BigDecimal
  /** Number of entries of the account. */
  readonly version: bigint
  /** A frozen account accepts no entries and no new holds. */
  readonly frozenAt: Option.Option<DateTime.Utc>
}
